"""The recorder beside a run: what it writes and how often, what it does when it cannot, and what it never does."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import orjson
import pytest

from hoopstat_observability import RunIds, bind_run
from nba_season_backfill.backfill import process as processes
from nba_season_backfill.backfill import telling
from nba_season_backfill.backfill.flight import Flight
from nba_season_backfill.backfill.process import LOST_AFTER_SECONDS, is_gone, is_lost, this_process
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Failed, Summary
from nba_season_backfill.errors import BackfillError, Incomplete
from nba_season_backfill.lake.flight import read_audit, read_record, write_record
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectInfo, StoreError
from nba_season_backfill.plan import Selection, make_plan
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.settings import BackfillSettings

from .conftest import MovableClock, record_of

WHOLE = Selection(season_types=(SeasonType.REGULAR_SEASON,))
IDS = RunIds("20250102T083000Z-a1b2c3", "order-66")


def settings(**more: str) -> BackfillSettings:
    environ = {"NBA_API_PROXY": "http://me:hunter2@proxy:1", "INGEST_ALERT_SECRET": "hunter2-too", **more}
    return BackfillSettings.load({"source": "sample", "season": "2024-25"}, environ=environ)


def summary(**more: Any) -> Summary:
    made = Summary(IDS.run_id, "2024-25", "sample", "memory:", "", "complete", 0)
    return replace(made, **more)


class WatchedStore(MemoryStore):
    """Counts what is written; fails, or hangs, when told."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[str] = []
        self.failing = 0
        self.hanging: threading.Event | None = None
        self.third_write = threading.Event()

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        if self.hanging is not None:
            self.hanging.wait(60)
        if self.failing:
            self.failing -= 1
            raise StoreError(f"{key}: no, says http://me:hunter2@store", kind="unreachable", key=key)
        info = super().put(key, body, metadata=metadata)
        self.written.append(key)
        if len(self.written) >= 3:
            self.third_write.set()
        return info


@pytest.fixture(autouse=True)
def _a_run() -> Iterator[None]:
    bind_run(run_id=IDS.run_id)
    yield
    bind_run(run_id="test")


def fly(store: MemoryStore, end: Summary | None, error: BackfillError | None = None, **more: Any) -> list[str]:
    """A flight from start to end; what did not work."""
    flight = Flight(settings(), IDS, store=store, **more)
    flight.begin()
    return telling.tell(settings(), flight, end, error, Stop())


def test_a_run_is_written_twice_and_has_its_row() -> None:
    """One write when it starts and one when it ends, then its row: a short run costs no more."""
    store = WatchedStore()
    assert fly(store, summary(games_done=3)) == []
    key = f"_runs/{Flight(settings(), IDS).started_at:%Y-%m-%d}/{IDS.run_id}.json"
    assert store.written == [key, key, f"pipeline-audit/run_month={key[6:13]}/part-0.parquet"]
    record = read_record(store, IDS.run_id)
    assert (record["state"], record["outcome"], record["exit_code"]) == ("ended", "complete", 0)
    assert (record["correlation_id"], record["command"], record["season"]) == ("order-66", "run", "2024-25")
    assert record["summary"]["games_done"] == 3
    assert record["versions"]["python"].startswith("3.")
    assert {"nba-season-backfill", "requests", "pyarrow"} <= record["versions"].keys()
    assert record["process"]["pid"] == os.getpid()
    assert read_audit(store, key[6:13]).rows[IDS.run_id]["games_done"] == 3


def test_no_secret_is_in_a_record() -> None:
    """Neither of the settings, nor of an error and its trace, nor of what was said."""
    store = WatchedStore()
    flight = Flight(settings(), IDS, store=store)
    telling.keep_secret(settings())
    flight.begin()
    flight.said("asked http://me:hunter2@proxy:1")
    try:
        raise ValueError("hunter2-too is wrong, says http://me:hunter2@proxy:1")
    except ValueError as error:
        internal = BackfillError(f"internal error: {error}")
        internal.__cause__ = error
    assert telling.tell(settings(), flight, None, internal, Stop()) == []
    body = orjson.dumps(read_record(store, IDS.run_id)).decode()
    assert "hunter2" not in body
    record = read_record(store, IDS.run_id)
    [error_said] = record["errors"]
    assert (error_said["type"], error_said["exit_code"]) == ("ValueError", 1)
    assert "test_no_secret_is_in_a_record" in error_said["traceback"]
    assert record["config"]["proxy"] == "***"


def test_while_it_lasts_it_is_written_now_and_then() -> None:
    """Each beat is a sign of life; the record stays one object."""
    store = WatchedStore()
    flight = Flight(settings(), IDS, store=store, beat_seconds=0.001)
    flight.begin()
    assert store.third_write.wait(10)
    record = read_record(store, IDS.run_id)
    assert record["state"] == "running"
    assert telling.tell(settings(), flight, summary(), None, Stop()) == []
    assert len(list(store.list("_runs/"))) == 1


def test_the_plan_is_part_of_a_record() -> None:
    """What there was to do, and how long it was foreseen to take."""
    store = WatchedStore()
    flight = Flight(settings(), IDS, store=store)
    flight.begin()
    flight.planned(make_plan((), (), None, WHOLE, season=Season(2024), now=flight.started_at, season_requests=5))
    assert telling.tell(settings(), flight, summary(), None, Stop()) == []
    plan = read_record(store, IDS.run_id)["plan"]
    assert (plan["units"], plan["games_to_do"], plan["season_requests"]) == (0, 0, 5)


