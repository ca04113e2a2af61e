"""Columns: declared once (name, type, source, doc), checked in bulk, never inferred and never silently cast.

JSON has integers, reals, text, booleans and null. A column accepts exactly the ones its type means: a real is taken
for an integer only where it is integral, an integer for a real always, a boolean never for a number; what is not
finite is no number, and what is not Unicode is no text.
"""

from __future__ import annotations

import datetime as dt
import math
import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from typing import Any

import pyarrow as pa

from nba_season_backfill.datasets.bulk import Assembly

__all__ = [
    "Column",
    "ContractBroken",
    "Outliers",
    "build_arrays",
    "build_columns",
    "build_table",
    "minutes_to_seconds",
    "schema_of",
    "snake_case",
    "unknown_keys",
]

_ACCEPTED: Mapping[str, frozenset[type]] = {
    "int": frozenset({int}),
    "float": frozenset({int, float}),
    "string": frozenset({str}),
    "bool": frozenset({bool}),
    # JSON has no such values: they are made from text.
    "time": frozenset({dt.date, dt.datetime}),
}


# Too large, not exact, or text that cannot be written.
_UNFIT = (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError, UnicodeEncodeError)


# By identity, which holds: each keeps the columns that it is of.
_ASSEMBLIES: dict[int, Assembly] = {}


class ContractBroken(ValueError):
    """A known field is missing or of another type; the message names the path, what came and what is declared.

    ``missing`` and ``type_errors`` count the fields of the rows at hand that are absent (or null where a value is
    required), and those of another type; the message names the first.
    """

    def __init__(self, message: str, *, missing: int = 0, type_errors: int = 0) -> None:
        super().__init__(message)
        self.missing = missing
        self.type_errors = type_errors


@dataclass(slots=True)
class Outliers:
    """Values beyond what is plausible: how many, and the first few by path. They are kept, and counted."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    most_examples: int = 5

    def add(self, path: str, value: float) -> None:
        """One more."""
        self.count += 1
        if len(self.examples) < self.most_examples:
            self.examples.append(f"{path}: {value}")


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``source`` is the API's own field name, empty for columns of ours.

    ``parent``: the object of the row in which the field stands (``statistics``), where it is not the row itself.
    ``path``: for the documents, what a column of ours is made from.
    ``required``: null is refused. ``optional``: the field may be missing from the answer (then null).
    ``low``, ``high``: what is plausible; a value beyond is kept, and counted as an outlier.
    """

    name: str
    type: pa.DataType
    doc: str
    source: str = ""
    parent: str = ""
    path: str = ""
    required: bool = False
    optional: bool = False
    low: float = -math.inf
    high: float = math.inf

    family: str = field(init=False)
    """Which kind of JSON value it takes."""
    below: str = field(init=False)
    """Its name below the row, for messages: ``statistics.points``, or ours where it has no source."""
    bounded: bool = field(init=False)
    """Whether there is a bound at all."""

    def __post_init__(self) -> None:
        name = self.source or self.name
        object.__setattr__(self, "family", _family(self.type))
        object.__setattr__(self, "below", f"{self.parent}.{name}" if self.parent else name)
        object.__setattr__(self, "bounded", self.low > -math.inf or self.high < math.inf)


def _family(kind: pa.DataType) -> str:
    if pa.types.is_integer(kind):
        return "int"
    if pa.types.is_floating(kind):
        return "float"
    if pa.types.is_temporal(kind):
        return "time"
    return "bool" if pa.types.is_boolean(kind) else "string"


def snake_case(name: str) -> str:
    """``fieldGoalsMade`` -> ``field_goals_made``; ``PIE`` -> ``pie``; ``PERSON_ID`` -> ``person_id``."""
    if name.isupper() or "_" in name:
        return name.lower()
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def schema_of(columns: Sequence[Column], rows: str = "") -> pa.Schema:
    """The Arrow schema, each field with its ``doc`` and ``source`` in its metadata.

    Args:
        rows: the path of the rows below the answer's root: a field's ``source`` is its path from there.
    """
    base = f"{rows}." if rows else ""
    return pa.schema(
        [
            pa.field(
                column.name,
                column.type,
                nullable=not column.required,
                metadata={
                    "doc": column.doc,
                    "source": column.path or (base + column.below if column.source else "derived"),
                    **_range(column),
                },
            )
            for column in columns
        ]
    )


