"""Mornings of a season, one process a day: the receiver gets exactly the alerts it should, each verifying."""

from __future__ import annotations

import datetime as dt
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from alert.receiving import Receiver, verify

from nba_stats_emulator import Behaviour, Correction, Emulator, Rule, ServerError

OPENING = dt.datetime(2024, 10, 23, 12, tzinfo=dt.UTC)


class Mornings:
    """``nba-backfill daily`` on one day after the other, told to the receiver."""

    def __init__(self, receiver: Receiver, lake: Path) -> None:
        self.now = OPENING - dt.timedelta(days=1)
        self.lake = lake
        self.emulator = Emulator()
        self.emulator.set_clock(lambda: self.now)
        self._environment = {**os.environ, **receiver.environ}

    def start(self, *more: str) -> subprocess.Popen[str]:
        line = [sys.executable, "-m", "nba_season_backfill", "daily", "--base-url", self.emulator.base_url]
        line += ["--today", self.now.date().isoformat(), "--season-type", "Regular Season", "--datasets"]
        line += ["box-scores-traditional", "--output", str(self.lake), "--max-retries", "0", "--request-budget", "0"]
        return subprocess.Popen(
            [*line, *(more or ("--rate-limit", "0.001"))],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )

    def next_day(self, *, behaviour: Behaviour | None = None) -> int:
        """The next day's run; its exit code."""
        self.now += dt.timedelta(days=1)
        return self.same_day(behaviour=behaviour)

    def same_day(self, *, behaviour: Behaviour | None = None) -> int:
        """A run without a night in between; its exit code."""
        self.emulator.set_behaviour(behaviour)
        process = self.start()
        process.communicate(timeout=120)
        return process.returncode

    def killed(self) -> None:
        """The next day's run, killed after its first answers."""
        self.now += dt.timedelta(days=1)
        self.emulator.set_behaviour(None)
        self.emulator.clear_requests()
        process = self.start("--rate-limit", "30", "--jitter-seconds", "0", "--max-in-flight", "1")
        deadline = time.monotonic() + 60
        while not self.emulator.requests and time.monotonic() < deadline and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL


@pytest.fixture
def mornings(receiver: Receiver, tmp_path: Path) -> Iterator[Mornings]:
    """From opening night on."""
    made = Mornings(receiver, tmp_path / "lake")
    with made.emulator:
        yield made


@pytest.mark.slow
def test_a_week_of_mornings_tells_exactly_what_it_should(mornings: Mornings, receiver: Receiver) -> None:
    """Quiet days stay quiet; two days of outage are told, and that they are over; a killed run by the one after it."""
    outage = Behaviour(rules=(Rule(ServerError()),))
    assert mornings.next_day() == 0
    assert mornings.next_day() == 0
    assert receiver.alerts == []
    assert mornings.next_day(behaviour=outage) == 75
    assert mornings.next_day(behaviour=outage) == 75
    assert mornings.next_day() == 0
    mornings.killed()
    assert mornings.same_day() == 0
    # A line of a game three days back is corrected: found, refetched, and nothing to be alarmed about.
    mornings.emulator.correct(Correction("0022400061", mornings.now + dt.timedelta(hours=1), move="ast"))
    assert mornings.next_day() == 0
    assert list((mornings.lake / "stat-corrections").rglob("*.parquet"))
    messages = [verify(got) for got in receiver.alerts]
    assert [(each["event"], each["failed_runs_in_a_row"]) for each in messages] == [
        ("incomplete", 1),
        ("incomplete", 2),
        ("recovery", 2),
        ("recovery", 1),
    ]
    assert len(receiver.beats) == 5
