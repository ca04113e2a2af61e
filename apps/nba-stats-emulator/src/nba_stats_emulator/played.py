"""A played game as every endpoint tells of it: line-ups, plays, and what they add up to, made once and shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any

from nba_stats_emulator.actions import PlayByPlay
from nba_stats_emulator.bodies import ROOTS, clock_text, game_meta, person, team_names
from nba_stats_emulator.boxscores import sum_lines
from nba_stats_emulator.facts import Line
from nba_stats_emulator.sheet import GameSheet, Side
from nba_stats_emulator.tally import Tally

__all__ = ["Played", "box_body", "with_everyone"]

SideOf = Callable[["Played", int], dict[str, Any]]


@dataclass(frozen=True)
class Played:
    """A game after so many corrections; `moment` is when the last word on it was said."""

    sheet: GameSheet
    plays: PlayByPlay
    moment: datetime
    kept: dict[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """What endpoints have worked out and may want again."""

    @cached_property
    def tally(self) -> Tally:
        """What its plays add up to."""
        return Tally(self.sheet, self.plays.segments)

    @cached_property
    def totals(self) -> tuple[Line, Line]:
        """Home's and away's lines summed."""
        return sum_lines(self.sheet.home.lines), sum_lines(self.sheet.away.lines)

    @property
    def sides(self) -> tuple[Side, Side]:
        """Home and away, as box scores list them."""
        return self.sheet.home, self.sheet.away

    def number(self, away: int, place: int) -> int:
        """How plays and tally number the player at a place of a side."""
        return place + away * len(self.sheet.home.players)


def box_body(endpoint: str, played: Played, side: SideOf, simulated: str = "") -> dict[str, Any]:
    """A V3 box score; `side` gives what follows the names of a team (0 home, 1 away).

    `simulated` names what of it is simulated beside what always is.
    """
    home, away = played.sides
    game_id = played.sheet.game.game_id
    label = f"{simulated}; {played.sheet.simulated}" if simulated else played.sheet.simulated
    return {
        "meta": game_meta(endpoint, game_id, played.moment, label),
        ROOTS[endpoint]: {
            "gameId": game_id,
            "awayTeamId": away.team.team_id,
            "homeTeamId": home.team.team_id,
            "homeTeam": {**team_names(home.team), **side(played, 0)},
            "awayTeam": {**team_names(away.team), **side(played, 1)},
        },
    }


def with_everyone(
    played: Played, away: int, statistics: Callable[[int], dict[str, Any]], idle: dict[str, Any], idle_minutes: str = ""
) -> list[dict[str, Any]]:
    """Players of a side: who played with `statistics(number)` behind his minutes, who did not with `idle`."""
    side = played.sides[away]
    players = [
        person(player, position, "", {"minutes": clock_text(seconds)} | statistics(played.number(away, place)))
        for place, (player, position, seconds) in enumerate(
            zip(side.players, side.positions, side.seconds, strict=True)
        )
    ]  # fmt: skip
    return players + [person(player, "", comment, {"minutes": idle_minutes} | idle) for player, comment in side.idle]
