"""Kill it, lose its answers, repeat or fail its operations, at every operation there is: the lake ends the same.

For a season of three games: run with one fault at the k-th store or HTTP operation, run again with another fault, run
once more in peace. Lake and checkpoint facts must equal those of a run that nothing disturbed, and a body that was
archived must never be asked for again.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import sys
from collections.abc import Mapping
from typing import Any

import orjson
import pytest
from faults.faulty import FAULTS, FaultyStore, SimulatedKill, Trap

from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.lake.bronze import read_partition
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

from .conftest import MovableClock, RecordedSource

SEASON = Season(2024)
CHECKPOINT = "_state/season=2024-25/checkpoint.json"
Bodies = Mapping[tuple[str, str], bytes]


def settings(**more: object) -> BackfillSettings:
    command_line = {"source": "sample", "season_type": ("Regular Season",), "checkpoint_every": "1", "max_retries": "1"}
    return BackfillSettings.load({**command_line, "max_in_flight": "1", **more}, environ={})


def run(
    store: MemoryStore, bodies: Bodies, trap: Trap, *, flush_seconds: float = 0.0
) -> tuple[Summary | None, RecordedSource]:
    """One run under a trap; None when it ended before its end, whatever ended it.

    ``flush_seconds`` 0: every commit writes partitions; more: commits in between say ``archived``.
    """
    source = RecordedSource(bodies, trap)
    with contextlib.suppress(BackfillError, SimulatedKill):
        return (
            run_season(
                settings(),
                SEASON,
                run_id=f"run-{trap.fault}-{trap.at}",
                store=FaultyStore(store, trap),
                source=source,
                # While the season is on: three games are not too few then.
                now=lambda: dt.datetime(2024, 10, 25, tzinfo=dt.UTC),
            ),
            source,
        )
    return None, source


def tables(store: MemoryStore) -> dict[str, list[dict[str, Any]]]:
    keys = [info.key for info in store.list() if info.key.endswith(".parquet")]
    return {key: read_partition(store, key).to_pylist() for key in keys}


def facts(store: MemoryStore) -> dict[str, Any]:
    return Checkpoint.from_content(orjson.loads(store.get(CHECKPOINT).body)["content"], CHECKPOINT).facts()


def archived(store: MemoryStore) -> set[tuple[str, str]]:
    """(endpoint, game) of every game body in the archive."""
    return {
        (info.key.split("/")[1], info.key.split("/")[3])
        for info in store.list("_raw/")
        if info.key.split("/")[3].isdigit()
    }


@pytest.fixture(scope="module")
def undisturbed(bodies: Bodies) -> tuple[dict[str, Any], dict[str, Any], int]:
    """(tables, facts, operations) of a run that nothing disturbed."""
    store, trap = MemoryStore(), Trap()
    summary, source = run(store, bodies, trap)
    assert summary is not None
    assert summary.outcome == "complete"
    assert len(source.asked) == 12
    assert len(facts(store)) == 10
    return tables(store), facts(store), trap.count


def check(
    bodies: Bodies,
    undisturbed: tuple[dict[str, Any], dict[str, Any], int],
    fault: str,
    at: int,
    flush_seconds: float = 0.0,
) -> None:
    wanted_tables, wanted_facts, operations = undisturbed
    clock = MovableClock()
    store = MemoryStore(clock=clock)
    first = Trap(fault, at)
    # Without a pause between flushes there are more operations than with one: those that are not met are passed over.
    run(store, bodies, first, flush_seconds=flush_seconds)
    if flush_seconds and not first.sprung:
        return
    assert first.sprung, f"{fault} at {at}: there is no such operation"
    before = archived(store)
    clock.let_leases_run_out()
    _, second = run(store, bodies, Trap(FAULTS[(FAULTS.index(fault) + at) % len(FAULTS)], 1 + at * 7 % operations))
    assert not before & set(second.asked), f"{fault} at {at}: an archived body was asked for again"
    before = archived(store)
    clock.let_leases_run_out()
    summary, third = run(store, bodies, Trap())
    assert summary is not None, f"{fault} at {at}: the last run did not end well"
    assert not before & set(third.asked), f"{fault} at {at}: an archived body was asked for again"
    assert tables(store) == wanted_tables, f"{fault} at {at}: other rows"
    assert facts(store) == wanted_facts, f"{fault} at {at}: another checkpoint"
    archive = RawArchive(store)
    for endpoint in {endpoint for endpoint, _ in bodies}:
        for ref in archive.list_all(endpoint, "2024-25"):
            archive.get(ref)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_a_sample_of_operations(
    bodies: Bodies, undisturbed: tuple[dict[str, Any], dict[str, Any], int], fault: str
) -> None:
    """Every twenty-ninth operation, shifted from fault to fault. The whole: `bin/test --slow -m slow tests/faults`."""
    for at in range(1 + FAULTS.index(fault), undisturbed[2], 29):
        check(bodies, undisturbed, fault, at)
        check(bodies, undisturbed, fault, at + 5, flush_seconds=60.0)


@pytest.mark.slow
@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_at_every_operation(
    bodies: Bodies,
    undisturbed: tuple[dict[str, Any], dict[str, Any], int],
    fault: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Every operation there is."""
    for at in range(1, undisturbed[2] + 1):
        check(bodies, undisturbed, fault, at)
        check(bodies, undisturbed, fault, at, flush_seconds=60.0)
    with capsys.disabled():
        sys.stdout.write(
            f"\n{fault}: {undisturbed[2]} operations, each followed by a second faulty run and a third in peace\n"
        )


def test_two_runs_over_the_same_upstream_agree_to_the_byte(bodies: Bodies) -> None:
    """Nothing in a table depends on when or in what order it was made."""
    stores = [MemoryStore(), MemoryStore()]
    for store in stores:
        run(store, bodies, Trap())
    parquet = [
        {info.key: store.get(info.key).body for info in store.list() if info.key.endswith(".parquet")}
        for store in stores
    ]
    assert parquet[0] == parquet[1]
