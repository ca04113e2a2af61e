"""What the image installs is what was tested: the same versions, the same hashes, and nothing more."""

from __future__ import annotations

import importlib.metadata
import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.markers import Marker
from packaging.requirements import Requirement

OURS = ("nba-season-backfill", "nba-stats-emulator", "hoopstat-config", "hoopstat-observability")
LOCKS = ("requirements.lock", "requirements-runtime.lock", "requirements-build.lock", "requirements-tools.lock")
REGISTRIES = re.compile(r"https?://|--index-url|--find-links|--extra-index")

Lock = Callable[[str], dict[str, Any]]


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _closure(names: tuple[str, ...]) -> set[str]:
    """Every distribution that the named ones need at run time here, without themselves."""
    seen: set[str] = set()
    queue = list(names)
    while queue:
        name = _normal(queue.pop())
        if name in seen:
            continue
        seen.add(name)
        for text in importlib.metadata.requires(name) or ():
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                queue.append(requirement.name)
    return seen - set(names)


@pytest.mark.parametrize("name", ["requirements-runtime.lock", "requirements-build.lock"])
def test_a_smaller_lock_says_what_the_whole_one_says(name: str, lock: Lock) -> None:
    """Versions, markers and hashes of the image are those of requirements.lock: there is one source of truth."""
    whole, part = lock("requirements.lock"), lock(name)
    assert part
    for requirement, pin in part.items():
        assert requirement in whole, f"{name} pins {requirement}, requirements.lock does not; run bin/lock"
        assert pin.hashes == whole[requirement].hashes, f"{requirement}: the hashes differ; run bin/lock"


def test_the_runtime_lock_is_what_the_packages_need(lock: Lock) -> None:
    """The runtime lock holds all that our packages need at run time, and nothing else."""
    pinned = {
        pin.name
        for pin in lock("requirements-runtime.lock").values()
        if ";" not in pin.requirement or Marker(pin.requirement.partition(";")[2].strip()).evaluate()
    }
    assert {_normal(name) for name in pinned} == _closure(OURS)


def test_tools_never_ask_for_another_version(lock: Lock) -> None:
    """The tools can be installed beside the rest: where both name a package, both name the same version."""
    whole = {pin.name: requirement for requirement, pin in lock("requirements.lock").items() if ";" not in requirement}
    for requirement, pin in lock("requirements-tools.lock").items():
        if ";" not in requirement:
            assert whole.get(pin.name, requirement) == requirement


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_names_no_host_and_hashes_everything(name: str, root: Path, lock: Lock) -> None:
    """No lock says where packages come from, and each of its lines says what they must be."""
    assert not REGISTRIES.search((root / name).read_text())
    for requirement, pin in lock(name).items():
        assert "==" in requirement
        assert pin.hashes
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", digest) for digest in pin.hashes)


def test_every_direct_dependency_is_locked(root: Path, lock: Lock) -> None:
    """A dependency that a package declares is in both locks: none was forgotten after an edit."""
    whole = {_normal(pin.name) for pin in lock("requirements.lock").values()}
    runtime = {_normal(pin.name) for pin in lock("requirements-runtime.lock").values()}
    for path in sorted(root.glob("*/*/pyproject.toml")):
        project = tomllib.loads(path.read_text())["project"]
        for text in project["dependencies"]:
            name = _normal(Requirement(text).name)
            assert name in OURS or (name in whole and name in runtime), f"{path}: {name} is not locked; run bin/lock"
