"""The Dockerfile and what stands beside it keep their word. `docker/smoke.sh` asks a built image the rest."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def recipe(root: Path) -> str:
    """The Dockerfile."""
    return (root / "docker" / "Dockerfile").read_text()


def test_the_dockerfile_is_clean(tool: Callable[[str], Tool]) -> None:
    """hadolint has nothing to say."""
    result = tool("hadolint")("--failure-threshold", "style", "docker/Dockerfile")
    assert result.returncode == 0, result.stdout


def test_the_shell_scripts_are_clean(tool: Callable[[str], Tool], tracked: list[str], root: Path) -> None:
    """shellcheck has nothing to say about any shell script that we ship."""
    scripts = [
        name
        for name in tracked
        if (root / name).suffix in ("", ".sh")
        and (root / name).read_bytes()[:12] in (b"#!/bin/sh\nse", b"#!/bin/sh\n# ")
    ]
    assert {"bin/backfill", "bin/setup", "docker/smoke.sh"} <= set(scripts)
    result = tool("shellcheck")(*scripts)
    assert result.returncode == 0, result.stdout


def test_the_last_stage_starts_from_nothing_and_runs_as_a_number(recipe: str) -> None:
    """No layer below hides what was removed; the user is a number, which `runAsNonRoot` can check."""
    last = recipe[recipe.rindex("\nFROM ") :]
    assert last.startswith("\nFROM scratch\n")
    assert "\nRUN " not in last
    [user] = re.findall(r"^USER (\S+)$", last, re.MULTILINE)
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user)
    assert '\nENTRYPOINT ["nba-backfill"]\n' in last


def test_the_base_image_is_pinned_and_the_same_everywhere(recipe: str) -> None:
    """Every stage that starts from Python starts from the same digest."""
    bases = {line.split()[1] for line in recipe.splitlines() if line.startswith("FROM ")} - {"scratch"}
    [base] = bases
    match = re.fullmatch(r"python:(3\.\d+)-slim@sha256:[0-9a-f]{64}", base)
    assert match is not None
    versions = set(re.findall(r"python(3\.\d+)/", recipe))
    assert versions == {match[1]}, "paths below site-packages name the base's version"


def test_everything_from_others_is_checked_against_its_hash(recipe: str) -> None:
    """No pip install without --require-hashes but the one of our own sources, which asks no index."""
    logical = recipe.replace("\\\n", " ")
    installs = re.findall(r"pip[^&\n]* install [^&\n]*", logical)
    assert len(installs) == 3
    for install in installs:
        assert "--no-deps" in install
        assert ("--require-hashes" in install and "--only-binary=:all:" in install) or "--no-index" in install


def test_the_label_tells_the_version(recipe: str, root: Path) -> None:
    """The version that the image is labelled with is the package's."""
    project = tomllib.loads((root / "apps/nba-season-backfill/pyproject.toml").read_text())["project"]
    assert f"\nARG VERSION={project['version']}\n" in recipe
    assert f'image.licenses="{project["license"]}"' in recipe


def test_the_build_context_lets_only_chosen_paths_in(root: Path) -> None:
    """.dockerignore begins by leaving everything out, and each path that the Dockerfile copies is let in."""
    lines = [line for line in (root / ".dockerignore").read_text().splitlines() if line and not line.startswith("#")]
    assert lines[0] == "*"
    admitted = {line[1:] for line in lines if line.startswith("!")}
    recipe = (root / "docker" / "Dockerfile").read_text()
    copied = {
        source
        for line in recipe.splitlines()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    }
    assert {source.split("/")[0] if "/" in source else source for source in copied} == admitted


STUB = "import sys, time\nprint('loading', flush=True)\ntime.sleep(60)\n"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("first", [True, False], ids=["as process 1", "as any process"])
def test_a_signal_is_heard_while_the_program_loads(
    number: signal.Signals, first: bool, root: Path, tmp_path: Path
) -> None:
    """Process 1 is deaf to signals it has no handler for: the entry point has one before it loads anything."""
    package = tmp_path / "nba_season_backfill"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "cli.py").write_text(STUB)
    command = [sys.executable, str(root / "docker" / "entrypoint.py")]
    if first:
        unshare = shutil.which("unshare")
        if (
            unshare is None
            or os.geteuid() != 0
            or subprocess.run([unshare, "-p", "-f", "true"], check=False).returncode
        ):
            pytest.skip("needs to be allowed to make a process namespace")
        command = [unshare, "-p", "-f", "--kill-child", *command]
    process = subprocess.Popen(
        command,
        env={"PYTHONPATH": str(tmp_path), "PATH": os.defpath},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "loading\n"
        target = process.pid
        if first:
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
            target = int(children.read_text().split()[0])
        os.kill(target, number)
        assert process.wait(10) == 128 + number
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()
