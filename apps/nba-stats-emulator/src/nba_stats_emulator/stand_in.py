"""Player lines for games of which only the final score is a fact: preseason, playoffs, play-in, Cup final.

Each team plays one of its real regular-season lines near that score, changed until it sums to the real final score
and fits the opponent's. All of it is simulated, from a seed per game; nothing else depends on it.
"""

from __future__ import annotations

from random import Random
from typing import NamedTuple

from nba_stats_emulator.facts import Game, Line
from nba_stats_emulator.teams import Team

__all__ = ["GUEST_PLAYERS", "Template", "guest_id", "stand_in_lines"]

GUEST_PLAYERS = 12
"""How many stand-in players a team from outside the league has."""

(_ID, _MIN, _FGM, _FGA, _FG3M, _FG3A, _FTM, _FTA, _OREB, _DREB, _AST, _STL, _BLK, _TOV, _PF, _PLUS_MINUS) = range(16)
_NEAREST = 4


class Template(NamedTuple):
    """A team's lines in a real game without overtime, and the points they sum to."""

    points: int
    lines: tuple[Line, ...]


def guest_id(team: Team, number: int) -> int:
    """The id of the n-th stand-in player (from 1) of a team from outside the league."""
    return team.team_id * 100 + number


def stand_in_lines(
    game: Game, home: list[Template], away: list[Template], rng: Random
) -> tuple[tuple[Line, ...], tuple[Line, ...]]:
    """(home lines, away lines) that sum to the game's final score; templates are each team's real games to draw on."""
    ours = _near(home, game.home_score, rng)
    theirs = _near(away, game.away_score, rng)
    for team, lines in ((game.home, ours), (game.away, theirs)):
        if not team.is_nba:
            for number, line in enumerate(lines, start=1):
                line[_ID] = guest_id(team, number)
    for lines, opponents in ((ours, theirs), (theirs, ours)):
        _fit(lines, opponents, rng)
    margin = game.home_score - game.away_score
    _spread_plus_minus(ours, margin, rng)
    _spread_plus_minus(theirs, -margin, rng)
    return tuple(Line._make(line) for line in ours), tuple(Line._make(line) for line in theirs)


def _near(templates: list[Template], points: int, rng: Random) -> list[list[int]]:
    """A copy of a template near `points`, changed to sum to it exactly."""
    nearest = sorted(templates, key=lambda template: abs(template.points - points))[:_NEAREST]
    template = nearest[rng.randrange(len(nearest))]
    lines = [list(line) for line in template.lines[:GUEST_PLAYERS]]
    _raise_or_lower(lines, points - sum(_points(line) for line in lines), rng)
    return lines


def _points(line: list[int]) -> int:
    return 2 * line[_FGM] + line[_FG3M] + line[_FTM]


def _total(lines: list[list[int]], column: int) -> int:
    return sum(line[column] for line in lines)


def _raise_or_lower(lines: list[list[int]], delta: int, rng: Random) -> None:
    """Turn misses into makes, or the other way, until the points have changed by `delta`."""
    while delta > 0:
        line = lines[rng.randrange(len(lines))]
        if line[_FTM] < line[_FTA]:
            line[_FTM] += 1
            delta -= 1
        elif delta >= 2 and line[_FGA] - line[_FG3A] > line[_FGM] - line[_FG3M]:
            line[_FGM] += 1
            delta -= 2
        elif line[_FGM] > line[_FG3M]:
            line[_FG3M] += 1
            line[_FG3A] += 1
            delta -= 1
        elif line[_MIN] >= 10:
            line[_FGM] += 1
            line[_FGA] += 1
            line[_FTM] += delta == 3
            line[_FTA] += delta == 3
            delta -= 2 + (delta == 3)
            if delta < 0:
                _raise_or_lower(lines, delta, rng)
                return
    while delta < 0:
        line = lines[rng.randrange(len(lines))]
        if delta <= -2 and line[_FGM] > line[_FG3M]:
            line[_FGM] -= 1
            delta += 2
        elif line[_FG3M] > 0:
            line[_FG3M] -= 1
            line[_FG3A] -= 1
            delta += 1
        elif line[_FTM] > 0:
            line[_FTM] -= 1
            delta += 1


def _lower(lines: list[list[int]], column: int, excess: int, rng: Random) -> None:
    while excess > 0 and any(line[column] for line in lines):
        line = lines[rng.randrange(len(lines))]
        if line[column]:
            line[column] -= 1
            excess -= 1


def _fit(lines: list[list[int]], opponents: list[list[int]], rng: Random) -> None:
    """Make a team's lines possible against the opponent's: no more steals than turnovers, and so on."""
    missed = _total(opponents, _FGA) - _total(opponents, _FGM)
    _lower(lines, _AST, _total(lines, _AST) - _total(lines, _FGM), rng)
    for line in lines:
        line[_AST] = min(line[_AST], _total(lines, _FGM) - line[_FGM])
    _lower(lines, _STL, _total(lines, _STL) - _total(opponents, _TOV), rng)
    _lower(lines, _BLK, _total(lines, _BLK) - missed // 3, rng)
    # Rebounds of the opponent's misses: all but two to eight are somebody's, the rest are the team's or nobody's.
    missed_last = sum((line[_FTA] - line[_FTM] + 1) // 2 for line in opponents)
    spare = missed + missed_last - _total(opponents, _OREB) - _total(lines, _DREB)
    _lower(lines, _DREB, 2 - spare, rng)
    busy = [line for line in lines if line[_MIN] >= 10]
    for _ in range(spare - 8):
        busy[rng.randrange(len(busy))][_DREB] += 1
    # Every trip to the line was somebody's foul.
    trips = sum((line[_FTA] + 1) // 2 for line in opponents)
    needed = trips + 2 - _total(lines, _PF)
    while needed > 0:
        line = busy[rng.randrange(len(busy))]
        if line[_PF] < 5:
            line[_PF] += 1
            needed -= 1


def _spread_plus_minus(lines: list[list[int]], margin: int, rng: Random) -> None:
    """Plus-minus by minutes played, with some noise, that sums to five times the margin."""
    played = _total(lines, _MIN)
    for line in lines:
        noise = round(rng.gauss(0, 1) * line[_MIN] / 6)
        line[_PLUS_MINUS] = round(5 * margin * line[_MIN] / played) + noise
    rest = 5 * margin - _total(lines, _PLUS_MINUS)
    step = 1 if rest > 0 else -1
    for turn in range(abs(rest)):
        lines[turn % len(lines)][_PLUS_MINUS] += step
