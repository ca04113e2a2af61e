"""What a game's plays add up to: for each team, for each player, and for both teams while each player was on the floor.

Counted from the plays that the play-by-play tells of, so that it agrees with it. How a possession began decides whose
points are off turnovers, second chances and fast breaks.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from operator import add
from random import Random
from typing import Self

from nba_stats_emulator.plays import FOUL, NOBODY, SHOT, TECHNICAL, TURNOVER, Play, Segment
from nba_stats_emulator.sheet import GameSheet
from nba_stats_emulator.shots import in_the_paint

__all__ = ["COUNTS", "Tally"]

COUNTS = (
    "fgm", "fga", "fg3m", "fg3a", "ftm", "fta", "oreb", "dreb", "ast", "stl", "blk", "tov", "pf", "pfd", "points",
    "off_turnovers", "second_chance", "fast_break", "paint",
)  # fmt: skip
"""What is counted, in the order of the lists of a tally."""

(_FGM, _FGA, _FG3M, _FG3A, _FTM, _FTA, _OREB, _DREB, _AST, _STL, _BLK, _TOV, _PF, _PFD, _POINTS, _OFF_TURNOVERS,
 _SECOND_CHANCE, _FAST_BREAK, _PAINT) = range(len(COUNTS))  # fmt: skip
_FAST_TENTHS = 90


class Tally:
    """The counts of a game. Players are numbered as its plays number them: home first, then away.

    `own[player]` is what he did; `with_him` and `against_him` are what his team and the other one did while he was on
    the floor; `teams` are (home, away). Each is a list in the order of `COUNTS`. Beside them, by player: `blocked`
    (his shots that were), `assisted` and `assisted_threes` (his made shots that were).
    """

    def __init__(self, sheet: GameSheet, segments: Sequence[Segment]) -> None:
        self._clear(len(sheet.home.players), len(sheet.home.players) + len(sheet.away.players))
        self._random = Random(sheet.seed + 3).random
        self._origin = ""  # how the possession began, and when
        self._began = 0
        self._second = False
        self._ball = NOBODY  # whose possession it is: 0 home, 1 away
        period = 0
        for segment in segments:
            if segment.period != period:
                period = segment.period
                self._origin, self._second, self._ball = "", False, NOBODY
            sums = ([0] * len(COUNTS), [0] * len(COUNTS))
            for play in segment.plays:
                self._count(play, segment, sums)
            for away in (0, 1):
                mine, theirs = sums[away], sums[1 - away]
                self.teams[away] = list(map(add, self.teams[away], mine))
                for player in segment.floor[away]:
                    self.with_him[player] = list(map(add, self.with_him[player], mine))
                    self.against_him[player] = list(map(add, self.against_him[player], theirs))

    @classmethod
    def blank(cls, first_away: int, count: int) -> Self:
        """A tally of so many players, `first_away` of them of the home team, to be filled in."""
        tally = cls.__new__(cls)
        tally._clear(first_away, count)
        return tally

    def _clear(self, first_away: int, count: int) -> None:
        self.first_away = first_away
        self.own = [[0] * len(COUNTS) for _ in range(count)]
        self.with_him = [[0] * len(COUNTS) for _ in range(count)]
        self.against_him = [[0] * len(COUNTS) for _ in range(count)]
        self.teams = [[0] * len(COUNTS) for _ in range(2)]
        self.blocked = [0] * count
        self.assisted = [0] * count
        self.assisted_threes = [0] * count

    def _count(self, play: Play, segment: Segment, sums: tuple[list[int], list[int]]) -> None:
        player, away = play.player, play.away

        def note(column: int, who: int, amount: int = 1) -> None:
            self.own[who][column] += amount
            sums[int(who >= self.first_away)][column] += amount

        if play.kind == FOUL:
            note(_PF, player)
            note(_PFD, self._victim(segment, 1 - away))
            return
        free = sum(play.makes)
        note(_FTM, player, free)
        note(_FTA, player, len(play.makes))
        note(_POINTS, player, play.points + free)
        if play.kind == TECHNICAL:
            return
        if away != self._ball:
            self._ball, self._second, self._origin = away, False, ""
        for column in self._kinds_of_points(play):
            note(column, player, play.points + free)
        if play.kind == SHOT:
            for counted, column in (
                (1, _FGA), (play.three, _FG3A), (play.made, _FGM), (play.made and play.three, _FG3M),
                (play.points * in_the_paint(play.x, play.y), _PAINT),
            ):  # fmt: skip
                note(column, player, int(counted))
            self._helped(play, note)
        elif play.kind == TURNOVER:
            note(_TOV, player)
            if play.helper != NOBODY:
                note(_STL, play.helper)
        if play.fouler != NOBODY:
            note(_PF, play.fouler)
            note(_PFD, self._victim(segment, 1 - away) if play.kind == TURNOVER else player)
        if play.rebounder != NOBODY:
            note(_OREB if (play.rebounder >= self.first_away) == bool(away) else _DREB, play.rebounder)
        self._next(play)

    def _helped(self, play: Play, note: Callable[[int, int], None]) -> None:
        if play.helper == NOBODY:
            return
        note(_AST if play.made else _BLK, play.helper)
        if play.made:
            self.assisted[play.player] += 1
            self.assisted_threes[play.player] += play.three
        else:
            self.blocked[play.player] += 1

    def _kinds_of_points(self, play: Play) -> list[int]:
        kinds = [_SECOND_CHANCE] if self._second else []
        if self._origin in ("steal", "turnover"):
            kinds.append(_OFF_TURNOVERS)
        quick = play.tenths - self._began <= _FAST_TENTHS
        if self._origin in ("steal", "rebound") and quick and not self._second:
            kinds.append(_FAST_BREAK)
        return kinds

    def _next(self, play: Play) -> None:
        """Whose ball it is after a play, and how he came by it."""
        if play.keeps:
            self._second = True
            return
        self._ball, self._second, self._began = 1 - play.away, False, play.tenths
        if play.kind == TURNOVER:
            self._origin = "turnover" if play.helper == NOBODY else "steal"
        else:
            self._origin = "rebound" if play.live_miss and play.rebounder != NOBODY else "score"

    def _victim(self, segment: Segment, away: int) -> int:
        floor = segment.floor[away]
        return floor[int(self._random() * len(floor))]
