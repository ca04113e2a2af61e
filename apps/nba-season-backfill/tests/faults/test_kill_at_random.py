"""``kill -9`` of a real process, at random moments, again and again, on a folder and on S3 servers.

A lake is filled by one process after the other, each killed at a moment drawn from a fixed seed, until one comes
through; then the lake must equal that of a run that nothing disturbed, and no process may have asked for a body that
was archived before it began. Then the next lake, until there were enough kills.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import random
import sys
import time
from collections.abc import Callable, Iterator
from multiprocessing.context import ForkServerContext, ForkServerProcess
from pathlib import Path
from typing import Any

import orjson
import pytest

from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.lake import open_store
from nba_season_backfill.lake.bronze import read_partition
from nba_season_backfill.lake.store import ObjectStore
from nba_stats_emulator import Emulator

CHECKPOINT = "_state/season=2024-25/checkpoint.json"
SECRETS = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "testtest"}
# A lease on S3 outlives its holder: a short one, so that the next process need not wait a minute.
LEASE_SECONDS = 3.0


def _run(line: dict[str, Any], run_id: str) -> None:
    """One run, in a process of its own."""
    from hoopstat_observability import configure_logging
    from nba_season_backfill.backfill import job
    from nba_season_backfill.season import Season
    from nba_season_backfill.settings import BackfillSettings

    os.environ.update(SECRETS)
    configure_logging(level="CRITICAL", format="json", service="test")
    job._LEASE_TTL_SECONDS = LEASE_SECONDS
    settings = BackfillSettings.load(line, environ={})
    job.run_season(settings, Season(2024), run_id=run_id, flush_seconds=0.2)


@pytest.fixture(scope="module")
def processes() -> ForkServerContext:
    """Processes that have everything imported when they begin, so that kills hit the run and not its imports."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(
        ["nba_season_backfill.backfill.job", "nba_season_backfill.lake.s3", "boto3", "pandas"]
    )
    return context


@pytest.fixture(scope="module")
def emulator() -> Iterator[Emulator]:
    """The simulated season."""
    with Emulator() as running:
        yield running


class Lakes:
    """Fresh lakes of one kind, one after the other: a run's settings, and the store to look at it."""

    def __init__(self, make: Callable[[int], tuple[dict[str, Any], ObjectStore]], emulator: Emulator) -> None:
        self._make = make
        self._emulator = emulator
        self._number = 0

    def fresh(self) -> tuple[dict[str, Any], ObjectStore]:
        self._number += 1
        line, store = self._make(self._number)
        asks = {
            "source": "nba",
            "base_url": self._emulator.base_url,
            "season": "2024-25",
            "season_type": ("Regular Season",),
        }
        pace = {"rate_limit": "0.001", "jitter_seconds": "0", "request_budget": "0", "max_wait": "10m"}
        return {**asks, **pace, "limit": "8", "checkpoint_every": "1", **line}, store


def _tables(store: ObjectStore) -> dict[str, list[dict[str, Any]]]:
    keys = [info.key for info in store.list() if info.key.endswith(".parquet")]
    return {key: read_partition(store, key).to_pylist() for key in keys if not key.startswith("pipeline-audit/")}


def _facts(store: ObjectStore) -> dict[str, Any]:
    return Checkpoint.from_content(orjson.loads(store.get(CHECKPOINT).body)["content"], CHECKPOINT).facts()


def _archived(store: ObjectStore) -> set[tuple[str, str]]:
    keys = (info.key.split("/") for info in store.list("_raw/"))
    return {(parts[1], parts[3]) for parts in keys if parts[3].isdigit() and parts[-1].endswith(".json.gz")}


