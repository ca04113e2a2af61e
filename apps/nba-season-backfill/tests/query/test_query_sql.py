"""SQL over the lake: every table by its name, nothing else in reach, nothing written, little read."""

from __future__ import annotations

import builtins
import hashlib
from pathlib import Path
from typing import Any

import pytest

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.lake import layout
from nba_season_backfill.query import Lake, SqlNotInstalled, SqlRefused, SqlWrong, pinned_files

from .conftest import SEASON, CountingStore
from .test_query_cost import actions, parquet, with_season


def test_tables_go_by_both_their_names(lake: Lake) -> None:
    """With hyphens in quotes, or with underscores; joined with each other."""
    one = lake.sql('select count(*) n from "box-scores-traditional"').to_pylist()
    assert lake.sql("select count(*) n from box_scores_traditional").to_pylist() == one
    joined = lake.sql('select count(*) n from "box-scores-traditional" join games using (game_id, season, month)')
    assert joined.to_pylist() == one


def test_every_table_can_be_named(lake: Lake) -> None:
    """One that the lake has nothing of is empty, with its columns."""
    counts = ", ".join(f'(select count(*) from "{name}") as "{name}"' for name in TABLES)
    (row,) = lake.sql(f"select {counts}").to_pylist()
    assert row.keys() == TABLES.keys()
    assert row["games"] > row["box-scores-traditional"] > 0
    described = lake.sql("describe play_by_play").to_pylist()
    names = [row["column_name"] for row in described]
    assert names == [*TABLES["play-by-play"].schema.names, "season", "month"]
    assert {row["name"] for row in lake.sql("show tables").to_pylist()} >= {"games", "play_by_play", "players"}


def test_a_name_put_together_is_found_too(lake: Lake) -> None:
    """A table whose name does not stand in the statement is not silently empty."""
    n = lake.sql("select count(*) n from games").to_pylist()
    assert n[0]["n"] > 1000
    assert lake.sql("select count(*) n from query_table('ga' || 'mes')").to_pylist() == n


def test_values_are_given_beside_the_statement(lake: Lake) -> None:
    """By position, or by name."""
    by_place = lake.sql("select game_id from games where game_id = ?", ["0022400062"])
    by_name = lake.sql("select game_id from games where game_id = $id", {"id": "0022400062"})
    assert by_place.to_pylist() == by_name.to_pylist() == [{"game_id": "0022400062"}]


def test_columns_of_one_name_are_told_apart(lake: Lake) -> None:
    """No value is lost in a row that is a dict."""
    assert lake.sql("select 1 a, 2 a, 3 a_2").to_pylist() == [{"a": 1, "a_2": 2, "a_2_2": 3}]


@pytest.mark.parametrize(
    "statement",
    [
        "create table t as select 1",
        "create view v as select 1",
        "insert into games select * from games",
        "update games set label = 'x'",
        "delete from games",
        "drop view games",
        "copy games to 'OUT'",
        "copy (select 1) to 'OUT' (format parquet)",
        "export database 'OUT'",
        "attach 'OUT' as other",
        "install httpfs",
        "load httpfs",
        "set enable_external_access = true",
        "reset enable_external_access",
        "pragma database_list",
        "call pragma_version()",
        "begin",
        "checkpoint",
        "vacuum",
        "use memory",
        "create secret (type s3)",
        "prepare p as select 1",
        "select 1; select 2",
        "select 1; drop view games",
        "",
    ],
)
def test_what_is_no_question_is_refused(lake: Lake, statement: str, tmp_path: Path) -> None:
    """Whatever would write, attach, load or change settings, and more than one statement: refused (2), not tried."""
    with pytest.raises((SqlRefused, SqlWrong)) as caught:
        lake.sql(statement.replace("OUT", str(tmp_path / "out")))
    assert caught.value.exit_code == 2
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "source",
    [
        "'FILE'",
        "read_csv('FILE')",
        "read_text('FILE')",
        "read_blob('FILE')",
        "read_parquet('FILE')",
        "read_json('FILE')",
        "glob('FILE')",
        "sniff_csv('FILE')",
        "query('select * from read_text(''FILE'')')",
        "parquet_metadata('FILE')",
    ],
)
def test_no_file_outside_can_be_read(lake: Lake, filled: Path, source: str, tmp_path: Path) -> None:
    """Not one beside the lake, and not the lake's own files past the tables."""
    secret = tmp_path / "secret.csv"
    secret.write_text("a,b\n1,2\n")
    own = next(filled.rglob("*.parquet"))
    for path in (secret, own):
        with pytest.raises((SqlRefused, SqlWrong)):
            lake.sql(f"select * from {source.replace('FILE', str(path))}")


