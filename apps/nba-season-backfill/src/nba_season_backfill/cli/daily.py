"""``nba-backfill daily``: what it does with its settings."""

from __future__ import annotations

from nba_season_backfill.backfill.daily_job import daily_seasons
from nba_season_backfill.backfill.observer import Observer
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.cli.running import carry_out
from nba_season_backfill.settings import BackfillSettings

__all__ = ["daily_command"]


def daily_command(settings: BackfillSettings) -> int:
    """Bring the lake up to date; gives the exit code."""

    def job(run_id: str, observer: Observer, stop: Stop) -> Summary:
        *older, current = daily_seasons(settings, run_id=run_id, observer=observer, stop=stop)
        for summary in older:
            observer.said(f"season {summary.season}: {summary.message}")
        return current

    return carry_out(settings, job, command="daily")
