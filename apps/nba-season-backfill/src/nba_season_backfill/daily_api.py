"""A daily run for programs: ``run_daily``, and ``run_daily_async`` for callers inside an event loop.

from nba_season_backfill.daily_api import load_settings, run_daily

summary = run_daily(load_settings(s3_bucket="my-lake"))
print(summary.watermark, summary.rows_by_dataset, summary.audit_path)
"""

from __future__ import annotations

import os
from pathlib import Path

from nba_season_backfill.backfill.daily_job import DailySummary, run_daily, run_daily_async
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.settings import BackfillSettings

__all__ = ["BackfillError", "BackfillSettings", "DailySummary", "load_settings", "run_daily", "run_daily_async"]


def load_settings(file: Path | None = None, **settings: object) -> BackfillSettings:
    """The settings that ``nba-backfill daily`` would have here: those given, else the environment's, else the file's.

    Raises:
        hoopstat_config.ConfigurationInvalid: names every problem, with where the value came from.
    """
    return BackfillSettings.load(settings, environ=os.environ, file=file)
