"""What the tests of shipping share: the root, the tools, and locks as they are written."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True, slots=True)
class Pin:
    """One line of a lock: the name with its version and marker, and the hashes that are accepted."""

    requirement: str
    hashes: frozenset[str]

    @property
    def name(self) -> str:
        return re.split(r"[=\s]", self.requirement, maxsplit=1)[0]


def read_lock(path: Path) -> dict[str, Pin]:
    """The pins of a lock by their whole requirement (a name may stand twice, with different markers)."""
    joined = path.read_text().replace("\\\n", " ")
    pins = {}
    for line in joined.splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        requirement, *hashes = re.split(r"\s+--hash=", line.strip())
        pins[requirement.strip()] = Pin(requirement.strip(), frozenset(hashes))
    return pins


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return ROOT


@pytest.fixture(scope="session")
def lock() -> Callable[[str], dict[str, Pin]]:
    """Reads a lock of the root by its name."""
    return lambda name: read_lock(ROOT / name)


Tool = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="session")
def tool() -> Callable[[str], Tool]:
    """Finds a program that ``bin/tools`` installs; without it the test is skipped, and fails where CI is set."""

    def find(name: str) -> Tool:
        beside = Path(sys.executable).parent / name
        path = str(beside) if beside.is_file() else shutil.which(name)
        if path is None:
            message = f"{name} is not here; bin/tools installs it"
            if os.environ.get("CI") == "true":
                pytest.fail(message)
            pytest.skip(message)

        def run(*arguments: str | Path, **keywords: object) -> subprocess.CompletedProcess[str]:
            settings = {"cwd": ROOT, "capture_output": True, "text": True, "check": False, "timeout": 120} | keywords
            return subprocess.run([path, *map(str, arguments)], **settings)  # type: ignore[call-overload,no-any-return]  # passed on as they are

        return run

    return find


@pytest.fixture(scope="session")
def tracked() -> list[str]:
    """The files that git knows, relative to the root; without git, what is there."""
    try:
        listed = subprocess.run(
            ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
            cwd=ROOT,
            capture_output=True,
            check=True,
        ).stdout.decode()
        names = [name for name in listed.split("\0") if name and (ROOT / name).is_file()]
    except (OSError, subprocess.CalledProcessError):
        names = [str(path.relative_to(ROOT)) for path in ROOT.rglob("*") if path.is_file()]
    return sorted(names)
