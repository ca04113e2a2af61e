"""The workflows are clean, pinned, allowed little, and do what they say."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import subprocess
import sys
import tomllib
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

Tool = Callable[..., subprocess.CompletedProcess[str]]
NAMES = ("ci", "daily-smoke", "docs", "release")


@pytest.fixture(scope="module")
def workflows(root: Path) -> dict[str, dict[str, Any]]:
    """Every workflow by its name."""
    paths = sorted((root / ".github/workflows").glob("*.yml"))
    assert tuple(path.stem for path in paths) == NAMES
    # BaseLoader: `on` is a key here, not a truth value.
    return {path.stem: yaml.load(path.read_text(), yaml.BaseLoader) for path in paths}


def test_actionlint_has_nothing_to_say(tool: Callable[[str], Tool]) -> None:
    """Syntax, expressions, shells and contexts are right."""
    tool("shellcheck")
    result = tool("actionlint")("-shellcheck", str(Path(sys.executable).parent / "shellcheck"))
    assert result.returncode == 0, result.stdout


def test_zizmor_has_nothing_to_say(tool: Callable[[str], Tool]) -> None:
    """No injection, no credentials left behind, no more permissions than needed; asked at its most pedantic."""
    result = tool("zizmor")("--offline", "--no-progress", "--persona", "pedantic", ".github")
    assert result.returncode == 0, result.stdout + result.stderr


def test_actions_are_pinned_by_commit_and_say_their_version(root: Path) -> None:
    """One commit for an action everywhere, and a comment that tells which release it is."""
    pins: dict[str, set[str]] = {}
    for path in (root / ".github/workflows").glob("*.yml"):
        for line in re.findall(r"uses: (.*)", path.read_text()):
            match = re.fullmatch(r"([\w.-]+/[\w.-]+)@([0-9a-f]{40}) # (v\d+\.\d+\.\d+)", line)
            assert match is not None, f"{path.name}: {line}"
            pins.setdefault(match[1], set()).add(match[2] + match[3])
    assert len(pins) >= 8
    assert {action: commits for action, commits in pins.items() if len(commits) > 1} == {}


def test_workflows_are_allowed_nothing_and_jobs_little(workflows: dict[str, dict[str, Any]]) -> None:
    """Permissions are given job by job; writing is for releasing and publishing alone. Every job has a time limit."""
    writing = set()
    for name, workflow in workflows.items():
        assert workflow["permissions"] == {}, name
        for job_name, job in workflow["jobs"].items():
            assert int(job["timeout-minutes"]) <= 45
            if "write" in job["permissions"].values():
                writing.add(f"{name}/{job_name}")
    assert writing == {"docs/deploy", "release/announce", "release/image", "release/publish"}


def test_all_supported_versions_of_python_are_tested(workflows: dict[str, dict[str, Any]], root: Path) -> None:
    """The matrix begins where the packages say they begin."""
    versions = workflows["ci"]["jobs"]["test"]["strategy"]["matrix"]["python"]
    assert versions == ["3.11", "3.12", "3.13", "3.14"]
    for path in root.glob("*/*/pyproject.toml"):
        assert tomllib.loads(path.read_text())["project"]["requires-python"] == f">={versions[0]}"


def test_scripts_that_workflows_call_exist(workflows: dict[str, dict[str, Any]], root: Path) -> None:
    """A step that runs a file of ours names one that is there."""
    called = set()
    for workflow in workflows.values():
        for job in workflow["jobs"].values():
            for step in job["steps"]:
                called |= set(
                    re.findall(
                        r"(?<![\w/])(?:bin|docker|\.github/scripts|deploy/compose)/[\w./-]+", step.get("run", "")
                    )
                )
                called |= {value for key, value in step.get("with", {}).items() if key == "file"}
    assert {"bin/test", "bin/tools", "docker/smoke.sh", "docker/Dockerfile", "deploy/compose/compose.yaml"} <= called
    for name in called:
        assert (root / name).is_file(), name


def test_an_alert_goes_its_whole_way(root: Path) -> None:
    """What the daily smoke run does works: a failure and a recovery are told, signed, to a receiver."""
    result = subprocess.run(
        ["sh", ".github/scripts/daily-smoke.sh"],
        cwd=root,
        env=os.environ | {"PYTHON": sys.executable},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert "failure recovery" in result.stdout


@pytest.fixture
def receiver(root: Path, tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """The receiver of the daily smoke run: its address, and the file that it keeps messages in."""
    port, messages = tmp_path / "port", tmp_path / "messages"
    process = subprocess.Popen(
        [sys.executable, "-u", str(root / ".github/scripts/webhook_receiver.py"), str(port), str(messages)],
        env=os.environ | {"INGEST_ALERT_HMAC_SECRET": "secret"},
        stderr=subprocess.DEVNULL,
    )
    try:
        while not port.is_file():
            assert process.poll() is None
            os.sched_yield()
        yield f"http://127.0.0.1:{port.read_text().strip()}/", messages
    finally:
        process.kill()
        process.wait()


def _post(url: str, body: bytes, signature: str) -> int:
    request = urllib.request.Request(url, body, {"X-Ingest-Signature": signature})
    try:
        with urllib.request.urlopen(request) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def test_the_receiver_takes_only_what_is_signed(receiver: tuple[str, Path]) -> None:
    """A message with another signature, or none, is refused and not kept."""
    url, messages = receiver
    right = "sha256=" + hmac.new(b"secret", b"{}", hashlib.sha256).hexdigest()
    assert _post(url, b"{}", right) == 204
    assert _post(url, b"{} ", right) == 401
    assert _post(url, b"{}", "") == 401
    assert _post(url, b"x" * 70_000, right) == 413
    assert messages.read_bytes() == b"{}\n"