def test_no_variable_of_python_can_be_read(lake: Lake) -> None:
    """DuckDB would find any frame in reach by its name; here it does not."""
    import pyarrow as pa

    secret = pa.table({"a": [1]})
    assert secret.num_rows == 1
    with pytest.raises(SqlWrong, match="secret"):
        lake.sql("select * from secret")


@pytest.mark.parametrize(
    ("statement", "words"),
    [
        ("select nosuch from games", "nosuch"),
        ("selec 1", "syntax error"),
        ("select * from nosuch", "the lake's tables: .*games"),
    ],
)
def test_what_is_not_understood_is_told_in_the_engines_words(lake: Lake, statement: str, words: str) -> None:
    """With the tables there are, where none of that name is."""
    with pytest.raises(SqlWrong, match=words):
        lake.sql(statement)


def test_conditions_leave_partitions_unread(counting: CountingStore) -> None:
    """On season and month: only the partitions they allow are asked for, and the answer says how many were not."""
    with_season(counting, "2023-24")
    counting.asked.clear()
    with Lake(counting) as lake:
        answer = lake.sql(f"select count(*) n from box_scores_traditional where season = '{SEASON}' and month = 10")
    assert counting.asked == [
        "list box-scores-traditional/",
        f"get {layout.partition_key('box-scores-traditional', SEASON, 10)}",
    ]
    assert answer.explanation.partitions_passed_over == 17
    assert [read.key for read in answer.explanation.files] == [
        layout.partition_key("box-scores-traditional", SEASON, 10)
    ]


def test_columns_and_row_groups_stay_unread(counting: CountingStore, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a large partition a game's few columns are a small part of the bytes; nothing is asked for whole."""
    monkeypatch.setattr(pinned_files, "WHOLE_BYTES", 1000)
    key = layout.partition_key("play-by-play", SEASON, 10)
    rows = [
        {**row, "description": hashlib.sha512(f"{game} {row['action_id']}".encode()).hexdigest()}
        for game in [f"00224{number:05d}" for number in range(60)]
        for row in actions(game, 200, "")
    ]
    body = parquet(rows, 3000)
    counting.put(key, body)
    counting.asked.clear()
    with Lake(counting) as lake:
        answer = lake.sql("select sum(period) from play_by_play where game_id = '0022400007' and month = 10")
    assert {asked.split()[0] for asked in counting.asked} == {"list", "range"}
    assert answer.explanation.bytes_read < len(body) / 2
    assert answer.explanation.files[0].how == "parts"


def test_what_was_read_is_remembered(counting: CountingStore) -> None:
    """Asked again, small partitions come from memory while their version stands in the listing."""
    with Lake(counting) as lake:
        first = lake.sql("select count(*) n from games")
        counting.asked.clear()
        again = lake.sql("select count(*) n from games")
    assert counting.asked == []
    assert again.to_pylist() == first.to_pylist()


def test_the_plan_is_told_on_request(lake: Lake) -> None:
    """It shows the columns and conditions that were handed down."""
    explained = lake.sql("select points from box_scores_traditional where month = 10", explain=True).explanation
    assert "points" in explained.plan
    assert "month" in explained.plan
    assert lake.sql("select 1").explanation.plan == ""


def test_without_duckdb_it_says_how_to_get_it(lake: Lake, monkeypatch: pytest.MonkeyPatch) -> None:
    """SQL is an extra: its absence is a matter of configuration (78), and every other question goes on."""
    real = builtins.__import__

    def without(name: str, *arguments: Any, **keywords: Any) -> Any:
        if name == "duckdb":
            raise ImportError(name)
        return real(name, *arguments, **keywords)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(SqlNotInstalled, match=r"nba-season-backfill\[sql\]") as caught:
        lake.sql("select 1")
    assert caught.value.exit_code == 78
    assert len(lake.team_games("LAL", last=1)) == 1