def _range(column: Column) -> dict[str, str]:
    """``0..120``, ``0..``, or nothing."""
    ends = (f"{end:g}" if math.isfinite(end) else "" for end in (column.low, column.high))
    return {"range": "..".join(ends)} if column.bounded else {}


def build_table(
    schema: pa.Schema,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    derived: Mapping[str, Sequence[Any]],
    where: Callable[[int], str],
    outliers: Outliers | None = None,
) -> pa.Table:
    """A table of ``rows``: columns with a source from the rows, the others from ``derived``.

    Args:
        where: the path of a row in the answer by its number, for messages.
        outliers: where values beyond their column's bounds are noted.

    Raises:
        ContractBroken: a field is missing from a row, null where it must not be, or of another type.
    """
    return pa.Table.from_arrays(build_arrays(columns, rows, derived, where, outliers), schema=schema)


def build_arrays(
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    derived: Mapping[str, Sequence[Any]],
    where: Callable[[int], str],
    outliers: Outliers | None = None,
) -> list[pa.Array]:
    """The same, column by column."""
    arrays = _assembly(columns).arrays(rows, derived, where, outliers)
    if arrays is not None:
        return arrays
    return _built(
        columns,
        lambda column: _values(column, rows, where) if column.source else derived[column.name],
        where,
        outliers,
    )


def _assembly(columns: Sequence[Column]) -> Assembly:
    """What was prepared for these columns: they are declared once, and each answer has them."""
    prepared = _ASSEMBLIES.get(id(columns))
    if prepared is None or prepared.columns is not columns:
        prepared = _ASSEMBLIES[id(columns)] = Assembly(columns)
    return prepared


def build_columns(
    columns: Sequence[Column],
    values: Mapping[str, Sequence[Any]],
    derived: Mapping[str, Sequence[Any]],
    where: Callable[[int], str],
    outliers: Outliers | None = None,
) -> list[pa.Array]:
    """The same from whole columns: ``values`` has those of the answer by its own names, all of one length."""
    nothing = [None] * max((len(each) for each in (*values.values(), *derived.values())), default=0)

    def given(column: Column) -> Sequence[Any]:
        if not column.source:
            return derived[column.name]
        found = values.get(column.source)
        if found is not None:
            return found
        if column.optional:
            return nothing
        raise ContractBroken(f"{where(0)}.{column.below}: missing, want {column.family}", missing=len(nothing))

    return _built(columns, given, where, outliers)


def _built(
    columns: Sequence[Column],
    given: Callable[[Column], Sequence[Any]],
    where: Callable[[int], str],
    outliers: Outliers | None,
) -> list[pa.Array]:
    try:
        return [_array(column, given(column), where, outliers) for column in columns]
    except ContractBroken as broken:
        # Something is wrong: only now is everything that is wrong worth looking for.
        raise _counted(broken, columns, given, where) from None


def _counted(
    first: ContractBroken,
    columns: Sequence[Column],
    given: Callable[[Column], Sequence[Any]],
    where: Callable[[int], str],
) -> ContractBroken:
    missing = type_errors = 0
    for column in columns:
        try:
            values = given(column)
        except ContractBroken as broken:
            missing += max(1, broken.missing)
            continue
        nulls = sum(value is None for value in values) if column.required else 0
        missing += nulls
        try:
            _array(replace(column, required=False), values, where, None)
        except ContractBroken:
            type_errors += sum(value is not None and not _stands(value, column) for value in values)
    return ContractBroken(str(first), missing=missing, type_errors=type_errors)


def _stands(value: Any, column: Column) -> bool:
    """Whether one value may stand in the column."""
    try:
        _array(column, [value], lambda _number: "", None)
    except ContractBroken:
        return False
    return True


