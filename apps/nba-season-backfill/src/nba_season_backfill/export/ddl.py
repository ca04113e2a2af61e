"""Table definitions for the lake as it lies, from the declared schemas. Pure.

Every engine gets the same tables under the same names (``box_scores_traditional``), the declared columns in their
order, and the partition columns ``season`` (text) and ``month`` (a whole number; two digits in the path) behind them.
"""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import pyarrow as pa

from nba_season_backfill.datasets.base import Table

__all__ = ["ENGINES", "Engine", "Statement", "TablePlace", "definitions", "sql_name", "type_name"]

Engine = Literal["athena", "trino", "spark", "duckdb"]
ENGINES: tuple[Engine, ...] = get_args(Engine)

# Glue keeps no longer comments.
_COMMENT_WIDTH = 250
_PROJECTED = "partition_projection_type"


@dataclass(frozen=True, slots=True)
class TablePlace:
    """A table and where it lies. ``monthly``: partitioned by season and month, not by season alone.

    ``present``: whether the lake has an object of it; duckdb and Spark complain of a folder that is not there.
    """

    table: Table
    monthly: bool
    present: bool = True

    @property
    def partition_columns(self) -> tuple[str, ...]:
        """``season``, and ``month`` where the table has months."""
        return ("season", "month") if self.monthly else ("season",)


@dataclass(frozen=True, slots=True)
class Statement:
    """One SQL statement, without a semicolon. ``table`` is its table's SQL name; empty for what precedes all tables."""

    table: str
    sql: str


def sql_name(table: str) -> str:
    """A table's name in SQL: ``box-scores-traditional`` -> ``box_scores_traditional`` (Hive knows no hyphens)."""
    return table.replace("-", "_")


def definitions(
    engine: Engine,
    places: Sequence[TablePlace],
    *,
    root: str,
    seasons: Sequence[str],
    database: str = "nba",
    catalog: str = "hive",
    replace: bool = False,
    remark: str = "",
) -> list[Statement]:
    """The statements that make an engine know the lake, to be run in their order.

    Args:
        root: the lake's root as the engine reaches it: ``s3://bucket/prefix``, ``file:///...``, a folder.
        seasons: the seasons that athena and trino look for; others are invisible to them.
        replace: drop tables of these names first (they are external: no data goes). Views are always replaced.
        remark: put before each table's comment (``Simulated.``).
    """
    return _MAKERS[engine](places, _Where(root.rstrip("/"), tuple(seasons), database, catalog, replace, remark))


@dataclass(frozen=True, slots=True)
class _Where:
    root: str
    seasons: tuple[str, ...]
    database: str
    catalog: str
    replace: bool
    remark: str

    def about(self, table: Table) -> str:
        key = ", ".join((("game_id",) if table.per_game else ()) + table.key)
        return f"{self.remark} Unique and sorted by {key} within a partition.".strip()


def type_name(engine: Engine, kind: pa.DataType) -> str:
    """An Arrow type in an engine's words.

    Raises:
        ValueError: no schema of ours has such a column.
    """
    if pa.types.is_struct(kind):
        fields = [(field.name, type_name(engine, field.type)) for field in kind]
        if engine in ("athena", "spark"):
            colon = ":" if engine == "athena" else ": "
            return f"struct<{', '.join(f'{_column(engine, name)}{colon}{inner}' for name, inner in fields)}>"
        word = "row" if engine == "trino" else "STRUCT"
        return f"{word}({', '.join(f'{_column(engine, name)} {inner}' for name, inner in fields)})"
    if pa.types.is_timestamp(kind):
        name = "timestamp"
    else:
        name = str(kind)
    try:
        return _TYPES[name][engine]
    except KeyError:
        raise ValueError(f"{engine}: no type for {kind}") from None


def _row(athena: str, trino: str, spark: str, duckdb: str) -> Mapping[Engine, str]:
    return {"athena": athena, "trino": trino, "spark": spark, "duckdb": duckdb}


