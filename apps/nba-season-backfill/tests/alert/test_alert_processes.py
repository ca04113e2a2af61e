"""Real processes and a real receiver: signals, kills, stores that are gone, a lease that is held."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alert.receiving import Receiver, verify

from nba_season_backfill.lake.flight import read_audit, read_record
from nba_season_backfill.lake.lease import acquire_lease
from nba_season_backfill.lake.local import LocalStore
from nba_stats_emulator import Emulator


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """The simulated season."""
    with Emulator() as running:
        yield running


class Job:
    """``nba-backfill`` as a process that tells the receiver."""

    def __init__(self, emulator: Emulator, receiver: Receiver, lake: Path) -> None:
        self.lake = lake
        self._line = [sys.executable, "-m", "nba_season_backfill", "--source", "nba", "--base-url", emulator.base_url]
        self._line += ["--season", "2024-25", "--season-type", "IST", "--no-player-info", "--output", str(lake)]
        self._environment = {**os.environ, **receiver.environ}

    def start(self, *more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [*self._line, *more],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=self._environment,
        )

    def run(self, *more: str) -> tuple[int, str, str]:
        process = self.start(*more)
        out, err = process.communicate(timeout=120)
        return process.returncode, out, err

    def begun(self, process: subprocess.Popen[str]) -> str:
        """Wait until a run's record is there and it has asked something; its id."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and process.poll() is None:
            found = sorted(self.lake.glob("_runs/*/*.json"))
            if found and list(self.lake.glob("_raw/*/*/*/*.json.gz")):
                return found[-1].stem
            time.sleep(0.01)
        raise AssertionError(process.communicate())


SLOW = ("--rate-limit", "30", "--max-in-flight", "1")
QUICK = ("--rate-limit", "0.001", "--request-budget", "0")


@pytest.fixture
def job(emulator: Emulator, receiver: Receiver, tmp_path: Path) -> Job:
    """The Cup final: one game."""
    return Job(emulator, receiver, tmp_path / "lake")


def test_killed_interrupted_then_well(job: Job, receiver: Receiver) -> None:
    """kill -9 leaves an open record, which the next run closes; SIGTERM is told in time; the success after it too."""
    killed = job.start(*SLOW)
    killed_id = job.begun(killed)
    killed.send_signal(signal.SIGKILL)
    killed.communicate()
    store = LocalStore(job.lake)
    assert read_record(store, killed_id)["state"] == "running"
    assert receiver.received == []

    stopped = job.start(*SLOW)
    deadline = time.monotonic() + 60
    while read_record(store, killed_id)["state"] == "running" and time.monotonic() < deadline:
        time.sleep(0.01)
    closed = read_record(store, killed_id)
    assert (closed["state"], closed["outcome"]) == ("interrupted", "interrupted")
    stopped.send_signal(signal.SIGTERM)
    sent = time.monotonic()
    stopped.communicate(timeout=60)
    assert (stopped.returncode, time.monotonic() - sent < 10) == (143, True)

    code, out, err = job.run(*QUICK)
    assert code == 0, err
    assert json.loads(out.splitlines()[-1])["event"] == "run_finished"
    told = [verify(got) for got in receiver.alerts]
    assert [(each["event"], each["exit_code"], each["failed_runs_in_a_row"]) for each in told] == [
        ("failure", 143, 2),
        ("recovery", 0, 2),
    ]
    assert len(receiver.beats) == 1
    well = told[1]["run_id"]
    assert closed["closed_by"] == told[0]["run_id"]
    rows = read_audit(store, closed["started_at"][:7]).rows
    assert [(rows[run]["outcome"], rows[run]["exit_code"]) for run in (killed_id, told[0]["run_id"], well)] == [
        ("interrupted", None),
        ("interrupted", 143),
        ("complete", 0),
    ]
    assert list(rows) == [killed_id, told[0]["run_id"], well]


@pytest.mark.slow
def test_failures_before_anything_could_be_recorded_are_told(job: Job, receiver: Receiver, tmp_path: Path) -> None:
    """A lake that cannot be, a lease that is held, an upstream that is not there, a log that cannot be written."""
    (tmp_path / "file").write_text("in the way")
    store = LocalStore(job.lake)
    lease = acquire_lease(store, "season-2024-25", run_id="somebody")
    assert lease is not None
    codes = [
        job.run(*QUICK, "--output", str(tmp_path / "file" / "lake"))[0],
        job.run(*QUICK, "--on-busy", "fail")[0],
    ]
    lease.release()
    codes += [
        job.run(*QUICK, "--base-url", "http://127.0.0.1:9")[0],
        job.run(*QUICK, "--log-file", str(tmp_path / "file" / "log"))[0],
        job.run("--dry-run")[0],
    ]
    assert codes == [78, 75, 69, 78, 0]
    told: list[dict[str, Any]] = [verify(got) for got in receiver.alerts]
    assert [(each["event"], each["exit_code"], each["record"] is not None) for each in told] == [
        ("failure", 78, False),
        ("incomplete", 75, True),
        ("failure", 69, True),
        ("failure", 78, True),
    ]
    assert "held by" in told[1]["message"]
    assert receiver.beats == []


def test_a_dry_run_leaves_nothing(job: Job, receiver: Receiver) -> None:
    """No record, no row, no alert, no beat."""
    code, _, err = job.run("--dry-run")
    assert (code, err) == (0, "")
    assert not job.lake.exists()
    assert receiver.received == []
