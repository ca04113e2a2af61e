"""Table definitions: what every engine is told is what the schemas declare, and duckdb and Spark really read by it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.dataset as pads
import pytest
import sqlglot
from click.testing import Result
from sqlglot import exp

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.datasets.base import Table
from nba_season_backfill.export import ENGINES, Engine, TablePlace, definitions, sql_name
from nba_season_backfill.export.ddl import type_name
from nba_season_backfill.export.places import declared_places, look
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.season import Season

Invoke = Callable[..., Result]
SEASONS = ("2023-24", "2024-25")
PLACES = declared_places()

_KINDS = {
    exp.DataType.Type.INT: pa.int32(),
    exp.DataType.Type.BIGINT: pa.int64(),
    exp.DataType.Type.DOUBLE: pa.float64(),
    exp.DataType.Type.TEXT: pa.string(),
    exp.DataType.Type.VARCHAR: pa.string(),
    exp.DataType.Type.BOOLEAN: pa.bool_(),
    exp.DataType.Type.DATE: pa.date32(),
    exp.DataType.Type.TIMESTAMP: pa.timestamp("us", tz="UTC"),
    exp.DataType.Type.TIMESTAMPTZ: pa.timestamp("us", tz="UTC"),
}


def arrow(kind: exp.DataType) -> pa.DataType:
    """A parsed SQL type as the Arrow type of the schemas."""
    if kind.this is exp.DataType.Type.STRUCT:
        return pa.struct([(field.name, arrow(field.args["kind"])) for field in kind.expressions])
    return _KINDS[kind.this]


def created(engine: Engine, table: str, **more: Any) -> exp.Create:
    """The parsed CREATE of one table."""
    place = next(place for place in PLACES if place.table.name == table)
    statements = definitions(engine, [place], root="s3://lake/nba", seasons=SEASONS, **more)
    [found] = [statement.sql for statement in statements if statement.sql.startswith("CREATE") and statement.table]
    parsed = sqlglot.parse_one(found, dialect=engine)
    assert isinstance(parsed, exp.Create)
    return parsed


def columns_of(create: exp.Create) -> dict[str, pa.DataType]:
    """Column -> type, partition columns included, in order."""
    found = {column.name: arrow(column.args["kind"]) for column in create.this.expressions}
    partitions = create.find(exp.PartitionedByProperty)
    if partitions is not None and isinstance(partitions.this, exp.Schema):
        found |= {
            column.name: arrow(column.args["kind"])
            for column in partitions.this.expressions
            if isinstance(column, exp.ColumnDef)
        }
    return found


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("engine", ["athena", "trino", "spark"])
def test_every_engine_is_told_the_declared_columns(engine: Engine, table: str) -> None:
    """Names, order and types of a definition are those of the schema, the partition columns behind them."""
    schema = TABLES[table].schema
    monthly = TABLES[table].per_game
    expected = {field.name: field.type for field in schema}
    expected |= {"season": pa.string()} | ({"month": pa.int32()} if monthly else {})
    found = columns_of(created(engine, table))
    assert list(found.items()) == list(expected.items())


@pytest.mark.parametrize("engine", ["athena", "trino", "spark"])
def test_columns_say_what_they_mean(engine: Engine) -> None:
    """A column's comment is its documentation, apostrophes included."""
    for table in TABLES.values():
        parsed = created(engine, table.name)
        for column in parsed.this.expressions[: len(table.schema)]:
            [comment] = column.find_all(exp.CommentColumnConstraint)
            doc = table.schema.field(column.name).metadata[b"doc"].decode()
            assert comment.this.name == doc or (len(doc) > 250 and comment.this.name.endswith(" ..."))


def test_athena_finds_partitions_without_a_crawler() -> None:
    """Projection names the seasons, months of two digits, and the template is the layout of the lake."""
    parsed = created("athena", "games")
    told = {
        found.this.name: found.args["value"].name for found in parsed.find_all(exp.Property) if "value" in found.args
    }
    assert told["projection.enabled"] == "true"
    assert told["projection.season.type"] == "enum"
    assert told["projection.season.values"] == "2023-24,2024-25"
    assert told["projection.month.type"] == "integer"
    assert told["projection.month.range"] == "1,12"
    assert told["projection.month.digits"] == "2"
    assert told["storage.location.template"] == "s3://lake/nba/games/season=${season}/month=${month}/"


def test_a_table_without_months_has_no_month() -> None:
    """Players lie by season alone, and no engine is told of a month."""
    for engine in ENGINES:
        place = TablePlace(TABLES["players"], monthly=False)
        text = "\n".join(each.sql for each in definitions(engine, [place], root="s3://lake/nba", seasons=SEASONS))
        assert "season" in text
        assert "month" not in text.lower().replace("months", "")


