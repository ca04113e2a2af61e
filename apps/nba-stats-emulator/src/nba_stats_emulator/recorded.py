"""Answers from a folder of recorded bodies: `<endpoint>/<name>.json.gz`, read when asked for and served as they are.

A game is found by the ten digits its file's name starts with; lists by the parameters in the body. What is not
recorded is answered as the service answers for what it does not have: a valid 200 without content.
"""

from __future__ import annotations

import gzip
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import orjson

from nba_stats_emulator.answers import ENDPOINTS, bad_parameter, missing_parameters, unknown_endpoint
from nba_stats_emulator.asked import Asked, BadParameter
from nba_stats_emulator.bodies import empty_summary, no_content
from nba_stats_emulator.game_logs import game_logs_body
from nba_stats_emulator.sample import GAME_ENDPOINTS, TABLE_ENDPOINTS
from nba_stats_emulator.schedule import empty_schedule
from nba_stats_emulator.scoreboard import scoreboard_body
from nba_stats_emulator.shot_chart import shot_chart_body
from nba_stats_emulator.tables import game_log_body, player_index_body, roster_body, team_years_body
from nba_stats_emulator.wire import Document, Reply, Request

__all__ = ["RecordedAnswers"]

_LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)


class RecordedAnswers:
    """Answers from recorded bodies. Raises ValueError when the folder holds none."""

    def __init__(self, folder: str | Path) -> None:
        self._folder = Path(folder)
        self._files = {
            endpoint.name.lower(): sorted(endpoint.glob("*.json.gz"))
            for endpoint in sorted(self._folder.iterdir() if self._folder.is_dir() else ())
            if endpoint.is_dir()
        }
        if not any(self._files.values()):
            raise ValueError(f"{folder} holds no recorded bodies (<endpoint>/<name>.json.gz)")
        self._parsed: Callable[[Path], Any] = cache(lambda path: orjson.loads(gzip.decompress(path.read_bytes())))

    def prepare(self, moment: Callable[[], datetime]) -> None:
        """Nothing: bodies are read when they are asked for."""

    def close(self) -> None:
        """Nothing works in the background."""

    def reply(self, request: Request, now: datetime) -> Reply:  # noqa: ARG002 - recorded bodies know no other moment
        """The answer to a request; the moment makes no difference."""
        endpoint = request.endpoint
        if endpoint not in ENDPOINTS and endpoint not in self._files:
            return unknown_endpoint()
        asked = Asked(request.query)
        missing = asked.missing(ENDPOINTS.get(endpoint, ()))
        if missing:
            return missing_parameters(missing)
        try:
            if endpoint in GAME_ENDPOINTS or endpoint == "boxscoresummaryv3":
                return self._game(endpoint, asked.game_id())
            if endpoint == "leaguegamelog":
                return self._game_log(asked)
            if endpoint == "scheduleleaguev2":
                return self._schedule(asked.season(), asked.league())
            if endpoint == "playerindex":
                return self._player_index(asked)
            if endpoint == "scoreboardv3":
                return self._scoreboard(asked)
            return self._other(endpoint, asked)
        except BadParameter:
            return bad_parameter()

    def _file(self, path: Path) -> Reply:
        return Reply(Document(path.read_bytes()))

    def _by_prefix(self, endpoint: str, prefix: str) -> Reply | None:
        found = [path for path in self._files.get(endpoint, ()) if prefix and path.name.startswith(prefix)]
        return self._file(found[0]) if found else None

    def _game(self, endpoint: str, game_id: str) -> Reply:
        recorded = self._by_prefix(endpoint, game_id)
        if recorded is not None:
            return recorded
        if endpoint == "boxscoresummaryv3":
            return Reply(Document.of(empty_summary(game_id)))
        return Reply(Document.of(no_content(endpoint, game_id, _LONG_AGO)))

    def _game_log(self, asked: Asked) -> Reply:
        wanted, _ = asked.game_log()
        same = ("LeagueID", "Season", "SeasonType", "PlayerOrTeam")
        days = ("DateFrom", "DateTo")
        whole = None
        for path in self._files.get("leaguegamelog", ()):
            recorded = self._parsed(path)["parameters"]
            if all(str(recorded[name]).lower() == wanted[name].lower() for name in same):
                if all(recorded[name] == wanted[name] for name in days):
                    return self._file(path)
                if not any(recorded[name] for name in days):
                    whole = path
        players = wanted["PlayerOrTeam"] == "P"
        if whole is None:
            return Reply(Document.of(game_log_body(wanted, players, [])))
        # A part of what is recorded whole: its rows, filtered here as the service would.
        table = self._parsed(whole)["resultSets"][0]
        column = table["headers"].index("GAME_DATE")
        since, until = wanted["DateFrom"] or "", wanted["DateTo"] or "9999"
        rows = [row for row in table["rowSet"] if since <= row[column][:10] <= until]
        return Reply(Document.of(game_log_body(wanted, players, rows)), headers={"x-emulator": "filtered by date"})

    def _schedule(self, season: str, league: str) -> Reply:
        for path in self._files.get("scheduleleaguev2", ()):
            if path.name.startswith(season):
                return self._file(path)
        for path in self._files.get("scheduleleaguev2", ()):
            if self._parsed(path)["leagueSchedule"].get("seasonYear") == season:
                return self._file(path)
        return Reply(Document.of(empty_schedule(season, league)))

    def _player_index(self, asked: Asked) -> Reply:
        wanted = asked.player_index()
        for path in self._files.get("playerindex", ()):
            if self._parsed(path)["parameters"]["Season"] == wanted["Season"]:
                return self._file(path)
        return Reply(Document.of(player_index_body(wanted, None)))

    def _scoreboard(self, asked: Asked) -> Reply:
        day: date | None = asked.day("GameDate")
        if day is None:
            raise BadParameter("GameDate")
        for path in self._files.get("scoreboardv3", ()):
            if self._parsed(path)["scoreboard"]["gameDate"] == day.isoformat():
                return self._file(path)
        return Reply(Document.of(scoreboard_body(asked.league(), day, [], None, _LONG_AGO)))

    def _other(self, endpoint: str, asked: Asked) -> Reply:
        """Endpoints beyond the usual: by game, player or team id, or as logs by their parameters."""
        for name in ("GameID", "PlayerID", "TeamID"):
            recorded = self._by_prefix(endpoint, asked[name])
            if recorded is not None:
                return recorded
        if endpoint in ("playergamelogs", "teamgamelogs"):
            return self._box_game_logs(endpoint, asked)
        if endpoint in TABLE_ENDPOINTS:
            parameters = {"GameID": asked.game_id(), "LeagueID": asked["LeagueID"]}
            return Reply(Document.of(TABLE_ENDPOINTS[endpoint](parameters, None)))
        if endpoint == "shotchartdetail":
            return Reply(Document.of(shot_chart_body(asked.shot_chart()[0], [])))
        if endpoint == "commonteamroster":
            return Reply(Document.of(roster_body(asked.roster(), [])))
        if endpoint == "commonteamyears":
            return Reply(Document.of(team_years_body(asked.league(), None)))
        return unknown_endpoint()

    def _box_game_logs(self, endpoint: str, asked: Asked) -> Reply:
        players = endpoint == "playergamelogs"
        wanted, _ = asked.box_game_logs("", players=players)
        for path in self._files.get(endpoint, ()):
            recorded = self._parsed(path)["parameters"]
            if all(recorded[name] == wanted[name] for name in ("MeasureType", "LeagueID", "SeasonYear", "SeasonType")):
                return self._file(path)
        return Reply(Document.of(game_logs_body(wanted, players, [])))
