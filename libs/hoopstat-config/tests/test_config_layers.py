"""Each layer beats the ones below it, for every type of value, and each value knows where it came from."""

from __future__ import annotations

import datetime as dt
import json
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from pydantic import SecretStr

from hoopstat_config import Duration, IsoDate, Option, Origin, OriginKind, Settings, SettingsConfigDict


class Colour(StrEnum):
    """An enumeration."""

    RED = "Red"
    DEEP_BLUE = "Deep Blue"


class Everything(Settings):
    """A setting of every type."""

    model_config = SettingsConfigDict(env_prefix="T_")

    text: Annotated[str, Option("--text")] = "d"
    maybe: Annotated[str | None, Option("--maybe")] = None
    whole: Annotated[int, Option("--whole")] = 0
    number: Annotated[float, Option("--number")] = 0.0
    either: Annotated[float | Literal["auto"], Option("--either")] = 1.0
    flag: Annotated[bool, Option("--flag/--no-flag")] = False
    inverse: Annotated[bool, Option("--no-inverse")] = True
    path: Annotated[Path, Option("--path")] = Path("d")
    day: Annotated[IsoDate, Option("--day")] = dt.date(2000, 1, 1)
    wait: Annotated[Duration, Option("--wait")] = dt.timedelta(seconds=1)
    choice: Annotated[Literal["wait", "skip", "fail"], Option("--choice")] = "wait"
    colour: Annotated[Colour, Option("--colour")] = Colour.RED
    names: Annotated[tuple[str, ...], Option("--name")] = ()
    numbers: Annotated[tuple[int, ...], Option("--numbers")] = (0,)
    secret: Annotated[SecretStr | None, Option("--secret")] = None


# field, text in the file (JSON), environment, command line; and the values each of them means
MATRIX: list[tuple[str, Any, str, object, Any, Any, Any]] = [
    ("text", "f", "e", "c", "f", "e", "c"),
    ("maybe", "f", "e", "c", "f", "e", "c"),
    ("whole", 1, "2", "3", 1, 2, 3),
    ("number", 1.5, "2.5", "3.5", 1.5, 2.5, 3.5),
    ("either", "auto", "2", "auto", "auto", 2.0, "auto"),
    ("flag", True, "no", True, True, False, True),
    ("inverse", False, "yes", False, False, True, False),
    ("path", "f/x", "e/x", "c/x", Path("f/x"), Path("e/x"), Path("c/x")),
    ("day", "2001-01-01", "2002-02-02", "2003-03-03", dt.date(2001, 1, 1), dt.date(2002, 2, 2), dt.date(2003, 3, 3)),
    ("wait", 90, "45m", "1h", dt.timedelta(seconds=90), dt.timedelta(minutes=45), dt.timedelta(hours=1)),
    ("choice", "skip", "FAIL", "wait", "skip", "fail", "wait"),
    ("colour", "Deep Blue", "red", "deep-blue", Colour.DEEP_BLUE, Colour.RED, Colour.DEEP_BLUE),
    ("names", ["f"], "e, g", ("c", "d,e"), ("f",), ("e", "g"), ("c", "d,e")),
    ("numbers", [1, 2], "3,4", ("5",), (1, 2), (3, 4), (5,)),
    ("secret", "f-secret", "e-secret", "c-secret", SecretStr("f-secret"), SecretStr("e-secret"), SecretStr("c-secret")),
]


@pytest.mark.parametrize(
    ("field", "in_file", "in_environment", "on_line", "from_file", "from_environment", "from_line"), MATRIX
)
def test_each_layer_beats_those_below(
    tmp_path: Path,
    field: str,
    in_file: Any,
    in_environment: str,
    on_line: object,
    from_file: Any,
    from_environment: Any,
    from_line: Any,
) -> None:
    """default < file < environment < command line, whatever the type; a layer that is absent changes nothing."""
    file = tmp_path / "s.json"
    file.write_text(json.dumps({field: in_file}))
    environ = {f"T_{field.upper()}": in_environment}
    line = {field: on_line}
    default = getattr(Everything(), field)
    for use_file in (False, True):
        for use_environment in (False, True):
            for use_line in (False, True):
                settings = Everything.load(
                    line if use_line else {},
                    environ=environ if use_environment else {},
                    file=file if use_file else None,
                )
                expected, kind = default, OriginKind.DEFAULT
                if use_file:
                    expected, kind = from_file, OriginKind.FILE
                if use_environment:
                    expected, kind = from_environment, OriginKind.ENVIRONMENT
                if use_line:
                    expected, kind = from_line, OriginKind.COMMAND_LINE
                value = getattr(settings, field)
                assert value == expected
                assert type(value) is type(expected)
                assert settings.origin(field).kind is kind
                others = [name for name in Everything.model_fields if name != field]
                assert all(settings.origin(name).kind is OriginKind.DEFAULT for name in others)


