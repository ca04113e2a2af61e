"""Configuration files: three formats, one clear problem when they cannot be used."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import pytest

from hoopstat_config import ConfigurationInvalid, Option, OriginKind, Settings


class Filed(Settings):
    """What the files fill."""

    season: Annotated[str, Option("--season")] = "none"
    limit: Annotated[int, Option("--limit")] = 0
    ids: Annotated[tuple[str, ...], Option("--game-id")] = ()


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("s.toml", 'season = "2024-25"\nlimit = 3\nids = ["1", "2"]\n'),
        ("s.toml", '\ufeffseason = "2024-25"\nlimit = 3\ngame-id = "1, 2"\n'),
        ("s.yaml", "season: 2024-25\nlimit: 3\nids: ['1', '2']\n"),
        ("s.YML", "season: 2024-25\nlimit: '3'\ngame_id: ['1', '2']\n"),
        ("s.json", '{"season": "2024-25", "limit": 3, "ids": ["1", "2"]}'),
    ],
)
def test_the_three_formats_say_the_same(tmp_path: Path, name: str, text: str) -> None:
    """TOML, YAML and JSON differ in spelling only; an editor's byte order mark does not matter."""
    file = tmp_path / name
    file.write_text(text, encoding="utf-8")
    settings = Filed.load({}, environ={}, file=file)
    assert (settings.season, settings.limit, settings.ids) == ("2024-25", 3, ("1", "2"))


@pytest.mark.parametrize("name", ["s.toml", "s.yaml", "s.json"])
def test_an_empty_file_says_nothing(tmp_path: Path, name: str) -> None:
    """An empty file is a file without settings."""
    file = tmp_path / name
    file.write_text("\n")
    assert Filed.load({}, environ={}, file=file).season == "none"


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("s.toml", "season = \n", ", line 1: not TOML: "),
        ("s.toml", 'season = "a"\nlimit = 1\nseason = "b"\n', ", line 3: not TOML: "),
        ("s.toml", "limit = " + "9" * 5000, ": not TOML: "),
        ("s.toml", "x = " + "[" * 5000, ": nested too deeply"),
        ("s.yaml", "season: [\n", ", line 2: not YAML: "),
        ("s.yaml", "season: a\nlimit: 1\nseason: b\n", ", line 3: key season is given twice"),
        ("s.yaml", "season: a\nlimit: \x01\n", ", line 2: not YAML: special characters are not allowed"),
        ("s.yaml", "day: 2024-13-45", ": not YAML: "),
        ("s.yaml", "limit: !!int ''", ": not YAML: "),
        ("s.yaml", "limit: !!python/object:os.system x", ", line 1: not YAML: "),
        ("s.yaml", "- a\n- b\n", ": holds no settings: at the top there must be a table of names and values"),
        ("s.yaml", "--- a\n--- b\n", ": not YAML: "),
        ("s.json", '{"season": "a",\n "limit": }', ", line 2: not JSON: Expecting value"),
        ("s.json", '{"season": "a", "season": "b"}', ": key season is given twice"),
        ("s.json", "[1]", ": holds no settings: at the top there must be a table of names and values"),
        ("s.json", '{"limit": ' + "9" * 5000 + "}", ": not JSON: "),
        ("s.json", "[" * 200_000, ": nested too deeply"),
        ("s.ini", "", ": cannot tell what kind of file this is; name it .toml, .yaml, .yml, .json"),
        ("s", "", ": cannot tell what kind of file this is"),
    ],
)
def test_a_malformed_file_is_one_problem_with_its_line(tmp_path: Path, name: str, text: str, message: str) -> None:
    """What is wrong, and where as far as the parser knows; the other layers are judged all the same."""
    file = tmp_path / name
    file.write_text(text)
    with pytest.raises(ConfigurationInvalid) as caught:
        Filed.load({"limit": "x"}, environ={}, file=file)
    unreadable, limit = caught.value.problems
    assert message in str(unreadable)
    assert str(unreadable).startswith(f"file {file}")
    assert "\n" not in str(unreadable)
    assert unreadable.origin is not None
    assert unreadable.origin.kind is OriginKind.FILE
    assert str(limit) == "--limit 'x': not a whole number"


def test_a_file_that_cannot_be_read_is_one_problem(tmp_path: Path) -> None:
    """Missing, a folder, not text, not ours to read."""

    def problem(file: Path) -> str:
        with pytest.raises(ConfigurationInvalid) as caught:
            Filed.load({}, environ={}, file=file)
        return str(caught.value)

    missing = tmp_path / "none.toml"
    assert problem(missing) == f"file {missing}: no such file"
    folder = tmp_path / "folder.toml"
    folder.mkdir()
    assert problem(folder) == f"file {folder}: a folder, not a file"
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"a = 1\n\xff")
    assert problem(binary) == f"file {binary}: not UTF-8 text (byte 6)"
    below = binary / "s.toml"
    assert problem(below) == f"file {below}: cannot be read: Not a directory"
    assert "cannot be read" in problem(Path("a\0b.toml"))
    if os.geteuid() != 0:
        locked = tmp_path / "locked.toml"
        locked.touch(mode=0o000)
        assert problem(locked) == f"file {locked}: cannot be read: Permission denied"


def test_keys_that_are_no_text_are_unknown(tmp_path: Path) -> None:
    """YAML allows anything as a key; it is named as it stands."""
    file = tmp_path / "s.yaml"
    file.write_text("1: x\nnull: y\n")
    with pytest.raises(ConfigurationInvalid) as caught:
        Filed.load({}, environ={}, file=file)
    assert [problem.name for problem in caught.value.problems] == ["1", "None"]
