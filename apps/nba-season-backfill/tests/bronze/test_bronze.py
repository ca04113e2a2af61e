"""Partitions: merged by game id, written only when they change, never over somebody else's."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import orjson
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from nba_season_backfill.datasets.base import Table
from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake.bronze import PROVENANCE_KEY, BronzeWriter, Flush, read_partition
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectInfo, StoredObject, StoreError

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


def provenance(store: MemoryStore, key: str = KEY) -> dict[str, str]:
    return dict(orjson.loads(read_partition(store, key).schema.metadata[PROVENANCE_KEY]))


def test_a_partition_says_which_body_each_game_comes_from() -> None:
    """Game id -> hash of the raw body, in the file itself; carried on by writers that never saw the bodies."""
    store = MemoryStore()
    first = writer(store)
    first.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    first.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    first.flush()
    assert provenance(store) == {"0022400001": "a", "0022400002": "b"}
    second = writer(store)
    second.add("lines", 10, "0022400002", rows("0022400002", 2), "c")
    second.flush()
    assert provenance(store) == {"0022400001": "a", "0022400002": "c"}
    metadata = pq.ParquetFile(pa.BufferReader(store.get(KEY).body)).metadata.metadata
    assert (metadata[b"hoopstat.format"], metadata[b"hoopstat.table"]) == (b"1", b"lines")


def test_other_rows_of_the_same_body_are_put() -> None:
    """When the code that reads a body changes, or stored rows were altered, the same body gives the rows anew."""
    store = MemoryStore()
    first = writer(store)
    first.add("lines", 10, "0022400001", rows("0022400001", 1, text="altered"), "a")
    first.flush()
    for again in (first, writer(store)):
        again.add("lines", 10, "0022400001", rows("0022400001", 1, text="as it should be"), "a")
        again.flush()
        assert [row["text"] for row in stored(store)] == ["as it should be"]


GAME_IDS = st.sampled_from(("0022400001", "002240000", "10022400001", "", "é"))


@given(
    chunks=st.lists(st.lists(GAME_IDS, max_size=3), max_size=3),
    game=GAME_IDS,
    cut=st.tuples(st.integers(0, 3), st.integers(0, 9)),
)
@example(chunks=[["002240000", "10022400001"]], game="0022400001", cut=(0, 9))
def test_every_row_must_be_of_the_game(chunks: list[list[str]], game: str, cut: tuple[int, int]) -> None:
    """However the rows are laid out in memory: in pieces, as a part of others, with ids that join to the same text."""
    numbers = range(9)
    parts = [pa.table({"game_id": games, "n": numbers[: len(games)], "text": games}, SCHEMA) for games in chunks]
    table = pa.concat_tables([SCHEMA.empty_table(), *parts]).slice(*cut)
    table = table.set_column(1, SCHEMA.field("n"), pa.chunked_array([pa.array(numbers[: len(table)], pa.int32())]))
    ids = table.column("game_id").to_pylist()
    bronze = writer(MemoryStore())
    if set(ids) <= {game}:
        bronze.add("lines", 10, game, table, "a")
    else:
        with pytest.raises(ValueError, match="a row is of game"):
            bronze.add("lines", 10, game, table, "a")


@given(keys=st.lists(st.tuples(st.integers(0, 3), st.integers(-2, 2)), min_size=1, max_size=6))
def test_rows_stand_in_order_of_a_key_of_two_columns(keys: list[tuple[int, int]]) -> None:
    """In whatever order they came, and two with the same key are refused."""
    schema = pa.schema([pa.field("game_id", pa.string(), nullable=False), ("a", pa.int64()), ("b", pa.int8())])
    store = MemoryStore()
    bronze = BronzeWriter(store, "2024-25", {"pairs": Table("pairs", schema, ("a", "b"))})
    first, second = zip(*keys, strict=True)
    table = pa.table({"game_id": ["1"] * len(keys), "a": first, "b": second}, schema)
    if len(set(keys)) < len(keys):
        with pytest.raises(ValueError, match="two rows have the key"):
            bronze.add("pairs", 10, "1", table, "x")
        return
    bronze.add("pairs", 10, "1", table, "x")
    bronze.flush()
    found = stored(store, "pairs/season=2024-25/month=10/part-0.parquet")
    assert [(row["a"], row["b"]) for row in found] == sorted(keys)


def test_rows_of_another_game_are_refused() -> None:
    """They would stand where the next merge of that game does not look for them."""
    bronze = writer(MemoryStore())
    with pytest.raises(ValueError, match="lines, game 0022400001: a row is of game 0022400002"):
        bronze.add("lines", 10, "0022400001", pa.concat_tables([rows("0022400001", 1), rows("0022400002", 1)]), "a")
    assert bronze.flush() == []


def test_no_rows_leave_no_rows() -> None:
    """A correction to nothing takes the game out, and its body's name too."""
    store = MemoryStore()
    bronze = writer(store)
    bronze.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    bronze.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    bronze.flush()
    bronze.add("lines", 10, "0022400001", SCHEMA.empty_table(), "c")
    bronze.flush()
    assert [row["game_id"] for row in stored(store)] == ["0022400002"]
    assert provenance(store) == {"0022400002": "b"}


