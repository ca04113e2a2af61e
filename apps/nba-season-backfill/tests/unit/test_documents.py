"""The documents that are written from the code say what the code says."""

from __future__ import annotations

import os
import re
import tomllib
from pathlib import Path

import pytest

import nba_season_backfill
from nba_season_backfill.datasets.dictionary import data_dictionary

ROOT = Path(__file__).parents[4]


def test_the_data_dictionary_is_current() -> None:
    """docs/data-dictionary.md is what the schemas give; HOOPSTAT_UPDATE_DOCS=1 writes it anew."""
    path = ROOT / "docs" / "data-dictionary.md"
    if os.environ.get("HOOPSTAT_UPDATE_DOCS"):
        path.write_text(data_dictionary())
    assert path.read_text() == data_dictionary()


@pytest.mark.parametrize("document", ["README.md", "CHANGELOG.md", "docs/operations.md", "docs/architecture.md"])
def test_every_link_leads_somewhere(document: str) -> None:
    """A relative link in a document names a file that is there."""
    path = ROOT / document
    for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", path.read_text()):
        assert (path.parent / target).exists(), target


def test_the_version_is_said_once() -> None:
    """The package's own version is the one it is built with."""
    project = tomllib.loads((ROOT / "apps/nba-season-backfill/pyproject.toml").read_text())["project"]
    assert nba_season_backfill.__version__ == project["version"]


def test_the_lock_names_no_host_and_pins_everything() -> None:
    """requirements.lock: every line is pinned and hashed, and no index is named."""
    lock = (ROOT / "requirements.lock").read_text()
    assert not re.search(r"https?://|--index|--find-links|-i ", lock)
    for block in re.split(r"\n(?=[a-zA-Z0-9])", lock):
        if re.match(r"[a-zA-Z0-9]", block):
            assert re.match(r"[A-Za-z0-9._\[\],-]+==\S+", block), block[:60]
            assert "--hash=sha256:" in block, block[:60]
