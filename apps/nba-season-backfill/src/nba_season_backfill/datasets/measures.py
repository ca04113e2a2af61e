"""What a statistic is: its type, what it means, and what is plausible for a player and for a team."""

from __future__ import annotations

import math
from typing import NamedTuple

import pyarrow as pa

__all__ = ["Measure", "count", "rating", "real", "share"]


class Measure(NamedTuple):
    """One statistic of a line. Values beyond the bounds are kept, and counted as outliers."""

    kind: pa.DataType
    doc: str
    low: float = -math.inf
    high: float = math.inf
    team_low: float = -math.inf
    team_high: float = math.inf


def count(doc: str, most: float, most_of_team: float = math.inf) -> Measure:
    """A number of events: never negative, at most ``most`` for a player in a game."""
    return Measure(pa.int32(), doc, 0, most, 0, most_of_team)


def share(doc: str, most: float = 1.0) -> Measure:
    """A share, 0 to 1 unless said otherwise."""
    return Measure(pa.float64(), doc, 0.0, most, 0.0, most)


def rating(doc: str, *, times: float = 1.0) -> Measure:
    """Points per 100 possessions: 400 if the only one is a four-point play. Team lines may be a multiple of it."""
    return Measure(pa.float64(), doc, 0.0, 400.0, 0.0, 400.0 * times)


def real(
    doc: str,
    low: float = -math.inf,
    high: float = math.inf,
    *,
    team_low: float | None = None,
    team_high: float | None = None,
) -> Measure:
    """Any other number; a team's bounds are a player's unless given."""
    return Measure(
        pa.float64(), doc, low, high, low if team_low is None else team_low, high if team_high is None else team_high
    )
