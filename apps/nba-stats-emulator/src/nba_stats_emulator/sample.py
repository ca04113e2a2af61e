"""The sample season: every endpoint's body as it stands at a moment, made when first asked for."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from typing import Any

from nba_stats_emulator.actions import PlayByPlay, play_by_play
from nba_stats_emulator.almanac import Record, State, records, state_of
from nba_stats_emulator.bodies import final_at, no_content
from nba_stats_emulator.boxscores import advanced_body, play_by_play_body, traditional_body
from nba_stats_emulator.facts import Facts, Game, Line
from nba_stats_emulator.rosters import Rosters
from nba_stats_emulator.schedule import empty_schedule, schedule_body
from nba_stats_emulator.scoreboard import Entry, scoreboard_body
from nba_stats_emulator.sheet import GameSheet, SheetMaker
from nba_stats_emulator.summary import summary_body
from nba_stats_emulator.tables import game_log_body, game_log_rows, player_index_body

__all__ = ["BOX_ENDPOINTS", "SampleSeason"]

BOX_ENDPOINTS = ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3")
_RECENT_GAMES = 8


class SampleSeason:
    """Bodies of one season. Safe to use from several threads; the same question always gets the same answer."""

    def __init__(self, season: str) -> None:
        self.season = season
        self.facts = Facts(season)
        self.rosters = Rosters(self.facts)
        self._sheets = SheetMaker(self.facts, self.rosters)
        self._recent: OrderedDict[str, tuple[GameSheet | None, PlayByPlay | None]] = OrderedDict()
        self._lock = threading.Lock()

    @property
    def games(self) -> dict[str, Game]:
        """All games by id in the order they are played."""
        return self.facts.games

    @cached_property
    def over_at(self) -> datetime:
        """A moment at which every game is final: the day after the last one."""
        return max(game.tipoff for game in self.games.values()) + timedelta(days=1)

    def state(self, game: Game, now: datetime) -> State:
        """A game as it stands at `now`."""
        return state_of(game, now, self.facts.overtimes.get(game.game_id, 0))

    def lines(self, game: Game) -> tuple[Sequence[Line], Sequence[Line]] | None:
        """(home lines, away lines) of a game; None without content."""
        with self._lock:
            return self._sheets.lines(game)

    def _played(self, game: Game) -> tuple[GameSheet | None, PlayByPlay | None]:
        with self._lock:
            known = self._recent.get(game.game_id)
            if known is None:
                sheet = self._sheets.sheet(game)
                known = (sheet, play_by_play(sheet) if sheet else None)
                self._recent[game.game_id] = known
                if len(self._recent) > _RECENT_GAMES:
                    self._recent.popitem(last=False)
            return known

    # --- games ----------------------------------------------------------------------------------------------------

    def game_bodies(self, game_id: str, now: datetime) -> dict[str, dict[str, Any]]:
        """The bodies of all three box endpoints of a game; without content when it is unknown or not over."""
        game = self.games.get(game_id)
        if game is None:
            moment = datetime(int(self.season[:4]), 8, 15, tzinfo=UTC)
            return {endpoint: no_content(endpoint, game_id, moment) for endpoint in BOX_ENDPOINTS}
        sheet, plays = self._played(game) if self.state(game, now).final else (None, None)
        if sheet is None or plays is None:
            return {endpoint: no_content(endpoint, game_id, game.tipoff) for endpoint in BOX_ENDPOINTS}
        moment = final_at(game) + timedelta(minutes=10)
        return {
            "boxscoretraditionalv3": traditional_body(sheet, moment),
            "boxscoreadvancedv3": advanced_body(sheet, moment),
            "playbyplayv3": play_by_play_body(sheet, plays, moment),
        }

    def summary(self, game_id: str, now: datetime) -> dict[str, Any] | None:
        """The boxscoresummaryv3 body of a game; None when the game is unknown."""
        game = self.games.get(game_id)
        if game is None:
            return None
        state = self.state(game, now)
        standing = records(self.games.values(), now)
        teams = {game.home.team_id, game.away.team_id}
        meetings = [
            (other, standing[other.game_id])
            for other in self.games.values()
            if other.tipoff < game.tipoff and {other.home.team_id, other.away.team_id} == teams
        ]
        sheet, plays = self._played(game) if state.final else (None, None)
        moment = final_at(game) + timedelta(minutes=10) if state.final else game.tipoff
        return summary_body(game, state, standing[game_id], meetings[::-1][:5], sheet, plays, self.rosters, moment)

    # --- lists ------------------------------------------------------------------------------------------------------

    def schedule(self, season: str, league_id: str, now: datetime) -> dict[str, Any]:
        """The scheduleleaguev2 body; empty for another season or league."""
        if season != self.season or league_id != "00":
            return empty_schedule(season, league_id)
        games = list(self.games.values())
        return schedule_body(season, league_id, games, now, self.state, self.lines, self.rosters.player)

    def scoreboard(self, league_id: str, day: date, now: datetime) -> dict[str, Any]:
        """The scoreboardv3 body of a day."""
        standing: dict[str, Record] = records(self.games.values(), now)
        entries = []
        for game in self.games.values():
            if game.game_date == day and league_id == "00":
                state = self.state(game, now)
                sheet, plays = self._played(game) if state.final else (None, None)
                entries.append(Entry(game, state, standing[game.game_id], sheet, plays))
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return scoreboard_body(league_id, day, entries, self.rosters, moment)

    def game_log(
        self, parameters: dict[str, Any], kind: int, since: date | None, until: date | None, now: datetime
    ) -> dict[str, Any]:
        """The leaguegamelog body: final games of one kind between two days, both included."""
        players = parameters["PlayerOrTeam"] == "P"
        games: list[Game] = []
        if parameters["Season"] == self.season and parameters["LeagueID"] == "00":
            games = [
                game
                for game in self.games.values()
                if game.kind == kind
                and now >= final_at(game)
                and (since is None or game.game_date >= since)
                and (until is None or game.game_date <= until)
            ]
        season_id = f"{kind}{self.season[:4]}"
        rows = game_log_rows(season_id, players, games, self.lines, self.rosters.player)
        return game_log_body(parameters, players, rows)

    def player_index(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The playerindex body; an empty table for another season or league."""
        ours = parameters["Season"] == self.season and parameters["LeagueID"] == "00"
        return player_index_body(parameters, self.rosters if ours else None)