def test_trino_projects_the_same_layout() -> None:
    """Trino gets seasons, month range, digits and the location template as column and table properties."""
    text = created("trino", "play-by-play").sql("trino")
    assert "partition_projection_values=ARRAY['2023-24', '2024-25']" in text
    assert "partition_projection_range=ARRAY['1', '12']" in text
    assert "partition_projection_digits=2" in text
    assert "'s3://lake/nba/play-by-play/season=${season}/month=${month}'" in text


@pytest.mark.parametrize("engine", ENGINES)
def test_every_statement_parses(engine: Engine) -> None:
    """No statement of a definition is text that the engine's grammar does not know (maintenance calls aside)."""
    for statement in definitions(engine, PLACES, root="s3://lake/o'neal", seasons=SEASONS, replace=True):
        if statement.sql.startswith("MSCK"):
            continue
        parsed = sqlglot.parse_one(statement.sql, dialect=engine)
        assert isinstance(parsed, exp.Create | exp.Drop | exp.Comment), statement.sql


def test_a_type_without_a_name_is_refused() -> None:
    """A column type that no engine was taught is an error, not a guess."""
    with pytest.raises(ValueError, match="no type for"):
        type_name("athena", pa.decimal128(10, 2))


def test_duckdb_reads_the_lake_by_its_definitions(sample_lake: Path, invoke: Invoke) -> None:
    """The printed views work as they are: declared types, typed partition columns, the rows that are stored."""
    done = invoke("export", "ddl", "--engine", "duckdb", "--output", sample_lake)
    assert done.exit_code == 0, done.output
    assert "Simulated" in done.stdout
    connection = duckdb.connect()
    connection.execute(done.stdout)
    for place in look(LocalStore(sample_lake)).places:
        table, name = place.table, sql_name(place.table.name)
        described = connection.execute(f'DESCRIBE "{name}"').fetchall()
        expected = [(field.name, type_name("duckdb", field.type)) for field in table.schema]
        expected += [("season", "VARCHAR")] + ([("month", "INTEGER")] if place.monthly else [])
        assert [(row[0], row[1].replace('"', "")) for row in described] == [
            (column, kind.replace('"', "")) for column, kind in expected
        ]
        rows = connection.execute(f'SELECT count(*), count(DISTINCT season) FROM "{name}"').fetchone()
        stored = pads.dataset(sample_lake / table.name, format="parquet").count_rows() if place.present else 0
        assert rows == (stored, 1 if stored else 0)
    found = connection.execute("SELECT sum(points) FROM box_scores_traditional WHERE month = 10").fetchone()
    totals = connection.execute("SELECT sum(home_score + away_score) FROM games SEMI JOIN play_by_play USING (game_id)")
    assert found == totals.fetchone()


def test_duckdb_reads_only_the_month_that_is_asked_for(sample_lake: Path, invoke: Invoke) -> None:
    """A condition on the month prunes files: the views hide no partition from the optimizer."""
    connection = duckdb.connect()
    connection.execute(invoke("export", "ddl", "--engine", "duckdb", "--output", sample_lake).stdout)
    plan = connection.execute("EXPLAIN SELECT count(home_score) FROM games WHERE month = 11").fetchall()[0][1]
    files = len(list((sample_lake / "games").rglob("*.parquet")))
    assert files > 1
    assert f"1/{files}" in plan


def test_a_table_that_is_not_there_yet_is_empty_not_an_error(tmp_path: Path, invoke: Invoke, sample_lake: Path) -> None:
    """duckdb gets a typed, empty view for a table without an object, under a path full of special characters."""
    lake = tmp_path / "o'neal's [lake] *?"
    shutil.copytree(sample_lake, lake)
    shutil.rmtree(lake / "play-by-play")
    connection = duckdb.connect()
    connection.execute(invoke("export", "ddl", "--engine", "duckdb", "--output", lake).stdout)
    assert connection.execute("SELECT count(*) FROM play_by_play").fetchone() == (0,)
    games = connection.execute("SELECT count(*) FROM games").fetchone()
    assert games is not None
    assert games[0] > 60


