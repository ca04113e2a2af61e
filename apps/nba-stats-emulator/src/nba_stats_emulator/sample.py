"""The sample season: every endpoint's body as it stands at a moment, made when first asked for."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from functools import cached_property
from typing import Any

import orjson

from nba_stats_emulator import figures
from nba_stats_emulator.almanac import Record
from nba_stats_emulator.bodies import no_content
from nba_stats_emulator.boxscores import advanced_body, play_by_play_body, traditional_body
from nba_stats_emulator.eastern import eastern
from nba_stats_emulator.facts import Game
from nba_stats_emulator.game_logs import LoggedGame, game_logs_body, logged_rows
from nba_stats_emulator.game_tables import rotation_body, win_probability_body
from nba_stats_emulator.matchups import defensive_body, matchups_body
from nba_stats_emulator.packed_counts import packed_counts
from nba_stats_emulator.played import Played
from nba_stats_emulator.schedule import ScheduleWriter, empty_schedule
from nba_stats_emulator.scoreboard import Entry, scoreboard_body
from nba_stats_emulator.season import ABOUT_TO_REPORT, Season
from nba_stats_emulator.shot_chart import SHOT_HEADERS, shot_chart_body, shot_rows
from nba_stats_emulator.summary import summary_body
from nba_stats_emulator.tables import game_log_body, game_log_frame, game_log_rows, player_index_body, roster_body
from nba_stats_emulator.tracking import hustle_body, player_track_body
from nba_stats_emulator.wire import Chunk, Document

__all__ = ["BOX_ENDPOINTS", "GAME_ENDPOINTS", "TABLE_ENDPOINTS", "SampleSeason"]

BOX_ENDPOINTS = ("boxscoretraditionalv3", "boxscoreadvancedv3", "playbyplayv3")
"""The endpoints of a game whose bodies are made together."""
GAME_ENDPOINTS: dict[str, Callable[[Played], dict[str, Any]]] = {
    "boxscoretraditionalv3": lambda played: traditional_body(played.sheet, played.moment),
    "boxscoreadvancedv3": lambda played: advanced_body(played.sheet, played.moment),
    "playbyplayv3": lambda played: play_by_play_body(played.sheet, played.plays, played.moment),
    "boxscorefourfactorsv3": figures.four_factors_body,
    "boxscoremiscv3": figures.misc_body,
    "boxscorescoringv3": figures.scoring_body,
    "boxscoreusagev3": figures.usage_body,
    "boxscoreplayertrackv3": player_track_body,
    "boxscorehustlev2": hustle_body,
    "boxscoredefensivev2": defensive_body,
    "boxscorematchupsv3": matchups_body,
}
"""Endpoints of one game in the newer form, and what makes the body of a played one."""
TABLE_ENDPOINTS: dict[str, Callable[[dict[str, Any], Played | None], dict[str, Any]]] = {
    "gamerotation": rotation_body,
    "winprobabilitypbp": win_probability_body,
}
"""Endpoints of one game in the older form, and what makes the body of a played one, or of None."""


class SampleSeason(Season):
    """Bodies of one season with its story. The same question always gets the same answer."""

    @cached_property
    def _chunks(self) -> dict[tuple[Any, ...], Chunk]:
        return {}

    # --- games ----------------------------------------------------------------------------------------------------

    def game_body(self, endpoint: str, game_id: str, now: datetime) -> dict[str, Any]:
        """The body of one of `GAME_ENDPOINTS`; without content when the game is unknown or not over."""
        game = self.games.get(game_id)
        if game is None:
            return no_content(endpoint, game_id, datetime(int(self.season[:4]), 8, 15, tzinfo=UTC))
        played = self.played(game, now)
        if played is None:
            return no_content(endpoint, game_id, game.tipoff)
        return GAME_ENDPOINTS[endpoint](played)

    def game_bodies(self, game_id: str, now: datetime) -> dict[str, dict[str, Any]]:
        """The bodies of all three box endpoints of a game; without content when it is unknown or not over."""
        return {endpoint: self.game_body(endpoint, game_id, now) for endpoint in BOX_ENDPOINTS}

    def game_table(self, endpoint: str, parameters: dict[str, Any], game_id: str, now: datetime) -> dict[str, Any]:
        """The body of one of `TABLE_ENDPOINTS`; without rows when the game is unknown or not over."""
        game = self.games.get(game_id)
        return TABLE_ENDPOINTS[endpoint](parameters, self.played(game, now) if game else None)

    def summary(self, game_id: str, now: datetime) -> dict[str, Any] | None:
        """The boxscoresummaryv3 body of a game; None when the game is unknown."""
        game = self.games.get(game_id)
        if game is None:
            return None
        state = self.state(game, now)
        standing = self.standing(now)
        teams = {game.home.team_id, game.away.team_id}
        meetings = [
            (other, standing[other.game_id])
            for other in self.games.values()
            if other.tipoff < game.tipoff and {other.home.team_id, other.away.team_id} == teams
        ]
        listing = self.agenda.listing(game_id, now)
        played = self.played(game, now)
        moment = played.moment if played else game.final_at + ABOUT_TO_REPORT if state.final else game.tipoff
        shown = listing.game if listing and not state.final else game
        return summary_body(shown, state, standing[game_id], meetings[::-1][:5], played, self.rosters, moment)

    def shot_chart(
        self, parameters: dict[str, Any], kind: int, since: date | None, until: date | None, now: datetime
    ) -> dict[str, Any]:
        """The shotchartdetail body: shots of a game, or of a player's or a team's games of one kind."""
        team, player = parameters["TeamID"], parameters["PlayerID"]
        if parameters["GameID"]:
            games = [self.games[parameters["GameID"]]] if parameters["GameID"] in self.games else []
        else:
            games = [game for game in self._final(kind, since, until, now) if self._takes_part(game, team, player, now)]
        rows: list[list[Any]] = []
        of_team, of_player = SHOT_HEADERS.index("TEAM_ID"), SHOT_HEADERS.index("PLAYER_ID")
        for game in games:
            played = self.played(game, now)
            shots = shot_rows(played) if played else []
            rows += [row for row in shots if team in (0, row[of_team]) and player in (0, row[of_player])]
        return shot_chart_body(parameters, rows)

    def _takes_part(self, game: Game, team: int, player: int, now: datetime) -> bool:
        if team and team not in (game.home.team_id, game.away.team_id):
            return False
        lines = self.lines(game, self.version(game, now))
        return lines is not None and (not player or any(line.player_id == player for side in lines for line in side))

    # --- lists ------------------------------------------------------------------------------------------------------

    @cached_property
    def _schedule_writer(self) -> ScheduleWriter:
        games = list(self.games.values())
        return ScheduleWriter(self.season, self.league_id, games, self.lines, self.rosters.player, self.facts.made_up)

    def schedule_json(self, now: datetime) -> bytes:
        """The scheduleleaguev2 body as JSON."""
        listings = self.agenda.listings(now)
        states = {listing.game.game_id: self.listed_state(listing, now) for listing in listings}
        finals = [game.final_at for game in self.games.values() if game.final_at <= now]
        with self._lock:
            return self._schedule_writer.write(listings, states, self.standing(now), max(finals, default=None))

    def schedule(self, season: str, league_id: str, now: datetime) -> dict[str, Any]:
        """The scheduleleaguev2 body; empty for another season or league."""
        if (season, league_id) != (self.season, self.league_id):
            return empty_schedule(season, league_id)
        body: dict[str, Any] = orjson.loads(self.schedule_json(now))
        return body

    def scoreboard(self, league_id: str, day: date, now: datetime) -> dict[str, Any]:
        """The scoreboardv3 body of a day: what the schedule has for it, but for games whose teams are not known."""
        standing = self.standing(now)
        entries = []
        for listing in self.agenda.listings(now):
            game = listing.game
            if game.game_date == day and league_id == self.league_id and not listing.undecided:
                played = self.played(game, now) if game.game_id in self.games else None
                sheet, plays = (played.sheet, played.plays) if played else (None, None)
                record = standing.get(game.game_id, Record(0, 0, 0, 0))
                state = self.listed_state(listing, now)
                entries.append(Entry(game, state, record, sheet, plays, listing.if_necessary))
        moment = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
        return scoreboard_body(league_id, day, entries, self.rosters, moment)

    def _final(self, kind: int, since: date | None, until: date | None, now: datetime) -> list[Game]:
        """Final games of one kind between two days, both included."""
        return [
            game
            for game in self.games.values()
            if game.kind == kind
            and now >= game.final_at
            and (since is None or game.game_date >= since)
            and (until is None or game.game_date <= until)
        ]

    def _log_rows(self, players: bool, games: Sequence[Game], now: datetime) -> list[list[Any]]:
        rows: list[list[Any]] = []
        for game in games:
            lines = self.lines(game, self.version(game, now))
            season_id = f"{game.kind}{self.season[:4]}"
            rows += game_log_rows(season_id, players, game, lines, self.rosters.player)
        return rows

    def game_log(
        self, parameters: dict[str, Any], kind: int, since: date | None, until: date | None, now: datetime
    ) -> dict[str, Any]:
        """The leaguegamelog body: final games of one kind between two days, both included."""
        players = parameters["PlayerOrTeam"] == "P"
        return game_log_body(parameters, players, self._log_rows(players, self._final(kind, since, until, now), now))

    def game_log_document(
        self, parameters: dict[str, Any], kind: int, since: date | None, until: date | None, now: datetime
    ) -> Document:
        """The leaguegamelog body, put together from days that are kept when it goes by date."""
        if str(parameters["Sorter"]).upper() != "DATE":
            return Document.of(self.game_log(parameters, kind, since, until, now))
        players = parameters["PlayerOrTeam"] == "P"
        final = self._final(kind, since, until, now)
        days = [list(games) for _, games in itertools.groupby(final, key=lambda game: game.game_date)]
        if str(parameters["Direction"]).upper() == "DESC":
            days.reverse()
        before, after = game_log_frame(parameters, players)
        chunks = [chunk for games in days if (chunk := self._day_chunk(players, games, now)).plain]
        comma = Chunk(b",")
        between = [piece for chunk in chunks for piece in (comma, chunk)][1:]
        return Document.joined([Chunk(before), *between, Chunk(after)])

    def _day_chunk(self, players: bool, games: Sequence[Game], now: datetime) -> Chunk:
        key = (players, *((game.game_id, self.version(game, now)) for game in games))
        with self._lock:
            chunk = self._chunks.get(key)
            if chunk is None:
                chunk = self._chunks[key] = Chunk(orjson.dumps(self._log_rows(players, games, now))[1:-1])
            return chunk

    # --- box scores of many games -------------------------------------------------------------------------------------

    def box_game_logs(
        self,
        parameters: dict[str, Any],
        players: bool,
        kind: int,
        since: date | None,
        until: date | None,
        now: datetime,
    ) -> dict[str, Any]:
        """The playergamelogs or teamgamelogs body: a measure of final games of one kind between two days."""
        team, player, opponent = parameters["TeamID"], parameters["PlayerID"], parameters["OppTeamID"] or 0
        rows: list[list[Any]] = []
        for game in self._final(kind, since, until, now):
            ids = (game.home.team_id, game.away.team_id)
            if any(wanted and wanted not in ids for wanted in (team, opponent)):
                continue
            rows += self._measured(parameters["MeasureType"], players, game, self.version(game, now), now)
        if players:
            rows = [row for row in rows if team in (0, row[4]) and player in (0, row[1]) and opponent != row[4]]
        else:
            rows = [row for row in rows if team in (0, row[1]) and opponent != row[1]]
        return game_logs_body(parameters, players, rows)

    @cached_property
    def _measures(self) -> dict[tuple[str, bool, str, int], list[list[Any]]]:
        return {}

    def _measured(self, measure: str, players: bool, game: Game, version: int, now: datetime) -> list[list[Any]]:
        key = (measure, players, game.game_id, version)
        with self._lock:
            rows = self._measures.get(key)
            if rows is None:
                logged = self._logged(game, now)
                rows = logged_rows(self.season, measure, players, logged) if logged else []
                self._measures[key] = rows
            return rows

    @cached_property
    def _first_rows(self) -> dict[str, int]:
        """Where each game's rows of the packed counts begin."""
        found: dict[str, int] = {}
        row = 0
        for game in self.facts.games.values():
            lines = self.lines(game)
            if lines is not None:
                found[game.game_id] = row
                row += len(lines[0]) + len(lines[1])
        return found

    def _logged(self, game: Game, now: datetime) -> LoggedGame | None:
        lines = self.lines(game)
        if lines is None:
            return None
        if self.version(game, now):  # corrected: told anew from its plays
            return self._retold(game, now)
        home, away = lines
        tally, seconds = packed_counts(self.facts.base_season).tally(self._first_rows[game.game_id], home, away)
        margin = game.home_score - game.away_score
        sides = tuple(
            (team, own_margin, [self.rosters.player(line.player_id) for line in own], own, spent)
            for team, own_margin, own, spent in (
                (game.home, margin, home, seconds[: len(home)]),
                (game.away, -margin, away, seconds[len(home) :]),
            )
        )
        return LoggedGame(game, sides, tally)

    def _retold(self, game: Game, now: datetime) -> LoggedGame | None:
        played = self.played(game, now)
        if played is None:
            return None
        home, away = played.sides
        margin = home.score - away.score
        sides = tuple(
            (side.team, own, side.players, side.lines, side.seconds) for side, own in ((home, margin), (away, -margin))
        )
        return LoggedGame(game, sides, played.tally)

    # --- people -----------------------------------------------------------------------------------------------------

    def player_index(self, parameters: dict[str, Any]) -> dict[str, Any]:
        """The playerindex body; an empty table for another season or league."""
        ours = (parameters["Season"], parameters["LeagueID"]) == (self.season, self.league_id)
        return player_index_body(parameters, self.rosters if ours else None)

    def roster(self, parameters: dict[str, Any], now: datetime) -> dict[str, Any]:
        """The commonteamroster body: who belongs to the team on the day of `now`."""
        return roster_body(parameters, self.rosters.members(parameters["TeamID"], eastern(now).date()))