def test_an_origin_names_the_place_and_the_text(tmp_path: Path) -> None:
    """An origin is enough to find the value again: layer, name there, text as given."""
    file = tmp_path / "s.toml"
    file.write_text("no-inverse = true\nnames = ['a', 'b']\n")
    settings = Everything.load({"flag": False, "whole": "7"}, environ={"T_WAIT": " 45m "}, file=file)
    assert settings.origin("flag") == Origin(OriginKind.COMMAND_LINE, "--no-flag")
    assert settings.origin("whole") == Origin(OriginKind.COMMAND_LINE, "--whole", "7")
    assert settings.origin("wait") == Origin(OriginKind.ENVIRONMENT, "T_WAIT", "45m")
    assert settings.origin("inverse") == Origin(OriginKind.FILE, "no-inverse", "true", str(file))
    assert settings.origin("names") == Origin(OriginKind.FILE, "names", "a, b", str(file))
    assert settings.origin("text") == Origin(OriginKind.DEFAULT)
    assert not settings.origin("text").explicit
    assert settings.origin("wait").explicit
    assert str(settings.origin("flag")) == "--no-flag"
    assert str(settings.origin("wait")) == "environment T_WAIT"
    assert str(settings.origin("inverse")) == f"file {file}, key no-inverse"
    assert str(settings.origin("text")) == "default"
    assert settings.origin("whole").with_value() == "--whole '7'"
    assert settings.origin("wait").with_value() == "environment T_WAIT='45m'"
    with pytest.raises(KeyError):
        settings.origin("nothing")


def test_a_value_equal_to_the_default_is_still_given() -> None:
    """Who says what holds anyway has said it: the origin tells."""
    settings = Everything.load({"whole": "0"}, environ={"T_TEXT": "d"})
    assert settings.origin("whole").kind is OriginKind.COMMAND_LINE
    assert settings.origin("text").kind is OriginKind.ENVIRONMENT


@pytest.mark.parametrize("word", ["true", "TRUE", "1", "yes", "Yes", "on", " on "])
def test_words_that_mean_true(word: str) -> None:
    """Truth may be written as operators write it."""
    assert Everything.load({}, environ={"T_FLAG": word}).flag is True


@pytest.mark.parametrize("word", ["false", "False", "0", "no", "NO", "off"])
def test_words_that_mean_false(word: str) -> None:
    """Falsehood too."""
    assert Everything.load({}, environ={"T_INVERSE": word}).inverse is False


@pytest.mark.parametrize("text", ["", "   "])
@pytest.mark.parametrize("field", sorted(Everything.model_fields))
def test_an_empty_variable_is_not_set(field: str, text: str) -> None:
    """`VARIABLE=` in a unit file or a manifest leaves the default in force."""
    settings = Everything.load({}, environ={f"T_{field.upper()}": text})
    assert settings == Everything()
    assert settings.origin(field).kind is OriginKind.DEFAULT


def test_a_variable_of_commas_alone_is_not_set() -> None:
    """A list without items is no list."""
    assert Everything.load({}, environ={"T_NUMBERS": " , ,"}).numbers == (0,)


def test_what_click_passes_for_options_not_given_is_not_given() -> None:
    """None and () on the command line mean that the user said nothing."""
    settings = Everything.load({"text": None, "names": (), "flag": None}, environ={"T_TEXT": "e", "T_FLAG": "1"})
    assert (settings.text, settings.flag, settings.names) == ("e", True, ())


def test_null_in_a_file_is_not_given(tmp_path: Path) -> None:
    """`key:` without a value in YAML, null in JSON: the default holds."""
    file = tmp_path / "s.yaml"
    file.write_text("text:\nwhole: null\n")
    settings = Everything.load({}, environ={}, file=file)
    assert (settings.text, settings.whole) == ("d", 0)
    assert settings.origin("text").kind is OriginKind.DEFAULT