def test_json_gives_one_statement_an_item(sample_lake: Path, invoke: Invoke) -> None:
    """Athena takes one statement a call: --output-format json lists them, and says that the data is simulated."""
    done = invoke(
        *("export", "ddl", "--engine", "athena", "--output", sample_lake, "--location", "s3://lake/nba"),
        *("--output-format", "json", "--last-season", "2025-26"),
    )
    document = json.loads(done.stdout)
    assert document["simulated"] is True
    assert [each["table"] for each in document["statements"]] == ["", *map(sql_name, TABLES)]
    assert "2024-25,2025-26'" in document["statements"][1]["sql"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--engine", "athena"], "reads no folder"),
        (["--engine", "duckdb", "--first-season", "2024"], "did you mean 2024-25"),
        (["--engine", "duckdb", "--last-season", "2020-21"], "lies before"),
        (["--engine", "spark", "--database", "nba; drop"], "is no name"),
    ],
)
def test_what_makes_no_sense_is_refused(arguments: list[str], said: str, sample_lake: Path, invoke: Invoke) -> None:
    """A wrong use ends with 2 and says what to write instead."""
    done = invoke("export", "ddl", "--output", sample_lake, *arguments)
    assert done.exit_code == 2
    assert said in f"{done.output} {done.exception}"


def test_an_empty_lake_is_said(tmp_path: Path, invoke: Invoke) -> None:
    """Without a season nothing can be defined; what to do is said."""
    done = invoke("export", "ddl", "--engine", "duckdb", "--output", tmp_path / "none")
    assert done.exit_code == 2
    assert "--first-season" in str(done.exception)


def test_the_look_finds_seasons_and_months(sample_lake: Path) -> None:
    """What lies in the lake decides whether a table has months and which seasons there are."""
    contents = look(LocalStore(sample_lake))
    assert contents.seasons == (Season(2024),)
    assert {place.table.name: place.monthly for place in contents.places if place.present} == {
        "box-scores-traditional": True,
        "box-scores-traditional-teams": True,
        "box-scores-advanced": True,
        "box-scores-advanced-teams": True,
        "play-by-play": True,
        "players": False,
        "games": True,
    }


_SPARK = """
import json, sys
from pyspark.sql import SparkSession
folder, statements = sys.argv[1], json.load(sys.stdin)["statements"]
spark = (
    SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false")
    .config("spark.sql.warehouse.dir", folder).config("spark.driver.bindAddress", "127.0.0.1")
    .config("spark.driver.host", "127.0.0.1").getOrCreate()
)
found = {}
for each in statements:
    spark.sql(each["sql"])
for name in sorted({each["table"] for each in statements} - {""}):
    found[name] = {
        "rows": spark.table("nba." + name).count(),
        "types": [[field.name, field.dataType.simpleString()] for field in spark.table("nba." + name).schema],
    }
october = spark.sql("select count(*) as n, sum(points) as points from nba.box_scores_traditional where month = 10")
found["october"] = [list(row) for row in october.collect()]
tipoff = spark.sql("select unix_timestamp(min(tipoff_utc)) as t from nba.games").collect()[0][0]
print(json.dumps({"tables": found, "tipoff": tipoff}))
"""


@pytest.mark.slow
def test_spark_reads_the_lake_by_its_definitions(sample_lake: Path, invoke: Invoke, tmp_path: Path) -> None:
    """A local Spark creates the tables from the printed statements and finds every row, typed, months as numbers."""
    pytest.importorskip("pyspark", reason="pyspark is not installed")
    if shutil.which("java") is None:
        pytest.skip("no Java here: Spark cannot start")
    printed = invoke("export", "ddl", "--engine", "spark", "--output", sample_lake, "--output-format", "json").stdout
    done = subprocess.run(
        [sys.executable, "-c", _SPARK, str(tmp_path / "warehouse")],
        input=printed,
        capture_output=True,
        text=True,
        timeout=300,
        cwd=tmp_path,
        env={**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "TZ": "America/New_York"},
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    for place in look(LocalStore(sample_lake)).places:
        told = found["tables"][sql_name(place.table.name)]
        stored = pads.dataset(sample_lake / place.table.name, format="parquet").count_rows() if place.present else 0
        assert told["rows"] == stored, place.table.name
        assert told["types"] == _simple_types(place.table, monthly=place.monthly)
    lines = pads.dataset(sample_lake / "box-scores-traditional", format="parquet", partitioning="hive")
    october = lines.to_table(columns=["points"], filter=pads.field("month") == 10)
    assert found["tables"]["october"] == [[october.num_rows, sum(filter(None, october["points"].to_pylist()))]]
    tipoffs = pads.dataset(sample_lake / "games", format="parquet").to_table(columns=["tipoff_utc"])["tipoff_utc"]
    assert found["tipoff"] == min(filter(None, tipoffs.to_pylist())).timestamp()


def _simple_types(table: Table, *, monthly: bool) -> list[list[str]]:
    """Column and type as Spark writes them."""
    types = [
        [field.name, type_name("spark", field.type).replace("`", "").replace(": ", ":").replace(", ", ",")]
        for field in table.schema
    ]
    return [*types, ["season", "string"], *([["month", "int"]] if monthly else [])]
