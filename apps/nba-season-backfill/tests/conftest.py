"""What several rooms share: ``alert.receiving``, ``faults.faulty``, ``s3_proxy`` and ``s3_servers``, each loaded once.

With ``--import-mode=importlib`` no test folder is on the path, so a module that is no test has to be loaded by hand.
Below this folder ``from faults.faulty import FaultyStore`` then works, in conftest files as well as in tests.
"""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nba_season_backfill.lake.store import ObjectStore


def _load(name: str, path: Path) -> None:
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    # Registered first: a dataclass looks its module up while it is made.
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


_load("alert.receiving", Path(__file__).parent / "alert" / "receiving.py")
_load("faults.faulty", Path(__file__).parent / "faults" / "faulty.py")
_load("s3_proxy", Path(__file__).parent / "s3_proxy.py")
_load("s3_servers", Path(__file__).parent / "s3_servers.py")

from alert.receiving import receiver  # noqa: E402  # loaded just now
from s3_servers import lying_url, ministack_url, moto_url, seaweed_url  # noqa: E402  # loaded just now

__all__ = ["lying_url", "ministack_url", "moto_url", "receiver", "seaweed_url"]

if TYPE_CHECKING:
    from faults.faulty import FaultyStore

MakeFaulty = Callable[[ObjectStore, str, int], "FaultyStore"]


@pytest.fixture
def faulty_store() -> MakeFaulty:
    """Put a fault between the code and a store: ``faulty_store(inner, "response_lost", 3)``."""
    from faults.faulty import FaultyStore, Trap

    return lambda inner, fault, at: FaultyStore(inner, Trap(fault, at))


@pytest.fixture(scope="session")
def sample_lake(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder lake with the first 60 games of the sample season. Read it; who writes works on a copy."""
    from nba_season_backfill.backfill.job import run_season
    from nba_season_backfill.season import Season
    from nba_season_backfill.settings import BackfillSettings

    folder = tmp_path_factory.mktemp("sample") / "lake"
    settings = BackfillSettings(source="sample", season="2024-25", limit=60, output=folder)
    run_season(settings, Season(2024), run_id="20250101T000000Z-000000")
    return folder
