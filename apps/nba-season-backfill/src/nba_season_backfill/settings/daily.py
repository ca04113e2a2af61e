"""What a daily run looks at."""

from __future__ import annotations

import datetime as dt
from typing import Annotated

from pydantic import AfterValidator, Field

from hoopstat_config import IsoDate, Option, Settings, SettingsConfigDict
from nba_season_backfill.settings import values

__all__ = ["DAILY_ONLY", "DailyOptions"]

GROUP = "What a daily run looks at"

DAILY_ONLY = ("lookback_days", "today")
"""The settings that only ``nba-backfill daily`` has a use for."""


class DailyOptions(Settings):
    """What a daily run looks at."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    lookback_days: Annotated[
        Annotated[int, Field(ge=0, le=60)],
        Option(
            "--lookback-days",
            group=GROUP,
            metavar="N",
            expects="days, e.g. 7",
            help="So many days before today are looked at again, for corrections.",
        ),
    ] = 7
    today: Annotated[
        Annotated[IsoDate, AfterValidator(values.game_date)] | None,
        Option(
            "--today",
            group=GROUP,
            help="The US Eastern date that the run is of (a scheduler's logical date).",
            shown_default="the clock's",
        ),
    ] = None

    def today_eastern(self, clock: dt.date) -> dt.date:
        """The US Eastern date that the run is of: the one given, else the clock's."""
        return self.today or clock