@pytest.mark.parametrize("reopened", [False, True])
def test_the_bytes_do_not_tell_the_way(reopened: bool) -> None:
    """In one go, or in another order with corrections, crashes and re-opened writers: the same bytes."""
    straight, winding = MemoryStore(), MemoryStore()
    bronze = writer(straight)
    for number in range(1, 8):
        bronze.add("lines", 10, f"002240000{number}", rows(f"002240000{number}", 1, 2, 3), f"body-{number}")
    bronze.flush()
    bronze = writer(winding)
    for number in (5, 2, 7, 2, 1, 3, 6, 4, 5):
        bronze.add("lines", 10, f"002240000{number}", rows(f"002240000{number}", 9), "an older body")
        bronze.flush()
        if reopened:
            bronze = writer(winding)
        bronze.add("lines", 10, f"002240000{number}", rows(f"002240000{number}", 3, 1, 2), f"body-{number}")
    bronze.flush()
    assert winding.get(KEY).body == straight.get(KEY).body


class Failing(MemoryStore):
    """Refuses the writes that are named."""

    def __init__(self, *failing: int) -> None:
        super().__init__()
        self.failing = failing
        self.writes = 0

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        self.writes += 1
        if self.writes in self.failing:
            raise StoreError("503 Slow Down", kind="unreachable", key=key)
        return super().put_if_absent(key, body, metadata=metadata)


@pytest.mark.parametrize("at", [1, 2, 3])
def test_what_a_failed_flush_did_not_write_is_written_by_the_next(at: int) -> None:
    """A checkpoint that follows a later flush can never name rows that are not stored."""
    store = Failing(at)
    bronze = writer(store)
    for month in (10, 11, 12):
        bronze.add("lines", month, "0022400001", rows("0022400001", 1), "a")
    with pytest.raises(StoreError, match="503"):
        bronze.flush()
    assert len(bronze.flush()) == 4 - at
    assert len(list(store.list("lines/"))) == 3


def test_a_partition_under_way_is_not_dropped_from_memory() -> None:
    """Rows added while their partition is being written do not meet its older version."""
    store = MemoryStore()
    bronze = BronzeWriter(store, "2024-25", TABLES)
    for month in (10, 11, 12):
        bronze.add("lines", month, "0022400001", rows("0022400001", 1), "a")
    under_way = bronze.prepare()
    bronze.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    under_way.write()
    bronze.flush()
    assert [row["game_id"] for row in stored(store)] == ["0022400001", "0022400002"]


def test_memory_holds_only_what_changes() -> None:
    """A month that nothing was added to between two flushes is dropped, and read again when it is needed."""
    store = MemoryStore()
    reads: list[str] = []
    get = store.get

    def counted(key: str, *, if_match: str | None = None) -> StoredObject:
        reads.append(key)
        return get(key, if_match=if_match)

    store.get = counted  # type: ignore[method-assign]  # to see what is read
    bronze = BronzeWriter(store, "2024-25", TABLES)
    bronze.add("lines", 10, "0022400001", rows("0022400001", 1), "a")
    bronze.flush()
    reads.clear()
    bronze.add("lines", 10, "0022400003", rows("0022400003", 1), "a")
    bronze.flush()
    assert reads == []
    bronze.add("lines", 11, "0022400001", rows("0022400001", 1), "a")
    bronze.flush()
    reads.clear()
    bronze.add("lines", 11, "0022400003", rows("0022400003", 1), "a")
    assert reads == []
    bronze.add("lines", 10, "0022400002", rows("0022400002", 1), "b")
    assert reads == [KEY]
    bronze.flush()
    assert [row["game_id"] for row in stored(store)] == ["0022400001", "0022400002", "0022400003"]