def _values(column: Column, rows: Sequence[Mapping[str, Any]], where: Callable[[int], str]) -> list[Any]:
    source, parent = column.source, column.parent
    if parent:
        rows = [row[parent] for row in rows]
    if column.optional:
        return [row.get(source) for row in rows]
    try:
        return list(map(operator.itemgetter(source), rows))
    except KeyError:
        gone = [number for number, row in enumerate(rows) if source not in row]
        found = f"{where(gone[0])}.{column.below}: missing, want {column.family}"
        raise ContractBroken(found, missing=len(gone)) from None


def _array(column: Column, values: Sequence[Any], where: Callable[[int], str], outliers: Outliers | None) -> pa.Array:
    # By the set of types, not cell by cell: whatever is wrong is looked for only when something is.
    kinds = set(map(type, values))
    nullable = type(None) in kinds
    kinds.discard(type(None))
    if nullable and column.required:
        number = next(number for number, value in enumerate(values) if value is None)
        raise ContractBroken(f"{where(number)}.{column.below}: null, want {column.family}", missing=1)
    if not kinds <= _ACCEPTED[column.family]:
        values = _mended(column, values, where)
    try:
        array = pa.array(values, column.type)
    except _UNFIT:
        number = next(number for number, value in enumerate(values) if not _fits(value, column.type))
        found = f"got {values[number]!a:.60}, want {column.type}"
        raise ContractBroken(f"{where(number)}.{column.below}: {found}") from None
    if float in kinds and not all(map(math.isfinite, filter(None, values))):
        number = next(number for number, value in enumerate(values) if value and not math.isfinite(value))
        raise ContractBroken(f"{where(number)}.{column.below}: got {values[number]}, want a finite number")
    if outliers is not None and column.bounded:
        known = [value for value in values if value is not None] if nullable else values
        if known and (min(known) < column.low or max(known) > column.high):
            for number, value in enumerate(values):
                if value is not None and not column.low <= value <= column.high:
                    outliers.add(f"{where(number)}.{column.below}", value)
    return array


def _fits(value: Any, kind: pa.DataType) -> bool:
    """Whether a value of the right kind is within the column's bounds."""
    try:
        pa.array([value], kind)
    except _UNFIT:
        return False
    return True


def _mended(column: Column, values: Sequence[Any], where: Callable[[int], str]) -> list[Any]:
    """Integral reals for integers; anything else that is not of the column's kind is refused by name."""
    mended = []
    accepted = _ACCEPTED[column.family]
    for number, value in enumerate(values):
        if value is None or type(value) in accepted:
            mended.append(value)
        elif column.family == "int" and type(value) is float and value.is_integer():
            mended.append(int(value))
        else:
            raise ContractBroken(f"{where(number)}.{column.below}: got {value!r:.60}, want {column.family}")
    return mended


def unknown_keys(rows: Iterable[Mapping[str, Any]], known: frozenset[str], where: str) -> list[str]:
    """Paths of fields that no column declares."""
    return sorted(f"{where}[].{key}" for key in set().union(*rows) - known)


# Digits are bounded: what is longer is no time, and Python refuses to read it as a number at all.
_CLOCK = re.compile(r"(\d{1,4})(?:\.0{1,9})?:([0-5]?\d)(?:\.\d{1,9})?", re.ASCII)
_ISO = re.compile(r"PT(?=\d)(?:(\d{1,3})H)?(?:(\d{1,4})M)?(?:(\d{1,5})(?:\.\d{1,9})?S)?", re.ASCII)


@lru_cache(maxsize=16_384)
def minutes_to_seconds(text: str) -> int | None:
    """Played time in whole seconds from ``36:35``, ``240:00``, ``265.0:00`` or ``PT34M12.00S``; None otherwise."""
    match = _CLOCK.fullmatch(text)
    if match is not None:
        return int(match[1]) * 60 + int(match[2])
    match = _ISO.fullmatch(text)
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + int(match[3] or 0) if match is not None else None
