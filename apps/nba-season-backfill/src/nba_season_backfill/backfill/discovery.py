"""Which games the season has: the game log of every season type, the schedule beside it, both archived."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence, Sized
from dataclasses import dataclass
from typing import Any

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.exchange import Exchange, Question
from nba_season_backfill.backfill.scoreboards import Scoreboards
from nba_season_backfill.datasets.base import Assessment, part_of_season, violation
from nba_season_backfill.errors import ContractViolated, Incomplete
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.schedule import Game, LogLine, read_game_log, read_schedule, reconcile
from nba_season_backfill.season import Season, SeasonType
from nba_season_backfill.source.base import StatsRequest
from nba_season_backfill.source.verdict import VerdictKind

__all__ = ["Discovery", "discover", "list_question", "season_list_requests"]

_LOG = get_logger("nba_season_backfill.discovery")


@dataclass(frozen=True, slots=True)
class Discovery:
    """Every game of the season, in order of date; ``warnings`` say which list was missing.

    ``changed_at``: when the game logs were first seen as they are now; None where that is not known.
    """

    games: tuple[Game, ...]
    requests: int
    warnings: tuple[str, ...]
    sources: Mapping[str, str]
    changed_at: dt.datetime | None = None


def season_list_requests(season: Season, season_types: Sequence[SeasonType]) -> list[StatsRequest]:
    """The requests for a season's own lists: one game log a season type that existed, and the schedule."""
    from nba_api.stats.endpoints.leaguegamelog import LeagueGameLog
    from nba_api.stats.endpoints.scheduleleaguev2 import ScheduleLeagueV2

    requests = []
    for season_type in season_types:
        if not season.has(season_type):
            continue
        log = LeagueGameLog(
            season=str(season),
            season_type_all_star=season_type.value,
            league_id=season.league.value,
            player_or_team_abbreviation="T",
            get_request=False,
        )
        requests.append(StatsRequest(log.endpoint, _text(log.parameters), season, part_of_season(season_type)))
    schedule = ScheduleLeagueV2(season=str(season), league_id=season.league.value, get_request=False)
    requests.append(StatsRequest(schedule.endpoint, _text(schedule.parameters), season, "season"))
    return requests


def _text(parameters: Mapping[str, object]) -> dict[str, str]:
    return {key: str(value) for key, value in parameters.items()}


def discover(
    exchange: Exchange,
    season: Season,
    season_types: Sequence[SeasonType],
    *,
    tries: int,
    scoreboards_from: RawArchive | None = None,
) -> Discovery:
    """Ask for the season's lists and reconcile them.

    Args:
        scoreboards_from: where the schedule cannot be had, ask for the scoreboard of each day between the first and the
            last game of the logs, unless this archive has it; None = do without.

    Raises:
        ContractViolated, Incomplete: a game log cannot be had. A schedule that cannot be had is a warning only: it
        adds venues and games to come, not results.
    """
    lines: list[LogLine] = []
    scheduled: list[Game] = []
    warnings: list[str] = []
    sources: dict[str, str] = {}
    changed: list[dt.datetime] = []
    not_archived: Incomplete | None = None
    requests = season_list_requests(season, season_types)
    for request in requests:
        if request.endpoint == "leaguegamelog":
            try:
                reply = exchange.settled(list_question(request, None, read_game_log), tries=tries)
            except Incomplete as error:
                if not exchange.offline:
                    raise
                # A daily run asks for no log of what is not played yet: the schedule alone knows it, then.
                not_archived = error
                continue
            if reply.archived_since is not None:
                changed.append(reply.archived_since)
            if reply.payload is not None:
                lines += read_game_log(reply.payload)
        else:
            try:
                question = list_question(request, "leagueSchedule", lambda payload: read_schedule(payload, season))
                reply = exchange.settled(question, tries=tries)
            except (ContractViolated, Incomplete) as error:
                warnings.append(f"the schedule cannot be had, only the game log is known: {error.message}")
                _LOG.warning("schedule_missing", reason=error.message)
                continue
            if reply.payload is not None:
                scheduled = read_schedule(reply.payload, season)
        if reply.verdict.kind is VerdictKind.ABSENT:
            _LOG.info("season_list_empty", endpoint=request.endpoint, subject=request.subject)
        if reply.raw_sha256 is not None:
            sources[f"{request.endpoint}/{request.subject}"] = reply.raw_sha256
    if not_archived is not None and not scheduled:
        raise not_archived
    asked = len(requests)
    if not scheduled and lines and scoreboards_from is not None:
        days = [line.game_date for line in lines]
        boards = Scoreboards(exchange, scoreboards_from, season, tries)
        scheduled = boards.games(min(days), max(days))
        warnings += boards.warnings
        asked += boards.requests
    games = reconcile(lines, scheduled, season)
    return Discovery(tuple(games), asked, tuple(warnings), sources, max(changed, default=None))


def list_question(request: StatsRequest, root: str | None, read: Callable[[Mapping[str, Any]], Sized]) -> Question:
    """The question for a list of the season, judged by whether it can be read."""

    def assess(payload: Mapping[str, Any]) -> Assessment:
        try:
            found = read(payload)
        except ValueError as error:
            return violation(str(error))
        return Assessment("ok" if found else "absent")

    return Question(request, root, assess)
