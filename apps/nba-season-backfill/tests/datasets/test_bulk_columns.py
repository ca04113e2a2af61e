"""The quick way to columns gives what the slow one gives, or leaves it to that."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.datasets import bulk
from nba_season_backfill.datasets.columns import Column, ContractBroken, Outliers, build_arrays

COLUMNS = (
    Column("row", pa.int32(), "Ours.", required=True),
    Column("small", pa.int32(), "A small number.", "small", required=True, low=0, high=50),
    Column("large", pa.int64(), "A large number.", "large"),
    Column("real", pa.float64(), "A real.", "real", low=-1.5),
    Column("text", pa.string(), "A text.", "text"),
    Column("yes", pa.bool_(), "Yes or no.", "yes"),
    Column("inner", pa.int32(), "One deeper.", "value", parent="inner", high=9),
    Column("inner_text", pa.string(), "One deeper.", "text", parent="inner", required=True),
)
_RIGHT: Mapping[str, st.SearchStrategy[Any]] = {
    "small": st.integers(0, 60),
    "large": st.none() | st.integers(-(2**63), 2**63 - 1),
    "real": st.none() | st.integers(-5, 5) | st.floats(-5, 5),
    "text": st.none() | st.text(st.characters(exclude_categories=["Cs"]), max_size=3),
    "yes": st.none() | st.booleans(),
}
# Whatever JSON can say, and reals that it cannot.
_ANY = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 3),
    st.sampled_from([2**31, 2**63, -(2**40), 1.0, 2.5, math.inf, math.nan, 1e300, "", "ü", "1", "\ud800", [], {}]),
)
_ROW = st.fixed_dictionaries(
    {**_RIGHT, "inner": st.fixed_dictionaries({"value": st.none() | st.integers(0, 12), "text": st.text("ab")})}
)


def where(number: int) -> str:
    return f"rows[{number}]"


def built(rows: Sequence[Mapping[str, Any]]) -> tuple[list[pa.Array] | str, tuple[Any, ...]]:
    """The arrays, or the error in words; and what was noted."""
    outliers = Outliers()
    try:
        arrays = build_arrays(COLUMNS, rows, {"row": list(range(len(rows)))}, where, outliers)
    except ContractBroken as broken:
        return f"{broken} ({broken.missing}, {broken.type_errors})", ()
    return arrays, (outliers.count, tuple(outliers.examples))


def one_by_one(rows: Sequence[Mapping[str, Any]]) -> tuple[list[pa.Array] | str, tuple[Any, ...]]:
    """The same without the quick way."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bulk.Assembly, "arrays", lambda *_: None)
        return built(rows)


@given(st.lists(_ROW, max_size=5))
@settings(max_examples=150, deadline=None)
def test_what_is_as_declared_comes_out_alike(rows: list[dict[str, Any]]) -> None:
    """Values, types, nulls and outliers; and every such table with rows does go the quick way."""
    arrays = bulk.Assembly(COLUMNS).arrays(rows, {"row": list(range(len(rows)))}, where, None)
    assert (arrays is None) == (not rows)
    assert built(rows) == one_by_one(rows)


@given(st.lists(_ROW, min_size=1, max_size=4), st.data())
@settings(max_examples=400, deadline=None)
def test_whatever_is_wrong_is_refused_alike(rows: list[dict[str, Any]], data: st.DataObject) -> None:
    """A value of any kind anywhere, or none at all: the same arrays, or the same words and counts."""
    row = data.draw(st.sampled_from(rows))
    key = data.draw(st.sampled_from(["small", "large", "real", "text", "yes", "value", "inner_text"]))
    target = row["inner"] if key in ("value", "inner_text") else row
    key = "text" if key == "inner_text" else key
    if data.draw(st.booleans()):
        target[key] = data.draw(_ANY)
    else:
        del target[key]
    assert built(rows) == one_by_one(rows)


def test_each_declaration_keeps_its_own_preparation() -> None:
    """Columns that come and go are never taken for others that were at the same place in memory."""
    for number in range(200):
        columns = (Column(f"c{number}", pa.int32(), "A number.", f"f{number}"),)
        [array] = build_arrays(columns, [{f"f{number}": number}], {}, where)
        assert array.to_pylist() == [number]