def test_nothing_that_an_observer_is_told_can_harm_the_run() -> None:
    """A plan that nobody understands costs the record, and nothing else."""
    store = WatchedStore()
    flight = Flight(settings(), IDS, store=store)
    flight.begin()
    flight.planned(object())  # type: ignore[arg-type]  # on purpose
    flight.judged("playbyplayv3", "a verdict that is none")
    [problem] = telling.tell(settings(), flight, summary(), None, Stop())
    assert "could not be written" in problem


def test_a_beat_is_a_minute() -> None:
    """A run of less than a minute is not written in between; a longer one once a minute."""
    assert Flight(settings(), IDS)._beat_seconds == 60
    assert LOST_AFTER_SECONDS > 3 * 60


def test_a_store_that_fails_is_said_once_and_harms_nothing() -> None:
    """Nothing raises; one sentence, without a secret."""
    store = WatchedStore()
    store.failing = 1000
    [problem] = fly(store, summary())
    assert problem.startswith("the flight record _runs/")
    assert "could not be written" in problem
    assert "hunter2" not in problem
    assert store.written == []


def test_a_store_that_comes_back_is_used() -> None:
    """What failed at the start is made good at the end: nothing to say."""
    store = WatchedStore()
    store.failing = 1
    assert fly(store, summary()) == []
    assert read_record(store, IDS.run_id)["state"] == "ended"


def test_a_store_that_hangs_delays_a_run_no_longer_than_the_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends without its record."""
    monkeypatch.setattr(telling, "MOST_SECONDS", 0.2)
    store = WatchedStore()
    store.hanging = threading.Event()
    began = time.monotonic()
    [problem] = fly(store, summary())
    assert time.monotonic() - began < 3
    assert problem.endswith("was not written in time")
    store.hanging.set()


def test_a_lake_that_cannot_be_opened_is_said_once() -> None:
    """Without a store of the test's: a bucket without credentials."""
    told = BackfillSettings.load(
        {"source": "sample", "season": "2024-25", "s3_bucket": "lake", "s3_endpoint_url": "http://127.0.0.1:9"},
        environ={},
    )
    flight = Flight(told, IDS)
    flight.begin()
    [problem] = telling.tell(told, flight, None, Incomplete("x"), Stop())
    assert "could not be written" in problem


def test_long_lists_are_cut_and_counted() -> None:
    """A season of failures is a number and the first few hundred of them."""
    store = WatchedStore()
    failures = [Failed("0022400061", "play-by-play", "transient", "no answer")] * 4000
    fly(store, summary(failures=failures), Incomplete("4000 answers are missing"))
    record = read_record(store, IDS.run_id)
    assert (len(record["summary"]["failures"]), record["summary"]["left_out"]) == (200, {"failures": 3800})
    assert store.get(f"_runs/{record['started_at'][:10]}/{IDS.run_id}.json").info.size < 100_000


@pytest.mark.parametrize(
    ("before", "failed"),
    [
        ([], 0),
        ([0], 0),
        ([75, 69], 2),
        ([75, 0, 69, None], 2),
        ([75, 0], 0),
        ([1, ("skipped", 0), 75], 2),
        ([75, ("archive", 0)], 1),
        ([75, ("other season", 0)], 1),
    ],
)
def test_the_runs_before_are_counted_back_to_a_success(before: list[Any], failed: int, clock: MovableClock) -> None:
    """Runs that stepped aside, that asked nobody, or were of another season do not count; a killed one failed."""
    store = MemoryStore(clock=clock)
    for number, end in enumerate(before):
        kind, code = end if isinstance(end, tuple) else ("", end)
        more: dict[str, Any] = {"exit_code": code, "outcome": "skipped" if kind == "skipped" else "x"}
        more |= {"source": "archive"} if kind == "archive" else {}
        more |= {"season": "2023-24"} if kind == "other season" else {}
        clock.move(minutes=5)
        state = "running" if code is None else "ended"
        write_record(store, record_of(f"run-{number}", started=clock(), state=state, **more))
    clock.move(minutes=10)
    flight = Flight(settings(), IDS, store=store, now=clock)
    flight.begin()
    flight.end(summary(), None)
    assert flight.landed.wait(10)
    assert flight.past is not None
    assert flight.past.failed_runs_in_a_row == failed


def test_a_process_that_ended_is_told_from_one_that_lives() -> None:
    """Ours lives; a child that was killed is gone, a zombie too; of another machine nothing is known."""
    assert is_gone(this_process()) is False
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    described = this_process() | {"pid": child.pid, "started": processes._started(child.pid)}
    assert is_gone(described) is False
    child.kill()
    # Not waited for yet: its entry is still there.
    deadline = time.monotonic() + 10
    while not is_gone(described) and time.monotonic() < deadline:
        os.sched_yield()
    assert is_gone(described) is True
    child.communicate()
    assert is_gone(described) is True
    assert is_gone(this_process() | {"started": "1"}) is True
    assert is_gone(this_process() | {"machine": "another"}) is None
    assert is_gone(this_process() | {"namespace": "pid:[1]"}) is None
    assert is_gone({}) is None


def test_a_run_elsewhere_is_lost_when_it_has_been_silent_for_long() -> None:
    """Three signs of life missed, and a half; here, what the machine knows counts and nothing else."""
    elsewhere = this_process() | {"machine": "another"}
    assert not is_lost(elsewhere, LOST_AFTER_SECONDS - 1)
    assert is_lost(elsewhere, LOST_AFTER_SECONDS + 1)
    assert not is_lost(this_process(), 1e9)
