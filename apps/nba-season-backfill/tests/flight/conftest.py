"""Records of runs that never flew, and recorders with everything injected."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from nba_season_backfill.lake.flight import RECORD_FORMAT, close_records, month_of
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore

START = dt.datetime(2025, 1, 2, 8, 30, tzinfo=dt.UTC)


def record_of(run_id: str, *, started: dt.datetime = START, state: str = "ended", **more: Any) -> dict[str, Any]:
    """A flight record, complete enough to be a row."""
    seconds = dt.timedelta(seconds=90)
    made: dict[str, Any] = {
        "format": RECORD_FORMAT,
        "run_id": run_id,
        "correlation_id": run_id,
        "command": "daily",
        "season": "2024-25",
        "source": "nba",
        "simulated": False,
        "state": state,
        "started_at": started.isoformat(),
        "updated_at": (started + seconds).isoformat(),
        "ended_at": (started + seconds).isoformat() if state == "ended" else None,
        "process": {"host": "elsewhere", "machine": "another", "pid": 1},
        "versions": {"nba-season-backfill": "0.1.0", "python": "3.11.7"},
        "progress": {"games_done": 3, "requests": 9, "requests_by_verdict": {"ok": 8, "throttled": 1}},
    }
    if state == "ended":
        made |= {"outcome": "complete", "exit_code": 0, "message": ""}
        made["summary"] = {"games_done": 12, "rows_by_table": {"games": 7, "players": 5}, "warnings": ["a", "b"]}
    return made | more


Close = Callable[..., Mapping[str, Any]]


@pytest.fixture
def close() -> Close:
    """Close the records of a month, as the run ``closer``, by which every open one is gone unless told otherwise."""

    def closing(
        store: ObjectStore, *, gone: bool = True, own: Mapping[str, Any] | None = None, by: str = "closer"
    ) -> Any:
        def is_gone(_info: ObjectInfo, _record: Mapping[str, Any]) -> bool:
            return gone

        return close_records(store, month_of(START), closed_by=by, is_gone=is_gone, own=own)

    return closing


class MovableClock:
    """A store's clock that a test moves."""

    def __init__(self) -> None:
        self.now = START

    def __call__(self) -> dt.datetime:
        return self.now

    def move(self, **delta: float) -> None:
        self.now += dt.timedelta(**delta)


@pytest.fixture
def clock() -> MovableClock:
    """Half past eight."""
    return MovableClock()


@pytest.fixture
def store(clock: MovableClock) -> MemoryStore:
    """An empty lake with that clock."""
    return MemoryStore(clock=clock)
