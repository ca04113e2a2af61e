"""What readers that are not ours see of a partition: pyarrow.dataset, duckdb and pandas, over every declared table."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.dataset as pads
import pytest

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.datasets.base import Table
from nba_season_backfill.lake.bronze import BronzeWriter, read_partition
from nba_season_backfill.lake.layout import partition_key
from nba_season_backfill.lake.local import LocalStore

# Months with and without a leading zero, and seasons that look like a year and a month.
MONTHS = (8, 10, 1)
SEASONS = ("2024-25", "1999-00", "2009-10")
DUCKDB_TYPES = {
    "string": "VARCHAR",
    "int32": "INTEGER",
    "int64": "BIGINT",
    "double": "DOUBLE",
    "bool": "BOOLEAN",
    "date32[day]": "DATE",
    "timestamp[us, tz=UTC]": "TIMESTAMP WITH TIME ZONE",
}


def value(kind: pa.DataType, number: int) -> Any:
    """Some value of that type, another for each number."""
    if pa.types.is_struct(kind):
        return {field.name: value(field.type, number) for field in kind}
    if pa.types.is_string(kind):
        return ("", "Jokić, N.", 'O\'Neal "Shaq"\n')[number % 3]
    if pa.types.is_boolean(kind):
        return number % 2 == 0
    if pa.types.is_integer(kind):
        return 1_610_612_737 + number
    if pa.types.is_floating(kind):
        return number / 3
    if pa.types.is_date(kind):
        return dt.date(2024, 10, 1) + dt.timedelta(days=number)
    return dt.datetime(2024, 10, 22, 23, 30, number, tzinfo=dt.UTC)


def some_rows(table: Table, game: str, count: int) -> pa.Table:
    """Rows with every type, and null wherever it is allowed and the number is odd."""
    made = []
    for number in range(count):
        row = {
            field.name: None if field.nullable and number % 2 else value(field.type, number) for field in table.schema
        }
        if table.per_game:
            row["game_id"] = game
        made.append(row)
    made.sort(key=lambda row: [row[column] for column in table.key])
    return pa.Table.from_pylist(made, schema=table.schema)


def fill(root: Path, table: Table) -> dict[tuple[str, int | None], list[dict[str, Any]]]:
    """A lake with that table, and its rows by partition as they were put."""
    put: dict[tuple[str, int | None], list[dict[str, Any]]] = {}
    store = LocalStore(root)
    for season in SEASONS:
        bronze = BronzeWriter(store, season, TABLES)
        for month in MONTHS if table.per_game else (None,):
            # A table without a key within the game has one row a game.
            parts = [some_rows(table, f"00224{month or 0:05d}", 4 if table.key else 1)]
            if month is None or table.name == "games":
                bronze.replace(table.name, month, parts[0], [])
            else:
                parts.append(some_rows(table, f"00225{month:05d}", 3 if table.key else 1))
                for part in parts:
                    bronze.add(table.name, month, part["game_id"][0].as_py(), part, "body")
            put[season, month] = [row for part in parts for row in part.to_pylist()]
        bronze.flush()
    return put


def comparable(rows: list[dict[str, Any]]) -> list[str]:
    """Rows in an order of their own, whatever order a reader gives them in."""
    return sorted(repr(sorted(row.items())) for row in rows)


@pytest.mark.parametrize("name", sorted(TABLES))
def test_every_reader_sees_the_same_rows_and_types(tmp_path: Path, name: str) -> None:
    """All columns of the declared types, nulls as nulls, and season and month from the path."""
    table = TABLES[name]
    put = fill(tmp_path, table)
    in_path = ("season", "month") if table.per_game else ("season",)
    expected = comparable(
        [{**row, **dict(zip(in_path, where, strict=False))} for where, rows in put.items() for row in rows]
    )

    for (season, month), rows in put.items():
        ours = read_partition(LocalStore(tmp_path), partition_key(name, season, month))
        assert ours.schema.equals(table.schema)
        assert ours.to_pylist() == rows

    arrow = pads.dataset(tmp_path / name, partitioning="hive")
    assert [field for field in arrow.schema if field.name not in in_path] == list(table.schema)
    assert {arrow.schema.field(column).type for column in in_path} <= {pa.string(), pa.int32()}
    assert comparable(arrow.to_table().to_pylist()) == expected

    glob = f"{tmp_path}/{name}/" + "*/" * len(in_path) + "*.parquet"
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        # Left to itself, duckdb takes months for text as soon as one of them has a leading zero.
        types_in_path = "hive_types = {'month': int}" if "month" in in_path else "hive_partitioning = true"
        relation = connection.sql(f"from read_parquet('{glob}', {types_in_path})")
        types = dict(zip(relation.columns, map(str, relation.types), strict=True))
        assert types["season"] == "VARCHAR"
        for field in table.schema:
            if not pa.types.is_struct(field.type):
                assert types[field.name] == DUCKDB_TYPES[str(field.type)], field.name
        assert comparable(relation.to_arrow_table().to_pylist()) == expected

    frame = pd.read_parquet(tmp_path / name, dtype_backend="pyarrow")
    back = pa.Table.from_pandas(frame, preserve_index=False).cast(
        pa.schema([table.schema.field(c) if c in table.schema.names else pa.field(c, _plain(c)) for c in frame.columns])
    )
    assert comparable(back.to_pylist()) == expected


def _plain(column: str) -> pa.DataType:
    return pa.string() if column == "season" else pa.int32()
