"""SQL over the lake's tables, through DuckDB: one SELECT, which can read nothing else and write nothing at all.

Tables are Arrow datasets over a file system that has the lake's partitions and no way to write. Its files are pinned:
whatever replaces a partition, one question meets one version of it; where that version is gone, the question is put
again. DuckDB hands columns and conditions down, so that partitions, row groups and columns stay unread.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets import TABLES
from nba_season_backfill.query.answers import Answer
from nba_season_backfill.query.errors import LakeChanging, SqlNotInstalled, SqlRefused, SqlWrong
from nba_season_backfill.query.pinned_files import PinnedFiles
from nba_season_backfill.query.reader import Reader

__all__ = ["run", "sql_name"]

_ATTEMPTS = 4
_SEALED = {
    "enable_external_access": "false",
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "allow_community_extensions": "false",
    # Else any Python variable in reach could be read as a table.
    "python_enable_replacements": "false",
}
# A table may be meant whose name does not stand there: then every one is at hand, and those not meant cost a listing.
_ANY_TABLE = re.compile(r"\bquery(_table)?\b", re.IGNORECASE)
# The tables are asked for, not their rows.
_CATALOG = re.compile(r"\b(show|information_schema|duckdb_\w+|pg_\w+|sqlite_\w+)\b", re.IGNORECASE)


def sql_name(table: str) -> str:
    """A table's name without quotes: ``box-scores-traditional`` -> ``box_scores_traditional``."""
    return table.replace("-", "_")


def run(reader: Reader, query: str, parameters: Sequence[Any] | Mapping[str, Any] | None, *, explain: bool) -> Answer:
    """See ``Lake.sql``."""
    try:
        import duckdb
    except ImportError:
        raise SqlNotInstalled(
            "SQL needs DuckDB, which is not installed", hint="pip install 'nba-season-backfill[sql]'"
        ) from None
    statement = _select(duckdb, query)
    for attempt in range(_ATTEMPTS):
        files = PinnedFiles(reader)
        try:
            table = _execute(duckdb, reader, files, statement, parameters, explain)
        except duckdb.Error as error:
            if files.changed:
                reader.explanation.changed()
                reader.memory.doubt()
                continue
            if files.failure is not None:
                raise files.failure from None
            raise _told(duckdb, error) from None
        files.tell(listed=attempt == 0)
        return Answer(table, reader.explanation.ended())
    raise LakeChanging(
        f"partitions of {reader.store.url} were replaced {_ATTEMPTS} times while they were read",
        hint="ask again in a moment",
    )


def _select(duckdb: Any, query: str) -> str:
    """The statement, which must be one and a question."""
    try:
        statements = duckdb.extract_statements(query)
    except duckdb.Error as error:
        raise _told(duckdb, error) from None
    if len(statements) != 1:
        raise SqlRefused(f"{len(statements)} statements", hint="ask one SELECT at a time")
    kind = statements[0].type
    if kind not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
        name = kind.name.replace("_", " ")
        raise SqlRefused(f"{name} refused: the lake is open for reading only", hint="ask a SELECT")
    return str(statements[0].query)


def _execute(
    duckdb: Any,
    reader: Reader,
    files: PinnedFiles,
    statement: str,
    parameters: Sequence[Any] | Mapping[str, Any] | None,
    explain: bool,
) -> pa.Table:
    named = [name for name in TABLES if _ANY_TABLE.search(statement) or _mentions(statement, name)]
    listings = reader.together(*(partial(reader.partitions, each) for each in named)) if named else []
    connection = duckdb.connect(config=_SEALED)
    try:
        connection.execute("SET timezone = 'UTC'")
        for name, partitions in zip(named, listings, strict=True):
            table = files.dataset(name, partitions)
            for known_as in sorted({name, sql_name(name)}):
                connection.register(known_as, table)
        if _CATALOG.search(statement):
            for name in TABLES.keys() - set(named):
                connection.register(sql_name(name), files.dataset(name, ()))
        connection.execute("SET lock_configuration = true")
        if explain:
            plan = connection.sql(f"EXPLAIN {statement}", params=parameters).fetchall()
            reader.explanation.plan = "\n".join(str(text) for _, text in plan)
        found = connection.sql(statement, params=parameters)
        return _named_apart(found.to_arrow_table()) if found is not None else pa.table({})
    finally:
        connection.close()


def _named_apart(table: pa.Table) -> pa.Table:
    """Columns of one name are told apart by a number: a row must be able to be a dict."""
    names: list[str] = []
    for name in table.column_names:
        number, unique = 1, name
        while unique in names:
            number += 1
            unique = f"{name}_{number}"
        names.append(unique)
    return table.rename_columns(names) if names != table.column_names else table


def _mentions(statement: str, table: str) -> bool:
    words = statement.casefold()
    return table in words or sql_name(table) in words


def _told(duckdb: Any, error: Exception) -> SqlRefused | SqlWrong:
    words = " ".join(str(error).split())
    if isinstance(error, duckdb.PermissionException):
        return SqlRefused(words, hint="only the lake's tables can be read")
    if isinstance(error, duckdb.CatalogException) and "Table with name" in words:
        words = words.partition(" Did you mean")[0]
        return SqlWrong(words, hint=f"the lake's tables: {', '.join(sorted(map(sql_name, TABLES)))}")
    return SqlWrong(words)
