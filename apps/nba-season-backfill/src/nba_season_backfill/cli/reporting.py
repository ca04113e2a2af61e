"""``report``, and the report at the end of a run."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from hoopstat_config import GroupedCommand, click_options
from nba_season_backfill.settings import BackfillSettings

if TYPE_CHECKING:
    from nba_season_backfill.backfill.summary import Summary
    from nba_season_backfill.season import Season

__all__ = ["report", "report_after_run"]

_LAKE = ("league", "season", "output", "s3_bucket", "s3_prefix", "s3_endpoint_url", "aws_region", "state_file_path")
_TOLD = ("log_format", "log_level", "log_file", "output_format")


@click.command(cls=GroupedCommand)
@click_options(BackfillSettings, only=(*_LAKE, *_TOLD))
@click.option(
    "--report-file",
    metavar="FILE",
    help="Where the page goes; - is standard output.  [default: report-SEASON.html]",
)
@click.option("--run", "run_id", metavar="RUN_ID", help="Which run to show.  [default: the season's last]")
@click.option("--no-audit", is_flag=True, help="Leave the audit out, which reads all tables of the season.")
@click.option("--config", "config_file", metavar="FILE", envvar="NBA_BACKFILL_CONFIG", help="Read settings from a file")
@click.pass_context
def report(
    ctx: click.Context,
    /,
    config_file: str | None,
    report_file: str | None,
    run_id: str | None,
    no_audit: bool,
    **_options: Any,
) -> None:
    """Show a season and its last run as one HTML page: coverage, pace, requests, failures, audit, freshness."""
    from nba_season_backfill.cli.entry import load_settings

    settings = load_settings(ctx, config_file)
    from nba_season_backfill.backfill.opening import open_lake, store_error
    from nba_season_backfill.cli.running import quiet
    from nba_season_backfill.errors import UsageError
    from nba_season_backfill.lake.store import StoreError

    quiet(settings)
    try:
        store = open_lake(settings)
        try:
            season = _season(settings, store)
            page, seen = _page(settings, season, run_id=run_id, with_audit=not no_audit)
        finally:
            store.close()
    except StoreError as error:
        raise store_error(error) from error
    if run_id is not None and not seen:
        raise UsageError(
            f"{store.url} has no record of run {run_id} over season {season}", hint="see _runs/ in the lake"
        )
    if report_file == "-":
        click.echo(page, nl=False)
        return
    path = Path(report_file or f"report-{season}.html")
    _write(path, page)
    click.echo(f"written     {path} ({len(page.encode()):,} bytes)")


def _season(settings: BackfillSettings, store: Any) -> Season:
    """The season that was named, else the lake's newest."""
    from nba_season_backfill.cli.running import season_of
    from nba_season_backfill.export.places import seasons_in_lake

    if settings.origin("season").explicit:
        return season_of(settings)
    held = seasons_in_lake(store, settings.which_league)
    return held[-1] if held else season_of(settings)


def _page(settings: BackfillSettings, season: Season, *, run_id: str | None, with_audit: bool) -> tuple[str, bool]:
    """The page, and whether it shows a run.

    Raises:
        BackfillError, StoreError: the lake cannot be read.
    """
    from nba_season_backfill.backfill.opening import open_lake
    from nba_season_backfill.report import gather, render

    store = open_lake(settings)
    try:
        facts = gather(settings, store, season, now=dt.datetime.now(dt.UTC), run_id=run_id, with_audit=with_audit)
    finally:
        store.close()
    return render(facts), facts.run is not None


def _write(path: Path, page: str) -> None:
    """Replace at once.

    Raises:
        Incomplete: the file cannot be written, or something else than a file is there.
    """
    from hoopstat_observability import replace_file
    from nba_season_backfill.errors import Incomplete

    try:
        replace_file(path, page.encode())
    except OSError as error:
        raise Incomplete(f"{path}: the report cannot be written ({error})", hint="name another file") from None


def report_after_run(settings: BackfillSettings, summary: Summary | None, *, stopped: bool) -> list[str]:
    """Write the report that the settings ask for at the end of a run; what went wrong with it, in words.

    Nothing that goes wrong here changes how the run ended. After a signal the audit is left out: it reads for longer
    than a stopped run may take.
    """
    if settings.report is None or summary is None:
        return []
    from nba_season_backfill.season import Season

    name = str(settings.report).replace("{season}", summary.season).replace("{run_id}", summary.run_id)
    try:
        season = Season.parse(summary.season, settings.which_league)
        page, _seen = _page(settings, season, run_id=summary.run_id, with_audit=not stopped)
        _write(Path(name), page)
    except Exception as error:  # noqa: BLE001  # the boundary of an extra: a report is worth less than the run
        return [f"the report was not written: {' '.join(str(error).split())[:500] or type(error).__name__}"]
    return []
