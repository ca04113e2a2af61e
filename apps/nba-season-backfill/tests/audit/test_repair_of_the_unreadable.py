"""``repair`` and ``rebuild`` where a partition cannot be read: it is set aside, and made anew from the archive."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.repairing import mending
from nba_season_backfill.backfill.verifying import PARTITION_DAMAGED, verify_season
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

from .conftest import SEASON, Lake

if TYPE_CHECKING:
    from faults.faulty import FaultyStore

MakeFaulty = Callable[[ObjectStore, str, int], "FaultyStore"]
BOX = "box-scores-traditional/season=2024-25/month=10/part-0.parquet"
PLAYS = "play-by-play/season=2024-25/month=10/part-0.parquet"


def repair(lake: Lake, store: ObjectStore | None = None) -> None:
    given = {"source": "archive", "season_type": ("Regular Season",), "max_in_flight": "1"}
    settings = BackfillSettings.load(given, environ={})
    findings = list(verify_season(lake.store, lake.checkpoint()))
    manner = mending(findings)
    run_season(settings, SEASON, run_id="repair", store=store or lake.store, manner=manner, now=lambda: lake.now)


def damage(store: MemoryStore, key: str, kept: int | None = 100) -> None:
    store.put(key, store.get(key).body[:kept])


@pytest.mark.parametrize("kept", [0, 100, -500])
def test_what_cannot_be_read_is_set_aside_and_derived_again(lake: Lake, kept: int) -> None:
    """All its games, without a request; what was damaged is kept; the other partitions are not touched."""
    wanted = lake.tables()
    for key in (BOX, PLAYS):
        damage(lake.store, key, kept)
    damaged = {key: lake.store.get(key).body for key in (BOX, PLAYS)}
    kinds = {finding.kind for finding in verify_season(lake.store, lake.checkpoint())}
    assert kinds == {PARTITION_DAMAGED}
    repair(lake)
    assert lake.tables() == wanted
    assert list(verify_season(lake.store, lake.checkpoint(), deep=True)) == []
    assert not lake.audit(deep=True).open_findings
    for key, body in damaged.items():
        (kept_as,) = lake.store.list(f"_quarantine/_objects/{key}")
        assert lake.store.get(kept_as.key).body == body


@contextmanager
def killed() -> Iterator[None]:
    from faults.faulty import SimulatedKill

    try:
        yield
    except SimulatedKill:
        return
    raise AssertionError("the run went on")


def check_kills(lake: Lake, faulty_store: MakeFaulty, *, every: int) -> None:
    """Killed before every n-th operation of a repair, and repaired again."""
    wanted = lake.tables()
    damage(lake.store, BOX)
    objects = dict(lake.store._objects)
    counting = faulty_store(lake.store, "", 0)
    repair(lake, counting)
    assert counting.trap.count > 20
    for operation in range(every // 2 + 1, counting.trap.count + 1, every):
        lake.store._objects = dict(objects)
        with killed():
            repair(lake, faulty_store(lake.store, "killed_before", operation))
        for info in list(lake.store.list("_state/leases/")):
            lake.store.delete(info.key)
        repair(lake)
        assert lake.tables() == wanted, f"killed before operation {operation}"
        assert list(verify_season(lake.store, lake.checkpoint())) == [], f"killed before operation {operation}"


def test_killed_here_and_there_another_repair_mends_it(lake: Lake, faulty_store: MakeFaulty) -> None:
    """A sample of the next one."""
    check_kills(lake, faulty_store, every=11)


@pytest.mark.slow
def test_killed_anywhere_another_repair_mends_it(lake: Lake, faulty_store: MakeFaulty) -> None:
    """Also where the checkpoint names nothing of the damaged partition any more, and it still stands in the way."""
    check_kills(lake, faulty_store, every=1)


def test_the_checkpoint_stops_vouching_before_a_partition_goes(lake: Lake, faulty_store: MakeFaulty) -> None:
    """Killed between the two: the partition is still there, no line names it, and a repair finds it all the same."""
    wanted = lake.tables()
    damage(lake.store, BOX)
    broken = lake.store.get(BOX).body
    objects = dict(lake.store._objects)
    for operation in range(1, 200):
        lake.store._objects = dict(objects)
        with killed():
            repair(lake, faulty_store(lake.store, "killed_before", operation))
        forgotten = lake.checkpoint().unit("0022400061", "box-scores-traditional") is None
        if forgotten and lake.store.get(BOX).body == broken:
            break
    else:
        raise AssertionError("there is no such moment")
    (finding,) = verify_season(lake.store, lake.checkpoint())
    assert (finding.kind, finding.key, finding.subject) == (PARTITION_DAMAGED, BOX, "")
    for info in list(lake.store.list("_state/leases/")):
        lake.store.delete(info.key)
    repair(lake)
    assert lake.tables() == wanted


def test_a_store_that_does_not_answer_damages_nothing(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """What cannot be fetched now is not set aside: the error is the store's."""
    get = MemoryStore.get

    def unreachable(self: MemoryStore, key: str, *more: object) -> object:
        if key == BOX:
            raise StoreError("timed out", kind="unreachable", key=key)
        return get(self, key, *more)

    checkpoint = lake.checkpoint()
    monkeypatch.setattr(MemoryStore, "get", unreachable)
    with pytest.raises(StoreError, match="timed out"):
        list(verify_season(lake.store, checkpoint))


@pytest.mark.parametrize("command", [["repair"], ["rebuild", "--dataset", "box-scores-traditional"]])
def test_the_commands_that_are_recommended_mend_it(sample_lake: Path, tmp_path: Path, command: list[str]) -> None:
    """`run` ends with 78 and names `repair`; it, and `rebuild`, do what they say."""
    lake = tmp_path / "lake"
    subprocess.run(["cp", "-r", sample_lake, lake], check=True)
    os.truncate(lake / BOX, 1000)

    def call(*arguments: str) -> subprocess.CompletedProcess[str]:
        ours = [sys.executable, "-m", "nba_season_backfill", *arguments, "--season", str(Season(2024))]
        return subprocess.run(
            [*ours, "--season-type", "Regular Season", "--output", str(lake)],
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    found = call("verify", "--deep")
    assert found.returncode == 65, found.stderr
    assert found.stderr.endswith("`nba-backfill repair --deep` derives what it can from the archive\n")
    mended = call(*command)
    assert mended.returncode == 0, mended.stderr
    clean = call("verify")
    assert clean.returncode == 0, clean.stdout
