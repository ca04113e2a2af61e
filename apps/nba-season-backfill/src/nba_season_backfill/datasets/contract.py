"""The schema contract: what happens when an answer has a field that no column declares."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from nba_season_backfill.datasets.base import Assessment, Dataset, SchemaContract, SeasonDataset

__all__ = ["SchemaContract", "rows_in", "under_contract"]

_AnyDataset = TypeVar("_AnyDataset", Dataset, SeasonDataset)


def under_contract(dataset: _AnyDataset, contract: SchemaContract) -> _AnyDataset:
    """The dataset, its answers judged under a contract.

    ``evolve``: a field that is not declared is reported, and its answer stored without it; it is kept in the archive.
    ``freeze``: such a field breaks the contract. A known field that is missing or of another type always does. What
    is refused is counted: no row of it is stored.
    """
    assess: Callable[..., Assessment] = dataset.assess

    def judged(payload: Any, *known: Any) -> Assessment:
        found = assess(payload, *known)
        if contract == "freeze" and found.kind == "ok" and found.unknown_fields:
            problems = tuple(f"{path}: not declared, and the schema is frozen" for path in found.unknown_fields)
            quality = replace(found.quality, rows=0)
            found = Assessment(
                "contract_violation",
                problems,
                tables=found.tables,
                unknown_fields=found.unknown_fields,
                quality=quality,
            )
        if found.kind == "contract_violation":
            quality = replace(found.quality, filtered_out_count=rows_in(payload))
            found = replace(found, quality=quality)
        return found

    return replace(dataset, assess=judged, contract=contract)


def rows_in(payload: Any) -> int:
    """How many rows an answer would have been: the objects in its lists, or the rows of its result sets."""
    if isinstance(payload, dict):
        return sum(rows_in(inner) for inner in payload.values())
    if isinstance(payload, list):
        return sum(
            rows_in(each) + (not isinstance(each, dict) or "rowSet" not in each)
            for each in payload
            if isinstance(each, dict | list)
        )
    return 0