def _kill_until(lakes: Lakes, emulator: Emulator, processes: ForkServerContext, kills_wanted: int, seed: int) -> str:
    """Kill until there were enough kills and the last lake is whole; gives what was done, in a line."""
    rng = random.Random(seed)

    def start(line: dict[str, Any]) -> ForkServerProcess:
        process = processes.Process(target=_run, args=(line, f"run-{rng.getrandbits(32):08x}"))
        process.start()
        return process

    whole_seconds = 0.0
    # The first one warms up whatever is asked; the second one tells how long a run takes.
    for _ in range(2):
        line, reference = lakes.fresh()
        began = time.monotonic()
        process = start(line)
        process.join(60)
        assert process.exitcode == 0
        whole_seconds = time.monotonic() - began
    wanted = _tables(reference), _facts(reference)
    assert len(wanted[1]) == 25
    kills = finished = 0
    while kills < kills_wanted:
        line, store = lakes.fresh()
        while True:
            before = _archived(store)
            emulator.clear_requests()
            process = start(line)
            # A process that must wait for a dead one's lease first is alive for longer.
            process.join(rng.uniform(0.0, 1.5 * (whole_seconds + (LEASE_SECONDS if before else 0.0))))
            if process.exitcode is None:
                process.kill()
                process.join()
                kills += 1
            asked = {
                (each.endpoint, game) for each in emulator.requests for name, game in each.query if name == "GameID"
            }
            assert not asked & before, f"seed {seed}, kill {kills}: archived, and asked for again: {asked & before}"
            if process.exitcode == 0:
                break
            assert process.exitcode == -9, f"seed {seed}, kill {kills}: a run ended with {process.exitcode}"
        finished += 1
        assert _tables(store) == wanted[0], f"seed {seed}, lake {finished}: other rows"
        assert _facts(store) == wanted[1], f"seed {seed}, lake {finished}: another checkpoint"
    return f"{kills} kills at random moments, {finished} lakes equal to an undisturbed one (seed {seed})"


@pytest.fixture(params=["local", "moto", pytest.param("seaweed", marks=pytest.mark.servers)])
def lakes(request: pytest.FixtureRequest, tmp_path: Path, emulator: Emulator) -> Lakes:
    """Lakes in a folder, or on an S3 server."""
    if request.param == "local":
        return Lakes(
            lambda number: ({"output": str(tmp_path / f"{number}")}, open_store(folder=tmp_path / f"{number}")),
            emulator,
        )
    # Not above: the processes import this module, and no test folder is on their path.
    from s3_servers import client

    url = request.getfixturevalue(f"{request.param}_url")
    bucket = f"kills-{request.param}-{random.getrandbits(32):08x}"
    client(url).create_bucket(Bucket=bucket)  # type: ignore[attr-defined]  # boto3 is untyped

    def make(number: int) -> tuple[dict[str, Any], ObjectStore]:
        line = {"s3_bucket": bucket, "s3_prefix": f"lake-{number}", "s3_endpoint_url": url, "aws_region": "us-east-1"}
        return line, open_store(bucket=bucket, prefix=f"lake-{number}", endpoint_url=url, region="us-east-1")

    for name, value in SECRETS.items():
        request.getfixturevalue("monkeypatch").setenv(name, value)
    return Lakes(make, emulator)


@pytest.mark.parametrize("lakes", ["local"], indirect=True)
def test_a_few_kills_leave_the_lake_as_it_would_have_been(
    lakes: Lakes, emulator: Emulator, processes: ForkServerContext
) -> None:
    """A sample of the below, on a folder."""
    told = _kill_until(lakes, emulator, processes, 4, seed=1)
    assert int(told.split()[0]) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("kills", [int(os.environ.get("HOOPSTAT_KILLS", "200"))])
def test_two_hundred_kills_leave_the_lake_as_it_would_have_been(
    lakes: Lakes, emulator: Emulator, processes: ForkServerContext, kills: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whenever a process is killed, nothing is lost and nothing is there twice; the count is printed."""
    told = _kill_until(lakes, emulator, processes, kills, seed=20241022)
    with capsys.disabled():
        sys.stdout.write(f"\n{json.dumps(told)}\n")
    assert int(told.split()[0]) >= kills
