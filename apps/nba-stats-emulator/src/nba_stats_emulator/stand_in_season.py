"""Stand-ins for seasons and leagues of which no facts are packed: 2024-25 once more, under other ids on other days.

All of it is simulated and says so. The games are those of the NBA's 2024-25, scores, lines, plays and all; ids have the
season's code and the league's, days are those of the season (weekdays and hours stay).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from functools import cached_property

from nba_stats_emulator.eastern import eastern, from_eastern
from nba_stats_emulator.facts import Facts, Game, Line, Player

__all__ = ["LEAGUES", "StandInFacts", "season_name"]

LEAGUES = {"00": "NBA", "10": "WNBA", "20": "G League"}
"""Leagues by id."""
_OPENING_MONTH = {"00": 10, "10": 5, "20": 10}


def season_name(year: int, league_id: str) -> str:
    """The season that begins in a year as its league writes it: `2024-25`; `2024` for the WNBA, a summer league."""
    return str(year) if league_id == "10" else f"{year}-{(year + 1) % 100:02d}"


class StandInFacts(Facts):
    """Facts of a stand-in for the season that begins in `year`, made from `base`."""

    def __init__(self, base: Facts, year: int, league_id: str) -> None:
        super().__init__(base.season)
        self._base = base
        self.season = season_name(year, league_id)
        self.league_id = league_id
        self.made_up = (
            f"everything: a simulated stand-in for the {LEAGUES[league_id]}'s {self.season}, "
            f"made from the NBA's {base.season}"
        )
        self._code = f"{year % 100:02d}"
        self._base_code = base.season[2:4]
        base_year = int(base.season[:4])
        apart = date(year, _OPENING_MONTH[league_id], 1) - date(base_year, _OPENING_MONTH["00"], 1)
        self.shift = timedelta(weeks=round(apart.days / 7))

    def own_id(self, base_id: str) -> str:
        """What a game of the base is called here."""
        return f"{self.league_id}{base_id[2]}{self._code}{base_id[5:]}"

    def base_id(self, game_id: str) -> str:
        """The game of the base that a game stands in for: its simulated parts are the same."""
        return f"00{game_id[2]}{self._base_code}{game_id[5:]}"

    @cached_property
    def games(self) -> dict[str, Game]:
        """All games by id, in the order of the base's."""
        games = [
            replace(
                game,
                game_id=self.own_id(game.game_id),
                game_date=game.game_date + self.shift,
                tipoff=from_eastern(eastern(game.tipoff) + self.shift),
            )
            for game in self._base.games.values()
        ]
        return {game.game_id: game for game in games}

    @cached_property
    def lines(self) -> dict[str, tuple[tuple[Line, ...], tuple[Line, ...]]]:
        """(home lines, away lines) of each regular-season game: the base's."""
        return {self.own_id(game_id): lines for game_id, lines in self._base.lines.items()}

    @cached_property
    def overtimes(self) -> dict[str, int]:
        """How many overtimes each regular-season game had."""
        return {self.own_id(game_id): number for game_id, number in self._base.overtimes.items()}

    @property
    def players(self) -> dict[int, Player]:
        """Names by id: the base's."""
        return self._base.players
