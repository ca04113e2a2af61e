"""Rows that leave a partition: never lost on the way, and nothing is left of a partition that is empty."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

import pyarrow as pa
import pytest

from nba_season_backfill.datasets.base import Table
from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake.bronze import BronzeWriter, read_partition
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectStore

if TYPE_CHECKING:
    from faults.faulty import FaultyStore

MakeFaulty = Callable[[ObjectStore, str, int], "FaultyStore"]
SCHEMA = pa.schema([pa.field("game_id", pa.string(), nullable=False), pa.field("n", pa.int32(), nullable=False)])
TABLES = {"lines": Table("lines", SCHEMA, ("n",))}
OCTOBER, NOVEMBER = (f"lines/season=2024-25/month={month}/part-0.parquet" for month in (10, 11))


def game(game_id: str, *numbers: int) -> pa.Table:
    return pa.Table.from_pylist([{"game_id": game_id, "n": number} for number in numbers], schema=SCHEMA)


def writer(store: ObjectStore) -> BronzeWriter:
    return BronzeWriter(store, "2024-25", TABLES)


@pytest.fixture
def lake() -> MemoryStore:
    """Two games in October."""
    store = MemoryStore()
    bronze = writer(store)
    bronze.add("lines", 10, "a", game("a", 1, 2), "raw-a")
    bronze.add("lines", 10, "b", game("b", 3), "raw-b")
    bronze.flush()
    return store


def games_in(store: MemoryStore) -> dict[str, list[str]]:
    found = {}
    for info in store.list("lines/"):
        found[info.key] = read_partition(store, info.key).column("game_id").unique().to_pylist()
    return found


def test_a_moved_game_stands_in_its_new_month_with_its_provenance(lake: MemoryStore) -> None:
    """The other games of the old month stay; moving what is not there, or nowhere, changes nothing."""
    bronze = writer(lake)
    assert bronze.months("lines") == [10]
    bronze.move("lines", "a", 10, 11)
    bronze.move("lines", "a", 10, 11)
    bronze.move("lines", "b", 10, 10)
    assert [written.key for written in bronze.flush()] == [NOVEMBER, OCTOBER]
    assert games_in(lake) == {OCTOBER: ["b"], NOVEMBER: ["a"]}
    assert bronze.months("lines") == [10, 11]
    found = writer(lake).rows("lines", 11, "a")
    assert found is not None
    assert (found[0].column("n").to_pylist(), found[1]) == ([1, 2], "raw-a")
    assert writer(lake).rows("lines", 10, "a") is None


def test_an_empty_partition_is_taken_away_and_can_come_again(lake: MemoryStore) -> None:
    """By its last game leaving, or by being dropped."""
    bronze = writer(lake)
    for game_id in ("a", "b"):
        bronze.move("lines", game_id, 10, 11)
    bronze.flush()
    assert games_in(lake) == {NOVEMBER: ["a", "b"]}
    bronze.add("lines", 10, "c", game("c", 1), "raw-c")
    bronze.flush()
    assert games_in(lake) == {OCTOBER: ["c"], NOVEMBER: ["a", "b"]}
    again = writer(lake)
    again.drop("lines", 11)
    again.flush()
    assert games_in(lake) == {OCTOBER: ["c"]}


@pytest.mark.parametrize("fault", ["killed_before", "killed_after"])
def test_killed_on_the_way_a_game_is_in_one_month_at_least(fault: str, faulty_store: MakeFaulty) -> None:
    """At every operation; moved again, it is in the new month alone."""
    from faults.faulty import SimulatedKill

    for operation in range(1, 40):
        store = MemoryStore()
        bronze = writer(store)
        bronze.add("lines", 10, "a", game("a", 1, 2), "raw-a")
        bronze.flush()
        faulty = faulty_store(store, fault, operation)
        dying = writer(faulty)
        with contextlib.suppress(SimulatedKill):
            dying.move("lines", "a", 10, 11)
            dying.flush()
        if not faulty.trap.sprung:
            break
        assert any("a" in games for games in games_in(store).values())
        bronze = writer(store)
        bronze.move("lines", "a", 10, 11)
        bronze.flush()
        assert {key for key, games in games_in(store).items() if "a" in games} == {NOVEMBER}
    assert operation > 5


def test_another_writers_rows_are_not_taken_away(lake: MemoryStore) -> None:
    """A partition that somebody changed meanwhile is neither emptied nor deleted."""
    bronze, other = writer(lake), writer(lake)
    bronze.drop("lines", 10)
    other.add("lines", 10, "c", game("c", 1), "raw-c")
    other.flush()
    with pytest.raises(Fenced):
        bronze.flush()
    assert games_in(lake) == {OCTOBER: ["a", "b", "c"]}
