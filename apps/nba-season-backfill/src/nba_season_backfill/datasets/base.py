"""What a dataset is: an endpoint, its parameters, the tables its answers become, and the checks they must pass.

Pure. Bytes come in parsed (``payload``), Arrow tables go out; nothing here reads a clock, a file or a socket.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import pyarrow as pa

from nba_season_backfill.season import Season

__all__ = ["Assessment", "Dataset", "Expectation", "Table", "violation"]

Payload = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Expectation:
    """What is known about a game before its answer arrives, for the checks. None = not known."""

    game_id: str
    season: Season
    final: bool = True
    home_team_id: int | None = None
    away_team_id: int | None = None
    home_score: int | None = None
    away_score: int | None = None


@dataclass(frozen=True, slots=True)
class Assessment:
    """What a payload is worth.

    ``ok``: every check passed, ``tables`` holds one Arrow table for each table of the dataset, by name.
    ``absent``: a well-formed answer without content (never played, not offered for that season).
    ``contract_violation``: the answer is not what the dataset declares; ``problems`` names field and reason.
    ``unknown_fields`` are paths that the schema does not know: kept in the raw archive and reported as drift.
    """

    kind: Literal["ok", "absent", "contract_violation"]
    problems: tuple[str, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    unknown_fields: tuple[str, ...] = ()


def violation(*problems: str) -> Assessment:
    """An assessment that says which contract was broken, and where."""
    return Assessment("contract_violation", problems=problems)


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the lake: its name, declared schema (each field's metadata has ``doc`` and ``source``) and order.

    Rows are unique by ``("game_id", *key)`` and sorted so. Tables without games (``players``) have ``per_game=False``
    and are unique by ``key`` alone.
    """

    name: str
    schema: pa.Schema
    key: tuple[str, ...]
    per_game: bool = True


@dataclass(frozen=True, slots=True)
class Dataset:
    """A dataset: one request per game (or per season), one or more tables.

    ``root`` is the payload's key under which the content stands (``boxScoreTraditional``); None for resultSets bodies.
    ``parameters`` gives the query of a game's request, in the upstream's spelling.
    ``assess`` judges a parsed payload and turns it into tables.
    """

    name: str
    endpoint: str
    root: str | None
    first_season: Season
    tables: Sequence[Table]
    parameters: Callable[[str], Mapping[str, str]]
    assess: Callable[[Payload, Expectation], Assessment]