def test_a_file_may_use_field_or_option_names(tmp_path: Path) -> None:
    """Snake case, kebab case, the option's own name and its negative all name the setting."""

    class Named(Settings):
        checkpoint_every: Annotated[int, Option("--commit-every")] = 1
        box_scores: Annotated[bool, Option("--no-box-scores")] = True
        resume: Annotated[bool, Option("--resume/--no-resume")] = True

    file = tmp_path / "s.toml"
    for text, expected in [
        ("checkpoint_every = 2", (2, True, True)),
        ("checkpoint-every = 3", (3, True, True)),
        ("commit-every = 4", (4, True, True)),
        ("commit_every = 5", (5, True, True)),
        ("no-box-scores = true\nno_resume = 'yes'", (1, False, False)),
        ("no-box-scores = false\nbox = 1".partition("\n")[0], (1, True, True)),
        ("box-scores = false\nresume = false", (1, False, False)),
    ]:
        file.write_text(text)
        named = Named.load({}, environ={}, file=file)
        assert (named.checkpoint_every, named.box_scores, named.resume) == expected


def test_a_bad_value_that_is_overridden_hurts_nobody(tmp_path: Path) -> None:
    """Overriding a wrong value is how one mends it."""
    file = tmp_path / "s.toml"
    file.write_text("whole = 'many'\ntext = ''\n")
    settings = Everything.load({"whole": "3"}, environ={"T_TEXT": "x", "T_WHOLE": "lots"}, file=file)
    assert (settings.whole, settings.text) == (3, "x")


def test_nothing_is_read_behind_the_callers_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The process's environment and a .env file in the folder do not reach the settings by themselves."""
    monkeypatch.setenv("T_TEXT", "sneaky")
    monkeypatch.chdir(tmp_path)
    (tmp_path / ".env").write_text("T_TEXT=sneaky\n")
    assert Everything.load({}, environ={}).text == "d"
    assert Everything().text == "d"


def test_an_unknown_field_on_the_command_line_is_a_mistake_of_the_program() -> None:
    """The caller maps options to fields: a name that is no field is its bug, not the user's error."""
    with pytest.raises(TypeError, match="no such setting: colur"):
        Everything.load({"colur": "Red"}, environ={})
    with pytest.raises(TypeError, match="no such setting: colur"):
        Everything(colur="Red")  # type: ignore[call-arg]  # what mypy refuses is what is tested
    with pytest.raises(TypeError, match="no such setting: colur"):
        Everything().with_defaults(colur="Red")


def test_values_passed_to_the_class_come_from_code() -> None:
    """Tests and scripts can build settings without a command line, with the same validation."""
    settings = Everything(whole=3, names=("a",))
    assert settings.whole == 3
    assert settings.origin("whole") == Origin(OriginKind.CODE, "whole", "3")
    assert str(settings.origin("whole")) == "code, whole"


def test_computed_defaults_give_way_to_what_was_given() -> None:
    """What a program finds out later fills the gaps only, and is still called a default."""
    settings = Everything.load({"text": "c"}, environ={}).with_defaults(text="computed", whole=9)
    assert (settings.text, settings.whole) == ("c", 9)
    assert settings.origin("whole").kind is OriginKind.DEFAULT
    assert settings.origin("text").kind is OriginKind.COMMAND_LINE
    assert settings.with_defaults(whole=10).whole == 10


def test_variables_that_nearly_have_our_name_are_noticed() -> None:
    """A misspelt variable has no effect, which nobody would notice; so the settings do."""

    class Noticing(Settings):
        model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")
        rate_limit: Annotated[float, Option("--rate-limit", env="NBA_RATE_LIMIT_SECONDS")] = 5.0
        output: Annotated[str, Option("--output")] = "bronze"

    environ = {
        "NBA_BACKFILL_RATE_LIMIT": "1",
        "NBA_BACKFILL_OUTPTU": "x",
        "NBA_RATE_LIMIT_SECOND": "1",
        "NBA_BACKFILL_PORT": "tcp://10.0.0.1:80",
        "NBA_BACKFILL_OUTPU": "",
        "HOME": "/root",
    }
    settings = Noticing.load({}, environ=environ)
    assert settings.notices == (
        "environment NBA_BACKFILL_OUTPTU is not read; did you mean NBA_BACKFILL_OUTPUT?",
        "environment NBA_BACKFILL_RATE_LIMIT is not read; did you mean NBA_RATE_LIMIT_SECONDS?",
        "environment NBA_RATE_LIMIT_SECOND is not read; did you mean NBA_RATE_LIMIT_SECONDS?",
    )
    assert settings.with_defaults(output="y").notices == settings.notices
    assert Noticing.load({}, environ={"NBA_RATE_LIMIT_SECONDS": "2"}).notices == ()