_TYPES: Mapping[str, Mapping[Engine, str]] = {
    "int32": _row("int", "integer", "int", "INTEGER"),
    "int64": _row("bigint", "bigint", "bigint", "BIGINT"),
    "double": _row("double", "double", "double", "DOUBLE"),
    "string": _row("string", "varchar", "string", "VARCHAR"),
    "bool": _row("boolean", "boolean", "boolean", "BOOLEAN"),
    "date32[day]": _row("date", "date", "date", "DATE"),
    # Trino's Hive connector wants the precision that it is configured for: milliseconds, by default.
    "timestamp": _row("timestamp", "timestamp(3)", "timestamp", "TIMESTAMP WITH TIME ZONE"),
}


def _column(engine: Engine, name: str) -> str:
    return f"`{name}`" if engine in ("athena", "spark") else f'"{name}"'


def _text(engine: Engine, text: str) -> str:
    """A string literal."""
    if engine in ("athena", "spark"):
        escaped = text.replace("\\", "\\\\").replace("'", "\\'")
    else:
        escaped = text.replace("'", "''")
    return f"'{escaped}'"


def _doc(field: pa.Field) -> str:
    doc = (field.metadata or {}).get(b"doc", b"").decode()
    return textwrap.shorten(doc, _COMMENT_WIDTH, placeholder=" ...")


def _columns(engine: Engine, table: Table) -> list[str]:
    return [
        f"{_column(engine, field.name)} {type_name(engine, field.type)} COMMENT {_text(engine, _doc(field))}"
        for field in table.schema
    ]


def _block(lines: Sequence[str]) -> str:
    return ",\n".join(f"  {line}" for line in lines)


def _athena(places: Sequence[TablePlace], where: _Where) -> list[Statement]:
    made = [Statement("", f"CREATE DATABASE IF NOT EXISTS `{where.database}`")]
    for place in places:
        table, name = place.table, sql_name(place.table.name)
        location = f"{where.root}/{table.name}/"
        properties = {
            "classification": "parquet",
            "projection.enabled": "true",
            "projection.season.type": "enum",
            "projection.season.values": ",".join(where.seasons),
        }
        template = f"{location}season=${{season}}/"
        partitions = ["`season` string"]
        if place.monthly:
            properties |= {
                "projection.month.type": "integer",
                "projection.month.range": "1,12",
                "projection.month.digits": "2",
            }
            template += "month=${month}/"
            partitions.append("`month` int")
        properties["storage.location.template"] = template
        told = _block([f"{_text('athena', key)} = {_text('athena', value)}" for key, value in properties.items()])
        if where.replace:
            made.append(Statement(name, f"DROP TABLE IF EXISTS `{where.database}`.`{name}`"))
        made.append(
            Statement(
                name,
                f"CREATE EXTERNAL TABLE IF NOT EXISTS `{where.database}`.`{name}` (\n"
                f"{_block(_columns('athena', table))}\n)\n"
                f"COMMENT {_text('athena', where.about(table))}\n"
                f"PARTITIONED BY ({', '.join(partitions)})\n"
                f"STORED AS PARQUET\nLOCATION {_text('athena', location)}\nTBLPROPERTIES (\n{told}\n)",
            )
        )
    return made


def _trino(places: Sequence[TablePlace], where: _Where) -> list[Statement]:
    schema = f'"{where.catalog}"."{where.database}"'
    made = [Statement("", f"CREATE SCHEMA IF NOT EXISTS {schema}")]
    seasons = ", ".join(_text("trino", season) for season in where.seasons)
    for place in places:
        table, name = place.table, sql_name(place.table.name)
        location = f"{where.root}/{table.name}"
        template = f"{location}/season=${{season}}"
        columns = [
            *_columns("trino", table),
            f"\"season\" varchar WITH ({_PROJECTED} = 'ENUM', partition_projection_values = ARRAY[{seasons}])",
        ]
        if place.monthly:
            template += "/month=${month}"
            columns.append(
                f"\"month\" integer WITH ({_PROJECTED} = 'INTEGER', "
                "partition_projection_range = ARRAY['1', '12'], partition_projection_digits = 2)"
            )
        partitions = ", ".join(_text("trino", column) for column in place.partition_columns)
        properties = [
            "format = 'PARQUET'",
            f"external_location = {_text('trino', location)}",
            f"partitioned_by = ARRAY[{partitions}]",
            "partition_projection_enabled = true",
            f"partition_projection_location_template = {_text('trino', template)}",
        ]
        if where.replace:
            made.append(Statement(name, f'DROP TABLE IF EXISTS {schema}."{name}"'))
        made.append(
            Statement(
                name,
                f'CREATE TABLE IF NOT EXISTS {schema}."{name}" (\n{_block(columns)}\n)\n'
                f"COMMENT {_text('trino', where.about(table))}\nWITH (\n{_block(properties)}\n)",
            )
        )
    return made


