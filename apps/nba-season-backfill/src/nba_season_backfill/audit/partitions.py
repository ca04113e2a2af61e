"""One partition by itself: its columns, its order, its keys, and whose rows lie in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from nba_season_backfill.audit.findings import Finding, FindingKind
from nba_season_backfill.datasets.base import Table

__all__ = ["Partition", "check_keys", "check_schema", "games_in", "of_games"]

_K = FindingKind
_GAME = "game_id"


@dataclass(frozen=True, slots=True)
class Partition:
    """One partition as it was read.

    Args:
        table: what is declared of it.
        dataset: the dataset that it belongs to, for findings.
        key: the object's key.
        month: the month that its key says; None for tables without months.
        rows: the rows, at least the columns that ``columns_needed`` names.
        schema: of the whole file.
        provenance: game id -> SHA-256 of the body its rows were made from, as the file says.
    """

    table: Table
    dataset: str
    key: str
    month: int | None
    rows: pa.Table
    schema: pa.Schema
    provenance: Mapping[str, str] = field(default_factory=dict)

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns by which rows are unique, and sorted."""
        return (*((_GAME,) if _GAME in self.table.schema.names else ()), *self.table.key)

    def finding(self, kind: FindingKind, season: str, detail: str, **more: str | int) -> Finding:
        """A finding about this partition."""
        return Finding(
            kind,
            season,
            detail,
            dataset=self.dataset,
            table=self.table.name,
            key=self.key,
            **more,  # type: ignore[arg-type]  # the fields that Finding has, by name
        )


def check_schema(partition: Partition, season: str) -> Iterator[Finding]:
    """Are the columns the declared ones, by name and type?"""
    declared, found = partition.table.schema, partition.schema
    for column in declared:
        place = found.get_field_index(column.name)
        if place < 0:
            yield partition.finding(
                _K.SCHEMA_DIFFERS, season, f"column {column.name} is missing", column=column.name,
                expected=str(column.type), found="no such column",
            )  # fmt: skip
        elif not found.field(place).type.equals(column.type):
            yield partition.finding(
                _K.SCHEMA_DIFFERS, season, f"column {column.name} is of another type", column=column.name,
                expected=str(column.type), found=str(found.field(place).type),
            )  # fmt: skip
    for name in found.names:
        if name not in declared.names:
            detail = f"column {name} is not declared"
            yield partition.finding(_K.SCHEMA_DIFFERS, season, detail, column=name, expected="no such column")


def check_keys(partition: Partition, season: str) -> Iterator[Finding]:
    """Are required values there, rows in order, and keys unique?"""
    rows = partition.rows
    for column in partition.table.schema:
        if not column.nullable and column.name in rows.column_names and rows.column(column.name).null_count:
            missing = rows.filter(pc.is_null(rows.column(column.name)))
            for game_id, count in _games(missing):
                yield partition.finding(
                    _K.VALUE_MISSING, season, f"{column.name} is null in {count} rows", game_id=game_id,
                    column=column.name, expected="a value", found="null", count=count,
                )  # fmt: skip
    names = partition.keys
    if not names or rows.num_rows < 2:
        return
    later, same = _steps([_ranks(rows.column(name)) for name in names])
    if bool((later | same).all()):
        twice = np.flatnonzero(same) + 1
    else:
        where = int(np.flatnonzero(~(later | same))[0]) + 1
        yield partition.finding(
            _K.ROWS_OUT_OF_ORDER, season, f"row {where} stands after a greater key", row=_row(rows, names, where)
        )
        counted = rows.select(list(names)).append_column("_row", pa.array(np.arange(rows.num_rows)))
        grouped = counted.group_by(list(names)).aggregate([("_row", "count"), ("_row", "max")])
        twice = np.asarray(grouped.filter(pc.greater(grouped.column("_row_count"), 1)).column("_row_max"))
    for number in twice.tolist()[:50]:
        game_id = rows.column(_GAME)[number].as_py() if _GAME in names else ""
        yield partition.finding(
            _K.ROW_TWICE, season, "two rows have this key", game_id=game_id, row=_row(rows, names, number)
        )


def _steps(columns: Sequence[npt.NDArray[np.int64]]) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """For each row but the first: whether its key is greater than the one before, and whether it is the same."""
    size = len(columns[0]) - 1
    later, same = np.zeros(size, np.bool_), np.ones(size, np.bool_)
    for values in columns:
        later |= same & (values[1:] > values[:-1])
        same &= values[1:] == values[:-1]
    return later, same


def _ranks(column: pa.ChunkedArray) -> npt.NDArray[np.int64]:
    """Whole numbers in the order of the values, for comparing; null is lowest."""
    if pa.types.is_integer(column.type):
        low = pa.scalar(np.iinfo(np.int64).min, pa.int64())
        return np.asarray(pc.fill_null(column.cast(pa.int64()), low))
    coded = column.combine_chunks().dictionary_encode()
    # A table of one chunk has an array here, of none a chunked one.
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    order = np.empty(len(coded.dictionary), np.int64)
    order[np.asarray(pc.sort_indices(coded.dictionary))] = np.arange(len(coded.dictionary))
    codes = np.asarray(pc.fill_null(coded.indices, -1))
    ranked: npt.NDArray[np.int64] = np.where(codes < 0, -1, order[codes]) if len(order) else codes.astype(np.int64)
    return ranked


def _row(rows: pa.Table, names: Sequence[str], number: int) -> str:
    return ", ".join(f"{name}={rows.column(name)[number].as_py()}" for name in names)


def _games(rows: pa.Table) -> list[tuple[str, int]]:
    """(game id, rows) of each game; one without a name for a table that has no games."""
    if _GAME not in rows.column_names:
        return [("", rows.num_rows)]
    return [(each["values"].as_py() or "", each["counts"].as_py()) for each in pc.value_counts(rows.column(_GAME))]


def games_in(partition: Partition) -> dict[str, int]:
    """Game id -> how many rows it has."""
    return dict(_games(partition.rows))


def of_games(rows: pa.Table, games: Sequence[str]) -> pa.Table:
    """The rows of these games only."""
    return rows.filter(pc.is_in(rows.column(_GAME), value_set=pa.array(games, pa.string())))
