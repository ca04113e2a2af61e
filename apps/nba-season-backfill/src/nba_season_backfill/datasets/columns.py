"""Columns: declared once (name, type, source, doc), checked in bulk, never inferred and never silently cast.

JSON has integers, reals, text, booleans and null. A column accepts exactly the ones its type means: a real is taken
for an integer only where it is integral, an integer for a real always, a boolean never for a number.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

__all__ = ["Column", "ContractBroken", "build_table", "minutes_to_seconds", "schema_of", "snake_case", "unknown_keys"]

_ACCEPTED: Mapping[str, frozenset[type]] = {
    "int": frozenset({int}),
    "float": frozenset({int, float}),
    "string": frozenset({str}),
    "bool": frozenset({bool}),
}


class ContractBroken(ValueError):
    """A known field is missing or of another type; the message names the path, what came and what is declared."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. ``source`` is the API's own field name, empty for columns of ours.

    ``required``: null is refused. ``optional``: the field may be missing from the answer (then null).
    """

    name: str
    type: pa.DataType
    doc: str
    source: str = ""
    required: bool = False
    optional: bool = False

    @property
    def family(self) -> str:
        """Which kind of JSON value it takes."""
        if pa.types.is_integer(self.type):
            return "int"
        if pa.types.is_floating(self.type):
            return "float"
        return "bool" if pa.types.is_boolean(self.type) else "string"


def snake_case(name: str) -> str:
    """``fieldGoalsMade`` -> ``field_goals_made``; ``PIE`` -> ``pie``; ``PERSON_ID`` -> ``person_id``."""
    if name.isupper() or "_" in name:
        return name.lower()
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def schema_of(columns: Sequence[Column]) -> pa.Schema:
    """The Arrow schema, each field with its ``doc`` and ``source`` in its metadata."""
    return pa.schema(
        [
            pa.field(
                column.name,
                column.type,
                nullable=not column.required,
                metadata={"doc": column.doc, "source": column.source or "derived"},
            )
            for column in columns
        ]
    )


def build_table(
    schema: pa.Schema,
    columns: Sequence[Column],
    rows: Sequence[Mapping[str, Any]],
    derived: Mapping[str, Sequence[Any]],
    where: str,
) -> pa.Table:
    """A table of ``rows``: columns with a source from the rows, the others from ``derived``.

    Args:
        where: the path of the rows in the answer, for messages.

    Raises:
        ContractBroken: a field is missing from a row, null where it must not be, or of another type.
    """
    arrays = []
    for column in columns:
        values = derived[column.name] if not column.source else _values(column, rows, where)
        arrays.append(_array(column, values, where))
    return pa.Table.from_arrays(arrays, schema=schema)


def _values(column: Column, rows: Sequence[Mapping[str, Any]], where: str) -> list[Any]:
    source = column.source
    if column.optional:
        return [row.get(source) for row in rows]
    try:
        return [row[source] for row in rows]
    except KeyError:
        number = next(number for number, row in enumerate(rows) if source not in row)
        raise ContractBroken(f"{where}[{number}].{source}: missing") from None


def _array(column: Column, values: Sequence[Any], where: str) -> pa.Array:
    kinds = set(map(type, values))
    nullable = type(None) in kinds
    kinds.discard(type(None))
    name = column.source or column.name
    if nullable and column.required:
        number = next(number for number, value in enumerate(values) if value is None)
        raise ContractBroken(f"{where}[{number}].{name}: null, want {column.family}")
    if not kinds <= _ACCEPTED[column.family]:
        values = _mended(column, values, where, name)
    try:
        return pa.array(values, column.type)
    except (pa.ArrowInvalid, pa.ArrowTypeError, OverflowError) as error:
        raise ContractBroken(f"{where}[].{name}: {error}") from None


def _mended(column: Column, values: Sequence[Any], where: str, name: str) -> list[Any]:
    """Integral reals for integers; anything else that is not of the column's kind is refused by name."""
    mended = []
    accepted = _ACCEPTED[column.family]
    for number, value in enumerate(values):
        if value is None or type(value) in accepted:
            mended.append(value)
        elif column.family == "int" and type(value) is float and value.is_integer():
            mended.append(int(value))
        else:
            raise ContractBroken(f"{where}[{number}].{name}: got {value!r:.60}, want {column.family}")
    return mended


def unknown_keys(rows: Iterable[Mapping[str, Any]], known: frozenset[str], where: str) -> list[str]:
    """Paths of fields that no column declares."""
    return sorted(f"{where}[].{key}" for key in set().union(*rows) - known)


_CLOCK = re.compile(r"(\d+):(\d{1,2})(?:\.(\d+))?")
_ISO = re.compile(r"PT(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?")


def minutes_to_seconds(text: str | None, where: str) -> int | None:
    """Played time in whole seconds from ``36:35``, ``240:00`` or ``PT34M12.00S``; None for an empty text.

    Raises:
        ContractBroken: another form.
    """
    if not text:
        return None
    match = _CLOCK.fullmatch(text)
    if match is not None and int(match[2]) < 60:
        return int(match[1]) * 60 + int(match[2])
    match = _ISO.fullmatch(text) if len(text) > 2 else None
    if match is None:
        raise ContractBroken(f"{where}: got {text!r:.40}, want minutes such as 36:35 or PT36M35.00S")
    return int(match[1] or 0) * 3600 + int(match[2] or 0) * 60 + int(match[3] or 0)