def test_a_whole_table_with_a_key_twice_is_refused() -> None:
    """The same promise for tables that come whole, sorted by their key whatever order they come in."""
    bronze = writer(MemoryStore())
    with pytest.raises(ValueError, match=r"people: two rows have the key \{'n': 2\}"):
        bronze.replace("people", None, pa.table({"n": [2, 1, 2]}, PEOPLE.schema), [])
    assert bronze.flush() == []
    store = MemoryStore()
    bronze = writer(store)
    bronze.replace("people", None, pa.table({"n": [3, 1, 2]}, PEOPLE.schema), [])
    bronze.flush()
    assert [row["n"] for row in stored(store, "people/season=2024-25/part-0.parquet")] == [1, 2, 3]


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


GAMES = ("0022400001", "0022400002", "0022400003")
MONTHS = (10, 11, 1)


class Merging(RuleBasedStateMachine):
    """Any interleaving of upserts, flushes, crashes and re-opened writers equals the last write per game.

    A flush is a snapshot and its write, with upserts between the two; a crash may come between them as well. What does
    not change is not kept in memory.
    """

    def __init__(self) -> None:
        super().__init__()
        self.store = MemoryStore()
        self.reopen()
        self.flushed: dict[tuple[int, str], tuple[list[int], str]] = {}

    def reopen(self) -> None:
        self.bronze = BronzeWriter(self.store, "2024-25", TABLES)
        self.pending: dict[tuple[int, str], tuple[list[int], str]] = {}
        self.snapshot: dict[tuple[int, str], tuple[list[int], str]] = {}
        self.under_way: Flush | None = None

    @rule(
        month=st.sampled_from(MONTHS),
        game=st.sampled_from(GAMES),
        numbers=st.lists(st.integers(0, 5), unique=True, min_size=1, max_size=4),
        body=st.sampled_from(["a", "b"]),
    )
    def upsert(self, month: int, game: str, numbers: list[int], body: str) -> None:
        self.bronze.add("lines", month, game, rows(game, *numbers), body)
        self.pending[month, game] = (sorted(numbers), body)

    @rule()
    def again(self) -> None:
        """What is stored already is put once more."""
        for (month, game), (numbers, body) in self.flushed.items():
            if (month, game) not in self.pending and (month, game) not in self.snapshot:
                self.bronze.add("lines", month, game, rows(game, *numbers), body)

    @precondition(lambda self: self.under_way is None)
    @rule()
    def begin_flush(self) -> None:
        self.under_way = self.bronze.prepare()
        self.snapshot, self.pending = self.pending, {}

    @precondition(lambda self: self.under_way is not None)
    @rule()
    def end_flush(self) -> None:
        assert self.under_way is not None
        self.under_way.write()
        self.flushed |= self.snapshot
        self.snapshot, self.under_way = {}, None

    @rule()
    def crash_and_reopen(self) -> None:
        self.reopen()

    @invariant()
    def the_store_holds_the_last_flushed_rows(self) -> None:
        held: dict[tuple[int, str], tuple[list[int], str]] = {}
        for info in self.store.list("lines/"):
            month, bodies = int(info.key.split("month=")[1][:2]), provenance(self.store, info.key)
            for row in stored(self.store, info.key):
                held.setdefault((month, row["game_id"]), ([], bodies[row["game_id"]]))[0].append(row["n"])
        assert held == self.flushed

    @invariant()
    def the_bytes_are_those_of_one_go(self) -> None:
        straight = MemoryStore()
        bronze = writer(straight)
        for (month, game), (numbers, body) in self.flushed.items():
            bronze.add("lines", month, game, rows(game, *numbers), body)
        bronze.flush()
        for info in straight.list():
            assert self.store.get(info.key).body == straight.get(info.key).body


TestMerging = Merging.TestCase
TestMerging.settings = settings(max_examples=40, stateful_step_count=25, deadline=None)
