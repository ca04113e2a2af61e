"""A daily run for programs: typed results, cancellation in order, and the command."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from alert.receiving import verify

import nba_season_backfill.daily_api as api
from nba_season_backfill.backfill.observer import NoObserver
from nba_season_backfill.daily_api import BackfillError, DailySummary, load_settings, run_daily, run_daily_async
from nba_season_backfill.lake.lease import read_lease
from nba_season_backfill.source.base import Answer, StatsRequest
from nba_stats_emulator import Behaviour, Constant, Rule, ServerError

from .conftest import Simulation, rows_of

Begin = Callable[..., Simulation]
MORNING = dt.datetime(2024, 10, 24, 10, tzinfo=dt.UTC)


@pytest.fixture
def season(simulation: Begin) -> Simulation:
    """Two evenings have been played: twelve games."""
    season = simulation()
    season.now = MORNING
    return season


def call(season: Simulation) -> DailySummary:
    with contextlib.closing(season.source()) as source:
        return run_daily(season.settings, store=season.store, source=source, now=season.clock)


def test_the_public_names_are_sorted_and_all_there() -> None:
    """What may be imported is listed."""
    assert api.__all__ == sorted(api.__all__)
    assert all(hasattr(api, name) for name in api.__all__)


def test_settings_are_those_of_the_command(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is given counts more than the environment, as on the command line."""
    monkeypatch.setenv("NBA_BACKFILL_LOOKBACK_DAYS", "3")
    assert load_settings(source="sample").lookback_days == 3
    assert load_settings(lookback_days=5).lookback_days == 5


def test_a_run_gives_a_typed_summary(season: Simulation) -> None:
    """Where its record is, how many rows it wrote to which table, what the checks counted, how far the lake is."""
    summary = call(season)
    assert (summary.outcome, summary.exit_code, summary.games_done, summary.corrections) == ("complete", 0, 12, 0)
    assert (summary.watermark, summary.since) == (dt.date(2024, 10, 23), None)
    assert summary.message == "12 games were fetched; everything up to 2024-10-23 is complete"
    for table in ("box-scores-traditional", "play-by-play", "players"):
        assert summary.rows_by_dataset[table] == len(rows_of(season.store, table)) > 0
    assert (summary.filtered_out_count, summary.failures) == (0, ())
    assert summary.validation["box-scores-traditional"].missing == 0
    assert summary.requests == len(season.emulator.requests)
    record = json.loads(season.store.get(summary.audit_path.removeprefix("memory:/")).body)
    assert (record["run_id"], record["command"], record["outcome"]) == (summary.run_id, "daily", "complete")
    assert [each.season for each in summary.seasons] == ["2024-25"]
    document = json.loads(json.dumps(summary.to_document(), default=str))
    assert (document["watermark"], document["since"]) == ("2024-10-23", None)


def test_a_failed_run_raises_and_is_recorded(season: Simulation) -> None:
    """The error has the exit code and what was done; the record has the error."""
    season.settings = season.with_settings(max_retries="0", max_wait="1s")
    season.emulator.set_behaviour(Behaviour(rules=(Rule(ServerError(500), endpoint="playbyplayv3"),)))
    with pytest.raises(BackfillError) as caught:
        call(season)
    assert caught.value.exit_code == 75
    assert caught.value.summary.units_stored > 0
    (record,) = [json.loads(season.store.get(info.key).body) for info in season.store.list("_runs/")]
    assert (record["state"], record["exit_code"]) == ("ended", 75)


def test_what_is_told_goes_by_the_clock_that_was_given(season: Simulation) -> None:
    """The run's times are those of its record; the timestamp against replays is the receiver's time, of today."""
    season.settings = season.with_settings(max_retries="0", max_wait="1s")
    season.emulator.set_behaviour(Behaviour(rules=(Rule(ServerError(500)),)))
    with pytest.raises(BackfillError):
        call(season)
    [message] = [verify(got) for got in season.receiver.alerts]
    assert (message["started_at"], message["ended_at"]) == ("2024-10-24T10:00:00Z", "2024-10-24T10:00:00Z")
    assert message["duration_in_seconds"] == 0
    (record,) = season.records()
    assert dt.datetime.fromisoformat(record["ended_at"]) == MORNING
    # The base URL is the emulator's, and its answers say so.
    assert (message["simulated"], record["simulated"]) == (True, True)
    assert "(simulated data)" in message["text"]


