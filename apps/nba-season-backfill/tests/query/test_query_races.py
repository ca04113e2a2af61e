"""A backfill writes while questions are asked: no answer mixes two versions of a partition, none fails for it."""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nba_season_backfill.errors import StoreUnusable
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.query import Lake, LakeChanging, partitions

from .conftest import SEASON, CountingStore
from .test_query_cost import actions, parquet

GAME = "0022400062"
KEY = layout.partition_key("play-by-play", SEASON, 10)
OTHERS = [f"00224{number:05d}" for number in range(100, 110)]


def version(mark: str, number: int) -> bytes:
    """A month in which every row says ``mark``; versions differ in length, so that their offsets do."""
    rows = [row for game in (GAME, *OTHERS) for row in actions(game, number, mark)]
    return parquet(rows, 100)


ONE, TWO = version("one", 60), version("two", 90)


def told(table: pa.Table) -> set[tuple[str, int]]:
    """What the rows say, and how many there are."""
    return {(mark, table.num_rows) for mark in table.column("description").to_pylist()}


@pytest.fixture(autouse=True)
def _in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small footers and no large gaps: a partition takes several requests."""
    monkeypatch.setattr(partitions, "_TAIL_BYTES", 2048)
    monkeypatch.setattr(partitions, "_GAP_BYTES", 0)


def test_a_partition_that_changes_between_two_reads_is_read_again(counting: CountingStore) -> None:
    """Replaced after its footer was read, it is read anew from the footer: all rows are of the new version."""
    counting.put(KEY, ONE)
    replaced: list[str] = []

    def replace(key: str) -> None:
        # Before the second range: the footer is known by then.
        if len([asked for asked in counting.asked if asked.startswith("range")]) == 2 and not replaced:
            counting.put(key, TWO)
            replaced.append(key)

    counting.before_range = replace
    with Lake(counting) as lake:
        counting.asked.clear()
        answer = lake.play_by_play(GAME)
    assert replaced
    assert told(answer.table) == {("two", 90)}
    assert answer.explanation.again == 1


def test_one_that_never_holds_still_is_given_up(counting: CountingStore) -> None:
    """After so many attempts the answer is: ask again in a moment (75), not half a partition."""
    counting.put(KEY, ONE)
    flips: Iterator[bytes] = iter([TWO, ONE] * 100)
    reads = [0]

    def replace(key: str) -> None:
        reads[0] += 1
        if reads[0] % 2 == 0:
            counting.put(key, next(flips))

    counting.before_range = replace
    with Lake(counting) as lake, pytest.raises(LakeChanging, match="was replaced") as caught:
        lake.play_by_play(GAME)
    assert caught.value.exit_code == 75


def test_a_known_footer_does_not_outlive_its_version(counting: CountingStore) -> None:
    """What is remembered of one version is never used for the ranges of the next."""
    clock = [0.0]
    counting.put(KEY, ONE)
    with Lake(counting, max_age_seconds=30, monotonic=lambda: clock[0]) as lake:
        assert told(lake.play_by_play(GAME, columns=["description"]).table) == {("one", 60)}
        counting.put(KEY, TWO)
        # Within the age the old version is believed in, but its other columns are gone: read again, all of the new one.
        answer = lake.play_by_play(GAME, columns=["description", "action_id"])
        assert told(answer.table) == {("two", 90)}


@pytest.mark.parametrize("where", ["memory", "folder"])
def test_a_writer_that_races_is_never_seen_half(where: str, counting: CountingStore, tmp_path: Path) -> None:
    """While a thread replaces a partition again and again, every answer is one of its versions, whole."""
    store: ObjectStore = MemoryStore() if where == "memory" else LocalStore(tmp_path / "lake", sync=lambda _: None)
    for info in list(counting.list("_state/")):
        store.put(info.key, counting.get(info.key).body)
    store.put(KEY, ONE)
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            store.put(KEY, TWO)
            store.put(KEY, ONE)

    writer = threading.Thread(target=write)
    writer.start()
    seen: set[tuple[str, int]] = set()
    try:
        with Lake(store, max_age_seconds=0) as lake:
            for _ in range(40):
                try:
                    answer = told(lake.play_by_play(GAME).table)
                except LakeChanging:
                    continue
                assert len(answer) == 1
                seen |= answer
    finally:
        stop.set()
        writer.join()
    assert seen
    assert seen <= {("one", 60), ("two", 90)}


def test_sql_asks_again_when_a_partition_changes_under_it(
    counting: CountingStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Replaced while DuckDB scans it, the partition's new version answers, and all of it."""
    from nba_season_backfill.query import pinned_files

    monkeypatch.setattr(pinned_files, "WHOLE_BYTES", 100)
    counting.put(KEY, ONE)
    replaced: list[str] = []

    def replace(key: str) -> None:
        if len([asked for asked in counting.asked if asked.startswith("range")]) == 2 and not replaced:
            counting.put(key, TWO)
            replaced.append(key)

    counting.before_range = replace
    with Lake(counting) as lake:
        counting.asked.clear()
        answer = lake.sql(
            "select description, count(*) n from play_by_play where month = 10 and game_id = ? group by 1", [GAME]
        )
    assert replaced
    assert answer.to_pylist() == [{"description": "two", "n": 90}]
    assert answer.explanation.again >= 1


