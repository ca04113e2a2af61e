"""Which days and seasons a daily run looks at. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

from nba_season_backfill.daily.watermark import Watermark
from nba_season_backfill.schedule import Game, GameState
from nba_season_backfill.season import Season, SeasonType

__all__ = ["Window", "seasons_due", "types_to_ask"]


@dataclass(frozen=True, slots=True)
class Window:
    """The days of a run, US Eastern.

    ``since``: games from this date on are looked at; None means all of the season (nothing is complete yet).
    ``corrections_since``: from this date on, what is stored is compared with the game logs.
    """

    today: dt.date
    since: dt.date | None
    corrections_since: dt.date

    @classmethod
    def of(cls, today: dt.date, watermark: Watermark, lookback_days: int) -> Window:
        """From the day after the watermark, or from the lookback's first day, whichever comes first."""
        lookback = today - dt.timedelta(days=lookback_days)
        if watermark.date is None:
            return cls(today, None, lookback)
        return cls(today, min(watermark.date + dt.timedelta(days=1), lookback), lookback)

    def covers(self, day: dt.date) -> bool:
        """Whether games of that date are looked at."""
        return day <= self.today and (self.since is None or day >= self.since)


def types_to_ask(scheduled: Sequence[Game], season_types: Sequence[SeasonType], window: Window) -> set[SeasonType]:
    """The season types whose game log can have changed: those with a game that was due within the window."""
    return {
        game.season_type
        for game in scheduled
        if game.season_type in season_types
        and window.covers(game.game_date)
        and game.state in (GameState.FINAL, GameState.LIVE, GameState.SCHEDULED, GameState.UNKNOWN)
        and (game.state is GameState.FINAL or game.game_date < window.today)
    }


def seasons_due(
    current: Season, before: Season, today: dt.date, lookback_days: int, watermark_before: Watermark | None
) -> list[Season]:
    """The seasons that a day is about, the older one first.

    Args:
        watermark_before: that of the season ``before`` the current one; None when the lake does not have that season.
            It is due until it is complete, and as long as its end lies within the lookback.
    """
    if watermark_before is None or watermark_before.last_game is None:
        return [current]
    within_lookback = today - dt.timedelta(days=lookback_days) <= watermark_before.last_game
    return [before, current] if within_lookback or not watermark_before.season_complete else [current]
