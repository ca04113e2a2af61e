"""The lists a daily run asks for: the schedule, and the game logs of those parts of the season that can have changed.

The others are read from the archive, as they were asked for last: so the season is known as a full run knows it.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

import orjson

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.choosing import find_archived
from nba_season_backfill.backfill.discovery import Discovery, list_question, season_list_requests
from nba_season_backfill.backfill.exchange import Exchange
from nba_season_backfill.daily.totals import Line, Totals, Who, read_totals
from nba_season_backfill.daily.window import Window, types_to_ask
from nba_season_backfill.datasets.base import part_of_season
from nba_season_backfill.errors import ContractViolated, Incomplete
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.schedule import Game, GameState, LogLine, read_game_log, read_schedule, reconcile
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.source.base import StatsRequest
from nba_season_backfill.source.verdict import VerdictKind

__all__ = ["DailyLists", "player_log_request"]

_LOG = get_logger("nba_season_backfill.daily")
_Read = TypeVar("_Read", bound=Sized)


def player_log_request(season: Season, season_type: SeasonType, since: dt.date) -> StatsRequest:
    """The request for every player's line of the games from that date on."""
    from nba_api.stats.endpoints.leaguegamelog import LeagueGameLog

    log = LeagueGameLog(
        season=str(season),
        season_type_all_star=season_type.value,
        league_id=season.league.value,
        player_or_team_abbreviation="P",
        date_from_nullable=since.strftime("%m/%d/%Y"),
        get_request=False,
    )
    parameters = {key: str(value) for key, value in log.parameters.items()}
    return StatsRequest(log.endpoint, parameters, season, f"{part_of_season(season_type)}-players-lately")


@dataclass(slots=True)
class DailyLists:
    """Asks for the lists of one run. ``requests`` counts those that were asked for."""

    exchange: Exchange
    archive: RawArchive
    season: Season
    season_types: Sequence[SeasonType]
    window: Window
    tries: int
    requests: int = 0
    warnings: list[str] = field(default_factory=list)
    sources: dict[str, str] = field(default_factory=dict)
    changed: list[dt.datetime] = field(default_factory=list)
    _team_totals: dict[SeasonType, Totals] = field(default_factory=dict)

    def discover(self) -> Discovery:
        """Every game of the season: the schedule is asked for, and the logs that can have changed.

        Without a schedule nothing says which can have, and all are asked for.

        Raises:
            ContractViolated, Incomplete: a game log cannot be had.
        """
        *logs, schedule = season_list_requests(self.season, self.season_types)
        scheduled = self._schedule(schedule)
        asked = self._types() if scheduled is None else types_to_ask(scheduled, self.season_types, self.window)
        lines: list[LogLine] = []
        for season_type, request in zip(self._types(), logs, strict=True):
            archived = None if season_type in asked else self._archived(request)
            if archived is not None:
                lines += read_game_log(archived)
            elif season_type in asked or self._had_games(scheduled or (), season_type):
                lines += self._ask(request, None, partial(self._read_team_log, season_type)) or []
        games = reconcile(lines, scheduled or [], self.season)
        return Discovery(
            tuple(games), self.requests, tuple(self.warnings), self.sources, max(self.changed, default=None)
        )

    def totals(self) -> Mapping[str, Mapping[Who, Line]] | None:
        """game id -> the lines of its teams and players since the lookback's first day; None when they cannot be had.

        One request for each game log that was asked for: the players'. The teams' are those that were asked for before.
        """
        since = self.window.corrections_since
        found: dict[str, dict[Who, Line]] = {}
        try:
            for season_type, of_teams in self._team_totals.items():
                if not of_teams:
                    continue
                request = player_log_request(self.season, season_type, since)
                of_players = self._ask(request, None, partial(read_totals, players=True, since=since)) or {}
                for game_id, lines in of_teams.items():
                    found[game_id] = {**lines, **of_players.get(game_id, {})}
        except (ContractViolated, Incomplete) as error:
            self.warnings.append(
                f"corrections were not looked for, the players' game log cannot be had: {error.message}"
            )
            return None
        return found

    def _read_team_log(self, season_type: SeasonType, payload: Mapping[str, Any]) -> list[LogLine]:
        self._team_totals[season_type] = read_totals(payload, players=False, since=self.window.corrections_since)
        return read_game_log(payload)

    def _types(self) -> list[SeasonType]:
        return [season_type for season_type in self.season_types if self.season.has(season_type)]

    def _had_games(self, scheduled: Sequence[Game], season_type: SeasonType) -> bool:
        return any(game.season_type is season_type and game.state is GameState.FINAL for game in scheduled)

    def _schedule(self, request: StatsRequest) -> list[Game] | None:
        try:
            return self._ask(request, "leagueSchedule", lambda payload: read_schedule(payload, self.season)) or []
        except (ContractViolated, Incomplete) as error:
            self.warnings.append(f"the schedule cannot be had, only the game log is known: {error.message}")
            _LOG.warning("schedule_missing", reason=error.message)
            return None

    def _archived(self, request: StatsRequest) -> Mapping[str, Any] | None:
        found = find_archived(self.archive, request)
        if found is None:
            return None
        self.changed.append(found[1])
        payload: Mapping[str, Any] = orjson.loads(found[0])
        return payload

    def _ask(self, request: StatsRequest, root: str | None, read: Callable[[Mapping[str, Any]], _Read]) -> _Read | None:
        """What is read from a list, once; None when the upstream has nothing in it yet."""
        self.requests += 1
        kept: list[_Read] = []

        def reading(payload: Mapping[str, Any]) -> _Read:
            kept[:] = [read(payload)]
            return kept[0]

        reply = self.exchange.settled(list_question(request, root, reading), tries=self.tries, keep_payload=False)
        if root is None and reply.archived_since is not None:
            self.changed.append(reply.archived_since)
        if reply.raw_sha256 is not None:
            self.sources[f"{request.endpoint}/{request.subject}"] = reply.raw_sha256
        return kept[0] if kept and reply.verdict.kind is VerdictKind.OK else None
