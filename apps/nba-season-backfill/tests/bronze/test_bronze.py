"""Partitions: merged by game id, written only when they change, never over somebody else's."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from nba_season_backfill.datasets.base import Table
from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake.bronze import BronzeWriter, read_partition
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import StoreError

SCHEMA = pa.schema([pa.field("game_id", pa.string(), nullable=False), ("n", pa.int32()), ("text", pa.string())])
LINES = Table("lines", SCHEMA, ("n",))
PEOPLE = Table("people", pa.schema([("n", pa.int32())]), ("n",), per_game=False)
TABLES = {"lines": LINES, "people": PEOPLE}
KEY = "lines/season=2024-25/month=10/part-0.parquet"


def rows(game: str, *numbers: int, text: str = "x") -> pa.Table:
    return pa.table({"game_id": [game] * len(numbers), "n": list(numbers), "text": [text] * len(numbers)}, SCHEMA)


def stored(store: MemoryStore, key: str = KEY) -> list[dict[str, Any]]:
    return list(read_partition(store, key).to_pylist())


def writer(store: MemoryStore) -> BronzeWriter:
    return BronzeWriter(store, "2024-25", TABLES)


def test_games_are_merged_and_sorted() -> None:
    """Rows stand in order of game and key, whatever order they came in."""
    store = MemoryStore()
    bronze = writer(store)
    bronze.add("lines", 10, "0022400002", rows("0022400002", 2, 1), "b")
    bronze.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    (written,) = bronze.flush()
    assert (written.key, written.rows) == (KEY, 3)
    assert [(row["game_id"][-1], row["n"]) for row in stored(store)] == [("1", 1), ("2", 1), ("2", 2)]


def test_a_games_new_rows_replace_all_its_old_ones() -> None:
    """A correction with fewer rows leaves none of the old behind; other games are untouched."""
    store = MemoryStore()
    first = writer(store)
    first.add("lines", 10, "0022400001", rows("0022400001", 1, 2, 3), "a")
    first.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    first.flush()
    second = writer(store)
    second.add("lines", 10, "0022400001", rows("0022400001", 7, text="new"), "c")
    second.flush()
    assert [(row["game_id"][-1], row["n"], row["text"]) for row in stored(store)] == [("1", 7, "new"), ("2", 1, "x")]


def test_the_same_content_is_not_written_again() -> None:
    """The same rows give the same bytes, and the same bytes no write: after a crash, doing it again is a no-op."""
    store = MemoryStore()
    bronze = writer(store)
    bronze.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    assert len(bronze.flush()) == 1
    assert bronze.flush() == []
    again = writer(store)
    again.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    assert again.flush() == []


def test_a_key_that_stands_twice_is_refused() -> None:
    """Two rows with one key are an error that names table, game and key; nothing is changed."""
    bronze = writer(MemoryStore())
    with pytest.raises(ValueError, match=r"lines, game 0022400001: two rows have the key \{'n': 1\}"):
        bronze.add("lines", 10, "0022400001", rows("0022400001", 1, 1), "a")
    assert bronze.flush() == []


def test_other_columns_than_declared_are_refused() -> None:
    """A schema is declared, never inferred from what comes."""
    with pytest.raises(ValueError, match="not the declared ones"):
        writer(MemoryStore()).add("lines", 10, "0022400001", pa.table({"game_id": ["0022400001"]}), "a")


def test_a_partition_that_another_writer_changed_is_not_overwritten() -> None:
    """A refused conditional write means fenced: exit code 70, and the other's rows stand."""
    store = MemoryStore()
    mine, theirs = writer(store), writer(store)
    mine.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    theirs.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    theirs.flush()
    with pytest.raises(Fenced, match="changed by another run") as caught:
        mine.flush()
    assert caught.value.exit_code == 70
    assert [row["game_id"] for row in stored(store)] == ["0022400002"]


def test_a_snapshot_is_of_its_moment() -> None:
    """Rows added after ``prepare`` are not in what it writes, but in the next."""
    store = MemoryStore()
    bronze = writer(store)
    bronze.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    flush = bronze.prepare()
    bronze.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    flush.write()
    assert [row["game_id"] for row in stored(store)] == ["0022400001"]
    bronze.flush()
    assert [row["game_id"] for row in stored(store)] == ["0022400001", "0022400002"]


