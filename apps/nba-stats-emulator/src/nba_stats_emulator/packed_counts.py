"""What the plays of every game of the season add up to, packed, so that bulk answers need not play 1,394 games out.

Everything here can be had from the plays too, more slowly; tools/pack_counts.py writes it from them, tests compare.
"""

from __future__ import annotations

import gzip
import sys
from array import array
from collections.abc import Iterable, Sequence
from functools import cache, cached_property
from importlib.resources import files

from nba_stats_emulator.facts import Line
from nba_stats_emulator.tally import COUNTS, Tally

__all__ = ["COLUMNS", "PackedCounts", "packed", "packed_counts", "row_of"]

_OWN = ("pfd", "off_turnovers", "second_chance", "fast_break", "paint")
_WITH_HIM = COUNTS[: COUNTS.index("points") + 1]
_AGAINST_HIM = ("blk", "off_turnovers", "second_chance", "fast_break", "paint")
COLUMNS = (
    "seconds", "blocked", "assisted", "assisted_threes", *_OWN, *(f"with_{name}" for name in _WITH_HIM),
    *(f"against_{name}" for name in _AGAINST_HIM),
)  # fmt: skip
"""What is packed of each player of a game; the lines have the rest."""
_PLACE = {name: place for place, name in enumerate(COUNTS)}
_FROM_LINE = COUNTS[: COUNTS.index("pf") + 1]


def row_of(tally: Tally, number: int, seconds: int) -> list[int]:
    """A player's row, in the order of `COLUMNS`."""
    own, with_him, against_him = tally.own[number], tally.with_him[number], tally.against_him[number]
    return [
        seconds, tally.blocked[number], tally.assisted[number], tally.assisted_threes[number],
        *(own[_PLACE[name]] for name in _OWN), *(with_him[_PLACE[name]] for name in _WITH_HIM),
        *(against_him[_PLACE[name]] for name in _AGAINST_HIM),
    ]  # fmt: skip


def packed(rows: Iterable[Sequence[int]]) -> bytes:
    """Rows as they are kept: column by column, two bytes a number, compressed."""
    columns = array("H", [value for column in zip(*rows, strict=True) for value in column])
    if sys.byteorder == "big":
        columns.byteswap()
    return gzip.compress(columns.tobytes(), 9, mtime=0)


class PackedCounts:
    """The counts of all players of a season's games: `rows` of the home lines, then the away lines, game by game."""

    def __init__(self, season: str) -> None:
        self._season = season

    @cached_property
    def _columns(self) -> list[array[int]]:
        name = f"counts_{self._season}.bin.gz"
        values: array[int] = array("H")
        values.frombytes(gzip.decompress(files("nba_stats_emulator").joinpath("data", name).read_bytes()))
        if sys.byteorder == "big":
            values.byteswap()
        length = len(values) // len(COLUMNS)
        return [values[start : start + length] for start in range(0, len(values), length)]

    def __len__(self) -> int:
        return len(self._columns[0])

    def tally(self, first: int, home: Sequence[Line], away: Sequence[Line]) -> tuple[Tally, list[int]]:
        """The tally of the game whose rows begin at `first`, players in the order of its lines, and their seconds."""
        lines = [*home, *away]
        rows = list(zip(*(column[first : first + len(lines)] for column in self._columns), strict=True))
        tally = Tally.blank(len(home), len(lines))
        own_at, with_at = 4, 4 + len(_OWN)
        against_at = with_at + len(_WITH_HIM)
        for number, (line, row) in enumerate(zip(lines, rows, strict=True)):
            own = tally.own[number]
            own[: len(_FROM_LINE)] = [getattr(line, name) for name in _FROM_LINE]
            own[len(_FROM_LINE) :] = [row[own_at], line.points, *row[own_at + 1 : with_at]]
            tally.with_him[number][: len(_WITH_HIM)] = row[with_at:against_at]
            for name, value in zip(_AGAINST_HIM, row[against_at:], strict=True):
                tally.against_him[number][_PLACE[name]] = value
            tally.blocked[number], tally.assisted[number], tally.assisted_threes[number] = row[1:4]
        tally.teams = [
            [sum(column) for column in zip(*tally.own[start:end], strict=True)]
            for start, end in ((0, len(home)), (len(home), len(lines)))
        ]
        return tally, [row[0] for row in rows]


@cache
def packed_counts(season: str) -> PackedCounts:
    """The packed counts of a season, read once."""
    return PackedCounts(season)
