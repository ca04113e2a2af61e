"""Answers that are tables already: ``resultSets`` with a name, headers and rows each. Read whole columns at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.base import Payload
from nba_season_backfill.datasets.columns import Column, ContractBroken, Outliers, build_columns

__all__ = ["ResultSet", "result_set", "set_table", "unknown_headers"]


@dataclass(frozen=True, slots=True)
class ResultSet:
    """One result set: its name, its headers, how many rows it has, and its columns by header."""

    name: str
    headers: tuple[str, ...]
    row_count: int
    columns: Mapping[str, Sequence[Any]]

    def where(self, number: int) -> str:
        """The path of a row, for messages."""
        return f"{self.name}.rowSet[{number}]"

    def column(self, header: str) -> Sequence[Any]:
        """One column.

        Raises:
            ContractBroken: it is missing.
        """
        try:
            return self.columns[header]
        except KeyError:
            raise ContractBroken(f"{self.where(0)}.{header}: missing", missing=self.row_count) from None

    def distinct(self, header: str) -> set[Any]:
        """The different values of one column.

        Raises:
            ContractBroken: it is missing, or has a value that is none (a list, an object).
        """
        try:
            return set(self.column(header))
        except TypeError:
            number = next(n for n, value in enumerate(self.column(header)) if isinstance(value, list | dict))
            found = f"got {self.column(header)[number]!r:.40}, want a single value"
            raise ContractBroken(f"{self.where(number)}.{header}: {found}", type_errors=1) from None

    def rows_in_order(self, order: Sequence[int]) -> ResultSet:
        """These of its rows, in this order."""
        columns = {header: [values[number] for number in order] for header, values in self.columns.items()}
        return ResultSet(self.name, self.headers, len(order), columns)


def result_set(payload: Payload, name: str, *, optional: bool = False) -> ResultSet:
    """The result set of that name.

    Args:
        optional: it may be missing, and has no rows then.

    Raises:
        ContractBroken: it is missing, or not a table.
    """
    results = payload.get("resultSets") if isinstance(payload, dict) else None
    found = next(
        (
            result
            for result in (results if isinstance(results, list) else ())
            if isinstance(result, dict) and result.get("name") == name
        ),
        None,
    )
    if found is None:
        if optional and isinstance(results, list):
            return ResultSet(name, (), 0, {})
        raise ContractBroken(f"resultSets: no {name}", missing=1)
    headers, rows = found.get("headers"), found.get("rowSet")
    if not isinstance(headers, list) or not isinstance(rows, list):
        raise ContractBroken(f"{name}: headers or rowSet missing", missing=1)
    if not all(isinstance(header, str) for header in headers) or len(set(headers)) != len(headers):
        raise ContractBroken(f"{name}.headers: not a list of different names", type_errors=1)
    width = len(headers)
    if not set(map(type, rows)) <= {list} or not set(map(len, rows)) <= {width}:
        raise ContractBroken(f"{name}.rowSet: a row has not {width} values", type_errors=1)
    columns = zip(*rows, strict=True) if rows else ((),) * width
    return ResultSet(name, tuple(headers), len(rows), dict(zip(headers, columns, strict=True)))


def set_table(
    schema: pa.Schema,
    columns: Sequence[Column],
    found: ResultSet,
    derived: Mapping[str, Sequence[Any]],
    outliers: Outliers | None = None,
) -> pa.Table:
    """A table of a result set's rows, its columns checked.

    Raises:
        ContractBroken: a header is missing, or a value is null where it must not be, or of another type.
    """
    if not found.row_count:
        return schema.empty_table()
    return pa.Table.from_arrays(build_columns(columns, found.columns, derived, found.where, outliers), schema=schema)


def unknown_headers(found: ResultSet, columns: Sequence[Column], *known: str) -> list[str]:
    """Paths of headers that no column declares."""
    declared = {column.source for column in columns} | set(known)
    return [f"{found.name}.{header}" for header in found.headers if header not in declared]