def test_an_older_partition_gets_todays_columns() -> None:
    """A column that an older version did not write is null; one no longer declared is left out."""
    store = MemoryStore()
    old = pa.table({"game_id": ["0022400001"], "n": pa.array([1], pa.int32()), "gone": ["y"]})
    sink = pa.BufferOutputStream()
    pq.write_table(old, sink)
    store.put(KEY, sink.getvalue().to_pybytes())
    bronze = writer(store)
    bronze.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    bronze.flush()
    assert [row["text"] for row in stored(store)] == [None, "x"]
    assert read_partition(store, KEY).column_names == SCHEMA.names


def test_a_damaged_partition_is_named() -> None:
    """What is no Parquet is refused, not merged over."""
    store = MemoryStore()
    store.put(KEY, b"PAR1 nonsense")
    with pytest.raises(StoreError, match=KEY) as caught:
        writer(store).add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    assert caught.value.kind == "corrupt"


def test_a_whole_table_is_replaced() -> None:
    """Tables that one request gives (players) have one partition a season, and no old rows."""
    store = MemoryStore()
    for numbers in ([1, 2, 3], [2]):
        bronze = writer(store)
        bronze.replace("people", None, pa.table({"n": numbers}, PEOPLE.schema), [])
        bronze.flush()
    assert stored(store, "people/season=2024-25/part-0.parquet") == [{"n": 2}]


def test_one_games_rows_can_be_found_without_reading_all() -> None:
    """Row groups carry the bounds of their game ids, and partitions are sorted by them."""
    store = MemoryStore()
    bronze = writer(store)
    for number in range(60):
        game = f"00224{number:05d}"
        bronze.add("lines", 10, game, rows(game, *range(1000)), "a")
    bronze.flush()
    metadata = pq.ParquetFile(pa.BufferReader(store.get(KEY).body)).metadata
    bounds = [metadata.row_group(number).column(0).statistics for number in range(metadata.num_row_groups)]
    assert len(bounds) > 1
    assert all(earlier.max <= later.min for earlier, later in pairwise(bounds))


def test_an_emptied_provenance_does_not_hide_new_rows() -> None:
    """Which body a game's rows come from is kept in the file, and decides whether they are put again."""
    store = MemoryStore()
    bronze = writer(store)
    bronze.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    bronze.flush()
    again = writer(store)
    again.add("lines", 10, "0022400001", rows("0022400001", 1, text="from another body"), "b")
    again.flush()
    assert stored(store)[0]["text"] == "from another body"


class Merging(RuleBasedStateMachine):
    """Any interleaving of upserts, flushes and re-opened writers equals the last write per game."""

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.bronze = writer(self.store)
        self.pending: dict[str, tuple[int, ...]] = {}
        self.flushed: dict[str, tuple[int, ...]] = {}
        self.bodies = 0

    @initialize()
    def begin(self) -> None:
        self.bronze = writer(self.store)

    @rule(
        game=st.sampled_from(["0022400001", "0022400002", "0022400003"]),
        numbers=st.lists(st.integers(0, 5), unique=True, min_size=1, max_size=4),
    )
    def upsert(self, game: str, numbers: list[int]) -> None:
        self.bodies += 1
        self.bronze.add("lines", 10, game, rows(game, *numbers), f"body-{self.bodies}")
        self.pending[game] = tuple(sorted(numbers))

    @rule()
    def flush(self) -> None:
        self.bronze.flush()
        self.flushed |= self.pending
        self.pending = {}

    @rule()
    def crash_and_reopen(self) -> None:
        self.bronze = writer(self.store)
        self.pending = {}

    @invariant()
    def the_store_holds_the_last_flushed_rows(self) -> None:
        held: dict[str, list[int]] = {}
        if self.flushed:
            for row in stored(self.store):
                held.setdefault(row["game_id"], []).append(row["n"])
        assert {game: tuple(numbers) for game, numbers in held.items()} == self.flushed


TestMerging = Merging.TestCase
TestMerging.settings = settings(max_examples=40, stateful_step_count=20, deadline=None)
