"""``nba-backfill daily``: what it does with its settings."""

from __future__ import annotations

import json

import click

from nba_season_backfill.backfill.daily_job import daily_seasons, prospect
from nba_season_backfill.backfill.observer import Observer
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.cli.running import carry_out, quiet
from nba_season_backfill.settings import BackfillSettings

__all__ = ["daily_command"]


def daily_command(settings: BackfillSettings) -> int:
    """Bring the lake up to date, or with --dry-run say which days would be looked at; gives the exit code."""
    if settings.dry_run:
        quiet(settings)
        _print_prospect(settings)
        return 0

    def job(run_id: str, observer: Observer, stop: Stop) -> Summary:
        *older, current = daily_seasons(settings, run_id=run_id, observer=observer, stop=stop)
        for summary in older:
            observer.said(f"season {summary.season}: {summary.message}")
        return current

    return carry_out(settings, job, command="daily")


def _print_prospect(settings: BackfillSettings) -> None:
    found = prospect(settings)
    if settings.output_format == "json":
        click.echo(json.dumps({"dry_run": True, "seasons": found}))
        return
    for season in found:
        complete = f"complete up to {season['watermark']}" if season["watermark"] else "no date is complete yet"
        since = f"games since {season['since']}" if season["since"] else "all games so far"
        click.echo(f"season {season['season']}: {complete}; {since} would be looked at")
    click.echo("dry run: configuration valid; nothing was fetched, nothing was written")