def test_a_partition_that_is_gone_has_no_rows(counting: CountingStore) -> None:
    """A month that was emptied after it was listed (its games were moved) is read as empty, not as an error."""
    with Lake(counting) as lake:
        assert lake.games(season=SEASON).explanation.requests["list"] == 1
    with Lake(counting) as lake:
        lake.team_games("LAL", last=1)
        counting.delete(layout.partition_key("games", SEASON, 10))
        months = {row["game_date"].month for row in lake.games(season=SEASON).to_pylist()}
    assert months == {11, 12, 1, 2, 3, 4, 5, 6}


def test_a_game_on_its_way_to_another_month_counts_once(counting: CountingStore) -> None:
    """While its rows stand in both months, a player's game and its score are counted in one of them."""
    with Lake(counting) as lake:
        before = lake.player_games("LeBron James").table
    for table in ("box-scores-traditional", "games"):
        october = layout.partition_key(table, SEASON, 10)
        november = layout.partition_key(table, SEASON, 11)
        both = [_rows(counting.get(key).body) for key in (october, november)]
        counting.put(november, _body(pa.concat_tables(both)))
    with Lake(counting) as lake:
        after = lake.player_games("LeBron James").table
        games = lake.team_games("LAL", last=None).to_pylist()
    assert after.equals(before)
    assert len({game["game_id"] for game in games}) == len(games)


def _rows(body: bytes) -> pa.Table:
    return pq.ParquetFile(pa.BufferReader(body)).read()


def _body(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    pq.write_table(table, sink)
    return bytes(sink.getvalue())


DAMAGE: list[tuple[str, Callable[[bytes], bytes]]] = [
    ("cut short", lambda body: body[: len(body) // 2]),
    ("not Parquet", lambda _: b"<html>not found</html>" * 20),
    ("empty", lambda _: b""),
    ("a footer that claims too much", lambda body: body[:-8] + b"\xff\xff\xff\x7f" + body[-4:]),
]


@pytest.mark.parametrize(("name", "damage"), DAMAGE)
@pytest.mark.parametrize("table", ["play-by-play", "games"])
def test_a_damaged_partition_is_named(
    name: str, damage: Callable[[bytes], bytes], table: str, counting: CountingStore
) -> None:
    """The key, what is wrong and what mends it; under 78, and never as an answer."""
    del name
    key = layout.partition_key(table, SEASON, 10)
    counting.put(key, damage(counting.get(key).body))
    with Lake(counting) as lake:
        ask = partial(lake.games, season=SEASON) if table == "games" else partial(lake.play_by_play, GAME)
        with pytest.raises(StoreUnusable, match=key) as caught:
            ask()
    assert isinstance(caught.value.__cause__, StoreError)
    assert "repair" in str(caught.value)


def test_a_damaged_page_is_no_answer(filled: Path, counting: CountingStore) -> None:
    """A byte that changed within a row group is found by the page's own checksum, though only a part was read."""
    body = bytearray(counting.get(KEY).body)
    metadata = pq.read_metadata(pa.BufferReader(bytes(body)))
    chunk = metadata.row_group(0).column(metadata.num_columns - 1)
    at = chunk.data_page_offset + chunk.total_compressed_size - 3
    body[at] ^= 0xFF
    counting.put(KEY, bytes(body))
    with Lake(counting) as lake, pytest.raises(StoreUnusable, match="CRC") as caught:
        lake.play_by_play(GAME)
    assert KEY in str(caught.value)


def test_todays_games_are_those_of_the_leagues_calendar(counting: CountingStore) -> None:
    """At two in the morning in London it is still yesterday in New York."""
    with Lake(counting, now=lambda: dt.datetime(2024, 12, 26, 2, 0, tzinfo=dt.UTC)) as lake:
        assert {row["game_date"] for row in lake.todays_games().to_pylist()} == {dt.date(2024, 12, 25)}
