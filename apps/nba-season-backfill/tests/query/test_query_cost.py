"""What questions cost: requests, bytes, row groups; what is remembered, and for how long."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import threading
from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.s3 import S3Store
from nba_season_backfill.query import Answer, Lake, partitions

from .conftest import SEASON, CountingStore

PBP = TABLES["play-by-play"].schema


def actions(game_id: str, number: int, mark: str) -> list[dict[str, Any]]:
    """A game's actions; each says which version of the partition it is of."""
    plain = {field.name: "" if pa.types.is_string(field.type) else 0 for field in PBP}
    return [
        {**plain, "game_id": game_id, "action_id": at, "clock": "PT01M00.00S", "description": mark}
        for at in range(1, number + 1)
    ]


def parquet(rows: list[dict[str, Any]], rows_a_group: int) -> bytes:
    """The rows as a file of that many row groups."""
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows, schema=PBP), sink, row_group_size=rows_a_group)
    return bytes(sink.getvalue())


def with_season(store: MemoryStore, season: str, like: str = SEASON) -> None:
    """The same season once more, under another name."""
    for info in list(store.list()):
        if f"season={like}/" in info.key:
            store.put(info.key.replace(f"season={like}/", f"season={season}/"), store.get(info.key).body)


def test_a_players_season_is_twelve_requests(counting: CountingStore) -> None:
    """One listing, the checkpoint, the players and nine months: no footer is asked for by itself."""
    months = len(list(counting.list(f"box-scores-traditional/season={SEASON}/")))
    counting.asked.clear()
    with Lake(counting) as lake:
        answer = lake.player_games("LeBron James")
    assert months == 9
    assert len(counting.asked) == 12
    assert sum(answer.explanation.requests.values()) == 12
    assert len({asked for asked in counting.asked if "box-scores-traditional/" in asked}) == 10


def test_a_teams_last_ten_are_five_requests(counting: CountingStore) -> None:
    """One listing and the newest four months; the others are passed over, and said to be."""
    counting.asked.clear()
    with Lake(counting) as lake:
        answer = lake.team_games("LAL", last=10)
    assert len(counting.asked) == 5
    assert len(answer) == 10
    assert answer.explanation.partitions_passed_over > 0


def test_a_games_play_by_play_is_three_requests(counting: CountingStore) -> None:
    """The checkpoint, which knows the month; a footer; the row groups that have the game."""
    wanted = "0022400062"
    others = [f"00224{number:05d}" for number in range(41, 101) if number != 62]
    rows = [row for game in sorted([*others, wanted]) for row in actions(game, 40, game)]
    # Enough that the footer's request does not bring all of it.
    rows = [{**row, "sub_type": hashlib.sha512(str(at).encode()).hexdigest()} for at, row in enumerate(rows)]
    counting.put(layout.partition_key("play-by-play", SEASON, 10), parquet(rows, 200))
    counting.asked.clear()
    with Lake(counting) as lake:
        answer = lake.play_by_play(wanted)
    kinds = [asked.split()[0] for asked in counting.asked]
    assert kinds == ["get", "range", "range"]
    assert answer.table.column("description").unique().to_pylist() == [wanted]
    read = answer.explanation.files[0]
    assert read.how == "parts"
    assert read.row_groups < read.row_groups_in_file
    assert len(answer) == 40


def test_only_needed_columns_are_sent(monkeypatch: pytest.MonkeyPatch, counting: CountingStore) -> None:
    """Of a large partition a question for two columns reads fewer bytes than one for all."""
    monkeypatch.setattr(partitions, "_TAIL_BYTES", 2048)
    monkeypatch.setattr(partitions, "_GAP_BYTES", 0)
    rows = [{**row, "description": f"a text {row['action_id'] * 7919}"} for row in actions("0022400062", 4000, "")]
    counting.put(layout.partition_key("play-by-play", SEASON, 10), parquet(rows, 5000))
    with Lake(counting) as lake:
        few = lake.play_by_play("0022400062", columns=["action_id", "period"])
    with Lake(counting) as lake:
        every = lake.play_by_play("0022400062")
    assert few.table.column_names == ["action_id", "period"]
    assert few.explanation.files[0].bytes_read < every.explanation.files[0].bytes_read / 2
    assert set(few.explanation.files[0].columns) == {"action_id", "period", "game_id"}


def test_what_was_just_asked_costs_nothing(counting: CountingStore) -> None:
    """Asked again, every question is answered without a request, and alike."""
    with Lake(counting) as lake:
        questions: list[Callable[[], pa.Table]] = [
            lambda: lake.player_games("LeBron James").table,
            lambda: lake.team_games("LAL").table,
            lambda: lake.play_by_play("0022400062").table,
            lambda: lake.box_score("0022400062").table,
            lambda: lake.games(date="2024-12-25").table,
        ]
        first = [question() for question in questions]
        counting.asked.clear()
        second = [question() for question in questions]
    assert counting.asked == []
    assert all(one.equals(other) for one, other in zip(first, second, strict=True))