def test_an_error_that_nobody_foresaw_is_told_recorded_and_raised(season: Simulation) -> None:
    """It reaches the caller as it is, the receiver as a failure, and its trace stands in the record."""

    class Broken:
        name = "broken"

        def fetch(self, request: StatsRequest, *, session_generation: int = 0) -> Answer:
            raise ZeroDivisionError("in the source")

        def close(self) -> None:
            return

    with pytest.raises(ZeroDivisionError):
        run_daily(season.settings, store=season.store, source=Broken(), now=season.clock)
    [message] = [verify(got) for got in season.receiver.alerts]
    assert (message["event"], message["exit_code"]) == ("failure", 1)
    assert message["message"] == "internal error: ZeroDivisionError: in the source"
    (record,) = season.records()
    assert (message["record"], record["state"], record["exit_code"]) == (
        f"_runs/2024-10-24/{record['run_id']}.json",
        "ended",
        1,
    )
    (error,) = record["errors"]
    assert error["type"] == "ZeroDivisionError"
    assert "in fetch" in error["traceback"]
    assert season.receiver.beats == []


def test_a_dry_run_is_not_taken_for_a_run(season: Simulation) -> None:
    """Whoever set DRY_RUN does not want anything fetched."""
    season.settings = season.with_settings(dry_run="yes")
    with pytest.raises(BackfillError, match="DRY_RUN") as caught:
        call(season)
    assert caught.value.exit_code == 78
    assert not season.emulator.requests


class Waiting(NoObserver):
    """Tells an event loop when so many answers were judged."""

    def __init__(self, number: int) -> None:
        self.reached = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        self._left = number

    def judged(self, endpoint: str, verdict: str) -> None:
        """One less to wait for."""
        del endpoint, verdict
        self._left -= 1
        if self._left == 0:
            self._loop.call_soon_threadsafe(self.reached.set)


async def begin(season: Simulation, observer: NoObserver) -> DailySummary:
    with contextlib.closing(season.source()) as source:
        return await run_daily_async(
            season.settings, store=season.store, source=source, now=season.clock, observer=observer
        )


def test_an_event_loop_goes_on_meanwhile(season: Simulation) -> None:
    """The run is in a thread of its own: others get their turn before it ends, and the result is the same."""

    async def both() -> tuple[DailySummary, bool]:
        observer = Waiting(5)
        task = asyncio.create_task(begin(season, observer))
        await observer.reached.wait()
        early = not task.done()
        return await task, early

    summary, early = asyncio.run(both())
    assert early
    assert (summary.outcome, summary.games_done) == ("complete", 12)


@pytest.mark.parametrize("times", [1, 3])
def test_a_cancelled_run_stops_in_order(season: Simulation, times: int) -> None:
    """Cancelled, even repeatedly: nothing more is sent, what is done is committed, the leases are free, and the next
    run asks for nothing that was archived."""

    async def cancelled() -> None:
        observer = Waiting(12)
        task = asyncio.create_task(begin(season, observer))
        await observer.reached.wait()
        for _ in range(times):
            task.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await task

    season.emulator.set_behaviour(Behaviour(latency=Constant(0.02)))
    asyncio.run(cancelled())
    season.emulator.set_behaviour(Behaviour())
    asked = len(season.emulator.requests)
    assert asked < 39
    archived = {
        (info.key.split("/")[1], info.key.split("/")[3]) for info in season.store.list("_raw/") if "/00" in info.key
    }
    assert archived
    lease = read_lease(season.store, "season-2024-25")
    assert lease is not None
    assert lease.released
    assert any(record.status == "ok" for _, _, record in season.checkpoint().units())
    assert call(season).outcome == "complete"
    again = {(each.endpoint, dict(each.query).get("GameID", "")) for each in season.emulator.requests[asked:]}
    assert not archived & again


def command(lake: Path, season: Simulation, *arguments: str) -> subprocess.CompletedProcess[str]:
    where = ["--source", "nba", "--base-url", season.emulator.base_url, "--rate-limit", "0.001"]
    return subprocess.run(
        [sys.executable, "-m", "nba_season_backfill", *arguments, *where, "--output", str(lake)],
        capture_output=True,
        text=True,
        env={**os.environ, "NBA_BACKFILL_REQUEST_BUDGET": "0"},
        timeout=120,
        check=False,
    )


def test_the_command_says_what_the_morning_came_to(season: Simulation, tmp_path: Path) -> None:
    """`daily --today`: exit 0, a sentence, and the watermark in the summary and in `status`."""
    first = command(tmp_path, season, "daily", "--today", "2024-10-24")
    assert first.returncode == 0, first.stderr
    summary = json.loads(first.stdout.splitlines()[-1])["summary"]
    assert (summary["season"], summary["watermark"], summary["units_stored"]) == ("2024-25", "2024-10-23", 36)
    assert summary["message"] == "12 games were fetched; everything up to 2024-10-23 is complete"
    dry = command(tmp_path, season, "daily", "--today", "2024-11-20", "--dry-run")
    assert "complete up to 2024-10-23; games since 2024-10-24 would be looked at" in dry.stdout
    status = command(tmp_path, season, "status", "--season", "2024-25", "--output-format", "json")
    assert json.loads(status.stdout)["watermark"]["date"] == "2024-10-23"