def _spark(places: Sequence[TablePlace], where: _Where) -> list[Statement]:
    made = [Statement("", f"CREATE DATABASE IF NOT EXISTS `{where.database}`")]
    for place in places:
        table, name = place.table, sql_name(place.table.name)
        columns = [*_columns("spark", table), "`season` string", *(["`month` int"] if place.monthly else [])]
        if where.replace:
            made.append(Statement(name, f"DROP TABLE IF EXISTS `{where.database}`.`{name}`"))
        made.append(
            Statement(
                name,
                f"CREATE TABLE IF NOT EXISTS `{where.database}`.`{name}` (\n{_block(columns)}\n)\nUSING PARQUET\n"
                f"PARTITIONED BY ({', '.join(f'`{column}`' for column in place.partition_columns)})\n"
                f"LOCATION {_text('spark', f'{where.root}/{table.name}')}\n"
                f"COMMENT {_text('spark', where.about(table))}",
            )
        )
        # Spark knows no projection: it is told which partitions there are, and again when there are new ones.
        if place.present:
            made.append(Statement(name, f"MSCK REPAIR TABLE `{where.database}`.`{name}`"))
    return made


def _duckdb(places: Sequence[TablePlace], where: _Where) -> list[Statement]:
    made = []
    for place in places:
        table, name = place.table, sql_name(place.table.name)
        partitions = {"season": "VARCHAR", "month": "INTEGER"}
        if place.present:
            # Cast to what is declared: a no-op, or the reason why it does not fit.
            columns = [f'"{field.name}"::{type_name("duckdb", field.type)} AS "{field.name}"' for field in table.schema]
            columns += [f'"{column}"' for column in place.partition_columns]
            folders = "".join(f"/{column}=*" for column in place.partition_columns)
            files = _text("duckdb", f"{_no_glob(where.root)}/{table.name}{folders}/part-0.parquet")
            types = ", ".join(f"'{column}': {partitions[column]}" for column in place.partition_columns)
            # By name: an older partition may lack a column that was declared since.
            source = (
                f"FROM read_parquet(\n  {files},\n  hive_partitioning = true,\n  hive_types = {{{types}}},\n"
                f"  union_by_name = true\n)"
            )
        else:
            columns = [f'NULL::{type_name("duckdb", field.type)} AS "{field.name}"' for field in table.schema]
            columns += [f'NULL::{partitions[column]} AS "{column}"' for column in place.partition_columns]
            source = "WHERE false"
        made.append(Statement(name, f'CREATE OR REPLACE VIEW "{name}" AS SELECT\n{_block(columns)}\n{source}'))
        made.append(Statement(name, f'COMMENT ON VIEW "{name}" IS {_text("duckdb", where.about(table))}'))
        made += [
            Statement(name, f'COMMENT ON COLUMN "{name}"."{field.name}" IS {_text("duckdb", _doc(field))}')
            for field in table.schema
        ]
    return made


def _no_glob(path: str) -> str:
    """A path whose own brackets, stars and question marks mean themselves."""
    return "".join(f"[{letter}]" if letter in "*?[" else letter for letter in path)


_MAKERS: Mapping[Engine, Callable[[Sequence[TablePlace], _Where], list[Statement]]] = {
    "athena": _athena,
    "trino": _trino,
    "spark": _spark,
    "duckdb": _duckdb,
}
