"""The season day by day: the second witness of its games where the schedule cannot be had."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.choosing import find_archived
from nba_season_backfill.backfill.exchange import Exchange, Question
from nba_season_backfill.datasets.base import Assessment, violation
from nba_season_backfill.errors import ContractViolated, Incomplete
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.schedule import Game, read_scoreboard
from nba_season_backfill.season import Season
from nba_season_backfill.source.base import StatsRequest

__all__ = ["Scoreboards"]

_LOG = get_logger("nba_season_backfill.scoreboards")

# Later than this nothing changes on a day any more: its archived scoreboard is not asked for again.
_SETTLED = dt.timedelta(days=3)


@dataclass(slots=True)
class Scoreboards:
    """Reads one scoreboard a day. ``requests`` counts those that were asked for."""

    exchange: Exchange
    archive: RawArchive
    season: Season
    tries: int
    requests: int = 0
    warnings: list[str] = field(default_factory=list)

    def games(self, first: dt.date, last: dt.date) -> list[Game]:
        """The games of every day from ``first`` to ``last``; ends at the first day that cannot be had, and says so."""
        found: list[Game] = []
        for day in _days(first, last):
            try:
                found += self._of_day(day)
            except (ContractViolated, Incomplete) as error:
                self.warnings.append(f"the scoreboards from {day} on cannot be had either: {error.message}")
                _LOG.warning("scoreboard_missing", date=day.isoformat(), reason=error.message)
                break
        return found

    def _of_day(self, day: dt.date) -> list[Game]:
        from nba_api.stats.endpoints.scoreboardv3 import ScoreboardV3

        asked = ScoreboardV3(game_date=day.isoformat(), league_id=self.season.league.value, get_request=False)
        parameters = {key: str(value) for key, value in asked.parameters.items()}
        request = StatsRequest(asked.endpoint, parameters, self.season, day.isoformat())
        found = find_archived(self.archive, request)
        if found is not None and found[1].date() - day >= _SETTLED:
            return self._own(read_scoreboard(orjson.loads(found[0]), self.season))
        kept: list[Game] = []

        def assess(payload: Mapping[str, Any]) -> Assessment:
            try:
                kept[:] = read_scoreboard(payload, self.season)
            except ValueError as error:
                return violation(str(error))
            return Assessment("ok" if kept else "absent")

        self.requests += 1
        self.exchange.settled(Question(request, "scoreboard", assess), tries=self.tries, keep_payload=False)
        return self._own(kept)

    def _own(self, games: list[Game]) -> list[Game]:
        # A day's list may have games that are numbered with another season.
        return [game for game in games if game.game_id.season == self.season]


def _days(first: dt.date, last: dt.date) -> Iterator[dt.date]:
    for number in range((last - first).days + 1):
        yield first + dt.timedelta(days=number)
