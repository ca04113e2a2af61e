"""Every store there is, made anew for each test. And a clock."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from s3_servers import client

from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.lake.store import ObjectStore

__all__ = ["Clock", "MakeLyingStore", "MakeStore", "client", "s3_store"]

_numbers = itertools.count()
_with_bucket: set[str] = set()
MakeStore = Callable[[], ObjectStore]


def s3_store(endpoint_url: str) -> S3Store:
    """A store under a prefix of its own; one bucket a server (a real server makes volumes for each)."""
    made = client(endpoint_url)
    if endpoint_url not in _with_bucket:
        made.create_bucket(Bucket="lake")  # type: ignore[attr-defined]  # boto3 is untyped
        _with_bucket.add(endpoint_url)
    return S3Store("lake", f"a/prefix-{next(_numbers)}", endpoint_url=endpoint_url, client=made)


MakeLyingStore = Callable[[], S3Store]


@pytest.fixture
def make_lying_store(lying_url: str) -> MakeLyingStore:
    """A store that ignores every condition."""
    return lambda: S3Store("lake", f"p{next(_numbers)}", endpoint_url=lying_url, client=client(lying_url))


STORES = [
    "memory",
    "local",
    "moto",
    pytest.param("seaweed", marks=pytest.mark.servers),
    pytest.param("ministack", marks=pytest.mark.servers),
]


@pytest.fixture(params=STORES)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """One of the stores, empty."""
    made: ObjectStore
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "local":
        made = LocalStore(tmp_path / "lake")
    else:
        made = s3_store(request.getfixturevalue(f"{request.param}_url"))
    yield made
    made.close()


class Clock:
    """The wall clock and the monotonic one, moved by hand."""

    def __init__(self) -> None:
        self.wall = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
        self.uptime = 1000.0

    def now(self) -> dt.datetime:
        return self.wall

    def monotonic(self) -> float:
        return self.uptime

    def advance(self, seconds: float) -> None:
        """Time passes."""
        self.wall += dt.timedelta(seconds=seconds)
        self.uptime += seconds

    def jump(self, seconds: float) -> None:
        """Somebody sets the wall clock."""
        self.wall += dt.timedelta(seconds=seconds)


@pytest.fixture
def clock() -> Clock:
    """A clock that stands until it is moved."""
    return Clock()
