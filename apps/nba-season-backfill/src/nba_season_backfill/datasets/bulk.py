"""The quick way from rows to arrays: a whole table's values at once, where everything about them is as declared.

Where anything is not, nothing is given, and whoever asked goes column by column, which finds what is wrong and where.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

if TYPE_CHECKING:
    from nba_season_backfill.datasets.columns import Column, Outliers

__all__ = ["Assembly"]

_NOTHING = type(None)
# Arrow takes 1.5 for the integer 1 and True for the real 1.0; it refuses any other value of another kind by itself.
_NUMBERS: Mapping[str, frozenset[type]] = {
    "int": frozenset({int, _NOTHING}),
    "float": frozenset({int, float, _NOTHING}),
}
_REFUSED = (pa.ArrowInvalid, pa.ArrowTypeError, KeyError, TypeError, OverflowError, UnicodeEncodeError, ValueError)

Row = Mapping[str, Any]


class Assembly:
    """Columns, prepared for as many tables as there are answers."""

    def __init__(self, columns: Sequence[Column]) -> None:
        self.columns = columns
        places = range(len(columns))
        parents = dict.fromkeys(columns[n].parent for n in places if columns[n].source)
        self._groups = [
            _Group(columns, [n for n in places if columns[n].source and columns[n].parent == parent], parent)
            for parent in parents
        ]
        self._derived = [n for n in places if not columns[n].source]
        self._derived_kind = _struct(columns, self._derived)
        self._bounded = [n for n in places if columns[n].bounded]
        self._required = [n for n in places if columns[n].required]
        # A field that may be missing, and a time, are looked at one by one.
        self._plain = not any(column.optional or column.family == "time" for column in columns)

    def arrays(
        self,
        rows: Sequence[Row],
        derived: Mapping[str, Sequence[Any]],
        where: Callable[[int], str],
        outliers: Outliers | None,
    ) -> list[pa.Array] | None:
        """The columns of these rows, in order; None where there are no rows, or something is not as declared.

        Args:
            derived: the values of the columns without a source, by name.
            where: the path of a row by its number.
            outliers: where values beyond their column's bounds are noted.
        """
        if not rows or not self._plain:
            return None
        values: list[Sequence[Any]] = [()] * len(self.columns)
        arrays: list[pa.Array] = [None] * len(self.columns)
        try:
            for group in self._groups:
                group.put(rows, values, arrays)
            if self._derived:
                for place in self._derived:
                    values[place] = derived[self.columns[place].name]
                tuples = list(zip(*(values[place] for place in self._derived), strict=True))
                _put(self._derived, pa.array(tuples, self._derived_kind), arrays)
        except _REFUSED:
            return None
        if any(arrays[place].null_count for place in self._required) or not self._numbers_are_numbers(values):
            return None
        if outliers is not None:
            self._note(values, arrays, where, outliers)
        return arrays

    def _numbers_are_numbers(self, values: Sequence[Sequence[Any]]) -> bool:
        for column, found in zip(self.columns, values, strict=True):
            if column.family in _NUMBERS:
                kinds = set(map(type, found))
                if not kinds <= _NUMBERS[column.family]:
                    return False
                if float in kinds and not all(map(math.isfinite, filter(None, found))):
                    return False
        return True

    def _note(
        self,
        values: Sequence[Sequence[Any]],
        arrays: Sequence[pa.Array],
        where: Callable[[int], str],
        outliers: Outliers,
    ) -> None:
        for place in self._bounded:
            column, found = self.columns[place], values[place]
            known = [value for value in found if value is not None] if arrays[place].null_count else found
            if known and (min(known) < column.low or max(known) > column.high):
                for number, value in enumerate(found):
                    if value is not None and not column.low <= value <= column.high:
                        outliers.add(f"{where(number)}.{column.below}", value)


class _Group:
    """The columns whose values stand in the same object of a row."""

    def __init__(self, columns: Sequence[Column], places: Sequence[int], parent: str) -> None:
        self._parent = parent
        self._places = places
        self._sources = [columns[place].source for place in places]
        self._kind = _struct(columns, places)
        self._all = operator.itemgetter(*self._sources)

    def put(self, rows: Sequence[Row], values: list[Sequence[Any]], arrays: list[pa.Array]) -> None:
        if self._parent:
            rows = [row[self._parent] for row in rows]
        tuples = list(map(self._all, rows)) if len(self._sources) > 1 else [(row[self._sources[0]],) for row in rows]
        for place, found in zip(self._places, zip(*tuples, strict=True), strict=True):
            values[place] = found
        _put(self._places, pa.array(tuples, self._kind), arrays)


def _struct(columns: Sequence[Column], places: Sequence[int]) -> pa.DataType:
    return pa.struct([pa.field(columns[place].name, columns[place].type) for place in places])


def _put(places: Sequence[int], rows: pa.StructArray, arrays: list[pa.Array]) -> None:
    for place, array in zip(places, rows.flatten(), strict=True):
        arrays[place] = array
