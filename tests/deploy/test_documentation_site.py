"""The site builds without a warning, and what is generated on its pages is what the code says."""

from __future__ import annotations

import importlib.metadata
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import pytest
import yaml
from packaging.requirements import Requirement

from nba_season_backfill.cli import cli

OURS = ("nba-season-backfill", "nba-stats-emulator", "hoopstat-config", "hoopstat-observability")
UPDATE = os.environ.get("HOOPSTAT_UPDATE_DOCS") == "1"
BEGIN, END = "<!-- begin: generated", "<!-- end: generated -->"
# What packages say of themselves, in the names of SPDX.
LICENCES = {
    "Apache 2.0": "Apache-2.0",
    "Apache License 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "BSD": "BSD-3-Clause",
    "BSD 3-Clause": "BSD-3-Clause",
    "BSD License": "BSD-3-Clause",
    "Dual License": "Apache-2.0 OR BSD-3-Clause",
    "MIT License": "MIT",
    "MIT license": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Python Software Foundation License": "PSF-2.0",
}
# A copy of the licence travels with the files that it covers; nothing that uses them is touched.
PERMITTED = {
    *("0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "CC0-1.0", "ISC"),
    *("MIT", "MPL-2.0", "PSF-2.0", "Unlicense", "Zlib"),
}

Tool = Callable[..., subprocess.CompletedProcess[str]]


def _settle(path: Path, text: str) -> None:
    """The page says this, or is renewed where that was asked for."""
    if UPDATE and (not path.is_file() or path.read_text() != text):
        path.write_text(text)
    assert path.is_file(), f"{path.name} is missing; renew it with HOOPSTAT_UPDATE_DOCS=1"
    assert path.read_text() == text, f"{path.name} is out of date; renew it with HOOPSTAT_UPDATE_DOCS=1"


def test_the_site_builds_without_a_warning(root: Path, tmp_path: Path) -> None:
    """Every link, anchor and place in the navigation is right, strictly."""
    pytest.importorskip("material", reason="bin/tools installs it")
    result = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=root,
        # The theme's authors warn of MkDocs 2, whatever is built.
        env=os.environ | {"NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "WARNING" not in result.stderr
    assert (tmp_path / "site/index.html").is_file()
    assert (tmp_path / "site/cli/index.html").is_file()


def test_readers_are_told_on_to_nobody(root: Path) -> None:
    """The site loads no font and no script from elsewhere."""
    settings = yaml.safe_load((root / "mkdocs.yml").read_text())
    assert settings["theme"]["font"] is False
    assert "extra_javascript" not in settings
    assert "extra_css" not in settings


def _pages(node: Any) -> Iterator[str]:
    if isinstance(node, str):
        yield node
    else:
        for item in node.values() if isinstance(node, dict) else node:
            yield from _pages(item)


def test_every_page_has_its_place(root: Path) -> None:
    """No page is out of reach of the navigation."""
    settings = yaml.safe_load((root / "mkdocs.yml").read_text())
    there = {str(path.relative_to(root / "docs")) for path in (root / "docs").rglob("*.md")}
    assert set(_pages(settings["nav"])) == there


def _commands(command: click.Command, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    yield path, command
    if isinstance(command, click.Group):
        for name in sorted(command.commands):
            if not command.commands[name].hidden:
                yield from _commands(command.commands[name], (*path, name))


def _context(command: click.Command, path: tuple[str, ...]) -> click.Context:
    parent = None
    for name in path[:-1]:
        parent = click.Context(click.Group(name), info_name=name, parent=parent)
    return click.Context(
        command, info_name=path[-1], parent=parent, terminal_width=100, max_content_width=100, color=False
    )


def _option_names(command: click.Command) -> list[str]:
    return [parameter.opts[0] for parameter in command.params if isinstance(parameter, click.Option)]


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _section(command: click.Command, path: tuple[str, ...], run: click.Command) -> str:
    """What a command does, and those of its options that ``run`` has not."""
    context = _context(command, path)
    lines = [f"{'#' * min(len(path), 3)} {' '.join(path)}", "", "```text", command.get_usage(context)[7:], "```", ""]
    lines += [line.strip() for line in (command.help or "").splitlines()]
    if isinstance(command, click.Group):
        return "\n".join(lines).rstrip() + "\n"
    if path[-1] == "run":
        help_text = "\n".join(line.rstrip() for line in command.get_help(context).splitlines())
        return "\n".join([*lines, "", "```text", help_text[help_text.index("What to fetch:") :], "```"]) + "\n"
    shared = _option_names(run)
    own = [parameter for parameter in command.params if parameter.opts[0] not in shared]
    records = [record for record in (parameter.get_help_record(context) for parameter in own) if record]
    if records:
        lines += ["", "| option | |", "|---|---|"]
        lines += [f"| `{_cell(left)}` | {_cell(right)} |" for left, right in records]
    mine = set(_option_names(command))
    missing = [name for name in shared if name not in mine]
    if len(missing) < len(shared) / 2:
        without = f" but {', '.join(f'`{name}`' for name in missing)}" if missing else ""
        lines += ["", f"Besides, every option of `run`{without}."]
    elif len(missing) < len(shared):
        lines += ["", "Of the options of `run`: " + ", ".join(f"`{name}`" for name in shared if name in mine) + "."]
    return "\n".join(lines).rstrip() + "\n"


def test_the_reference_of_the_command_line_is_current(root: Path) -> None:
    """docs/cli.md says what --help says, of every command."""
    run = cli.commands["run"]
    introduction = (
        "What `--help` says of every command; generated from it (renewed by the tests with `HOOPSTAT_UPDATE_DOCS=1`).\n"
        "Variables and keys in files: [configuration](configuration.md). Exit codes: [operations](operations.md).\n"
    )
    parts = ["# Command line\n", introduction]
    ordered = sorted(_commands(cli, ("nba-backfill",)), key=lambda pair: (pair[0] != ("nba-backfill", "run"), pair[0]))
    parts += [_section(command, path, run) for path, command in ordered if len(path) > 1]
    _settle(root / "docs/cli.md", "\n".join(parts))


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _licence(name: str) -> str:
    """What a package says its licence is, as SPDX has it."""
    metadata = importlib.metadata.metadata(name)
    said = [*(metadata.get_all("License-Expression") or ())]
    if not said:
        short = [text.strip() for text in metadata.get_all("License") or () if "\n" not in text and len(text) < 40]
        classes = [text.rpartition(" :: ")[2] for text in metadata.get_all("Classifier") or () if "License ::" in text]
        said = [text for text in short if text] or [text for text in classes if text != "OSI Approved"]
    return " AND ".join(str(LICENCES.get(text, text)) for text in said)


def _needs(name: str) -> set[str]:
    found = set()
    for text in importlib.metadata.requires(name) or ():
        requirement = Requirement(text)
        if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
            found.add(_normal(requirement.name))
    return found


def _rows(page: str) -> dict[str, tuple[str, str]]:
    table = page[page.index("## Chosen") : page.index("## Brought along")]
    return {
        row[0]: (row[1], row[2]) for row in re.findall(r"^\| ([\w-]+) \| (.*?) \|(?: (.*?))? ?\|$", table, re.MULTILINE)
    }


def _direct(root: Path) -> dict[str, str]:
    """The declared dependencies by their normal names, as their pages spell them."""
    found = {}
    for path in root.glob("*/*/pyproject.toml"):
        for text in tomllib.loads(path.read_text())["project"]["dependencies"]:
            name = Requirement(text).name
            if name not in OURS:
                found[_normal(name)] = name
    return found


def test_every_dependency_is_justified_and_its_licence_told(root: Path) -> None:
    """Each declared dependency has a reason; licences and what is brought along are those of the installed packages."""
    page_path = root / "docs/dependencies.md"
    page = page_path.read_text()
    direct = _direct(root)
    reasons = _rows(page)
    assert {_normal(name) for name in reasons if name != "package"} == set(direct), "a reason is missing, or too many"
    lines = page.splitlines()
    for index, line in enumerate(lines):
        match = re.match(r"\| ([\w-]+) \| (.*?) \|", line)
        if match and _normal(match[1]) in direct:
            assert len(match[2]) > 10
            lines[index] = f"| {match[1]} | {match[2]} | {_licence(match[1])} |"
    brought: dict[str, set[str]] = {}
    queue = list(direct)
    while queue:
        name = queue.pop()
        for needed in _needs(name):
            if needed not in direct:
                if needed not in brought:
                    queue.append(needed)
                brought.setdefault(needed, set()).add(direct.get(name, name))
    table = ["| package | needed by | licence |", "|---|---|---|"]
    table += [f"| {name} | {', '.join(sorted(brought[name]))} | {_licence(name)} |" for name in sorted(brought)]
    begin = next(index for index, line in enumerate(lines) if line.startswith(BEGIN))
    end = lines.index(END)
    lines[begin + 1 : end] = ["", *table, ""]
    _settle(page_path, "\n".join(lines) + "\n")


def test_every_licence_permits_what_we_do(root: Path) -> None:
    """No dependency asks that what uses it be published."""
    seen, queue = set(), list(_direct(root))
    while queue:
        name = queue.pop()
        if name in seen:
            continue
        seen.add(name)
        queue.extend(_needs(name))
        parts = set(re.split(r" (?:OR|AND) |\(|\)", _licence(name))) - {""}
        assert parts, f"{name} names no licence"
        assert parts <= PERMITTED, f"{name}: {parts - PERMITTED}"


def test_every_dependency_is_imported_by_who_declares_it(root: Path) -> None:
    """Nothing is declared that is not used; what is used under another name, or only by being there, is named here."""
    modules = {"pyyaml": "yaml", "prometheus-client": "prometheus_client", "pydantic-settings": "pydantic_settings"}
    only_there = {"tzdata"}
    for path in root.glob("*/*/pyproject.toml"):
        sources = "\n".join(file.read_text() for file in (path.parent / "src").rglob("*.py"))
        for text in tomllib.loads(path.read_text())["project"]["dependencies"]:
            name = _normal(Requirement(text).name)
            module = modules.get(name, name.replace("-", "_"))
            if name not in only_there:
                assert re.search(rf"^\s*(import|from) {module}\b", sources, re.MULTILINE) or f'"{module}"' in sources, (
                    f"{path.parent.name} declares {name} and does not import it"
                )


def test_the_site_and_the_readme_agree_on_where_we_are(root: Path) -> None:
    """One address of the repository on all pages that name it."""
    address = yaml.safe_load((root / "mkdocs.yml").read_text())["repo_url"]
    for name in ("docs/deployment.md", "docs/security.md", "docs/contributing.md", ".github/ISSUE_TEMPLATE/config.yml"):
        named = set(re.findall(r"https://github\.com/[\w-]+/[\w-]+", (root / name).read_text()))
        assert named == {address}, name