def test_an_answer_is_never_older_than_it_may_be(counting: CountingStore) -> None:
    """Within max_age_seconds a change may go unseen; after it, and after refresh(), it is seen."""
    clock = [0.0]
    key = layout.partition_key("games", SEASON, 12)
    with Lake(counting, max_age_seconds=30, monotonic=lambda: clock[0]) as lake:
        before = len(lake.games(date="2024-12-25"))
        assert before
        whole = counting.get(key).body
        counting.put(key, parquet_without(whole, "2024-12-25"))
        clock[0] = 29.0
        assert len(lake.games(date="2024-12-25")) == before
        clock[0] = 31.0
        assert len(lake.games(date="2024-12-25")) == 0
        counting.put(key, whole)
        assert len(lake.games(date="2024-12-25")) == 0
        lake.refresh()
        assert len(lake.games(date="2024-12-25")) == before


def parquet_without(body: bytes, date: str) -> bytes:
    """The schedule without a day."""
    table = pq.ParquetFile(pa.BufferReader(body)).read()
    kept = [row for row in table.to_pylist() if str(row["game_date"]) != date]
    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(kept, schema=table.schema), sink)
    return bytes(sink.getvalue())


def test_a_version_that_did_not_change_is_not_read_again(counting: CountingStore) -> None:
    """When a listing is too old it is asked for again; partitions whose etags stand in it are not."""
    clock = [0.0]
    with Lake(counting, max_age_seconds=30, monotonic=lambda: clock[0]) as lake:
        lake.team_games("LAL")
        counting.asked.clear()
        clock[0] = 31.0
        lake.team_games("LAL")
    assert counting.asked == ["list games/"]


def test_what_is_remembered_is_bounded(counting: CountingStore) -> None:
    """With room for nothing, everything is read again, and the answers are the same."""
    with Lake(counting) as lake:
        full = lake.player_games("LeBron James").table
    with Lake(counting, remember_bytes=0) as lake:
        assert lake.player_games("LeBron James").table.equals(full)
        counting.asked.clear()
        assert lake.player_games("LeBron James").table.equals(full)
    assert len([asked for asked in counting.asked if asked.startswith("get box-scores-traditional/")]) == 9


def test_a_question_about_one_season_costs_the_same_in_a_lake_of_many(counting: CountingStore) -> None:
    """Requests and bytes are those of the season asked about, whether it is named or the newest."""

    def cost() -> list[tuple[int, int]]:
        costs = []
        for season in (None, SEASON):
            with Lake(counting) as lake:
                asked = [
                    lake.player_games("LeBron James", season=season).explanation,
                    lake.team_games("LAL", season=season).explanation,
                    lake.play_by_play("0022400062").explanation,
                ]
            costs += [(sum(each.requests.values()), each.bytes_read) for each in asked]
        return costs

    alone = cost()
    for year in range(2014, 2024):
        with_season(counting, f"{year}-{(year + 1) % 100:02d}")
    assert cost() == alone


def test_reads_go_side_by_side(counting: CountingStore) -> None:
    """The months, the checkpoint and the players of a season are under way at once."""
    barrier = threading.Barrier(11, timeout=20)
    real = counting.get

    def get(key: str, *, if_match: str | None = None) -> Any:
        barrier.wait()
        return real(key, if_match=if_match)

    counting.get = get  # type: ignore[method-assign]  # the fake's own reading, held back
    with Lake(counting) as lake:
        assert len(lake.player_games("LeBron James"))


def test_it_costs_the_same_on_s3(on_s3: tuple[S3Store, Any]) -> None:
    """HTTP requests to an S3 server: twelve, five and three; counted on the wire."""
    store, client = on_s3
    sent: list[str] = []

    def note(request: Any, **_: object) -> None:
        sent.append(request.url)

    client.meta.events.register("before-send.s3", note)
    questions: list[tuple[Callable[[Lake], Answer], int]] = [
        (lambda lake: lake.player_games("LeBron James"), 12),
        (lambda lake: lake.team_games("LAL", last=10), 5),
        (lambda lake: lake.play_by_play("0022400062"), 3),
    ]
    for ask, most in questions:
        sent.clear()
        lake = Lake(store)
        answer = ask(lake)
        assert len(answer)
        assert len(sent) == sum(answer.explanation.requests.values()) <= most


def test_importing_it_is_cheap() -> None:
    """Neither pyarrow, pandas, duckdb nor boto3 is imported before somebody asks."""
    program = (
        "import sys; import nba_season_backfill.query;"
        "print([m for m in ('pyarrow', 'pandas', 'duckdb', 'boto3', 'pydantic') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
