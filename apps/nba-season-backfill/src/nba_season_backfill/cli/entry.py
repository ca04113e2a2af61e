"""The commands. With no subcommand the job is ``run``."""

from __future__ import annotations

import datetime as dt
import os
import sys
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any, NoReturn

import click

from hoopstat_config import ConfigurationInvalid, GroupedCommand, GroupedGroup, OriginKind, click_options, given
from nba_season_backfill import __version__
from nba_season_backfill.cli.auditing import audit, explain, quarantine
from nba_season_backfill.cli.datasets import datasets, known_datasets
from nba_season_backfill.cli.exporting import export
from nba_season_backfill.cli.query import query
from nba_season_backfill.cli.reporting import report
from nba_season_backfill.cli.runs import runs
from nba_season_backfill.errors import BackfillError
from nba_season_backfill.lean import without_pandas
from nba_season_backfill.season import EASTERN
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.settings.daily import DAILY_ONLY
from nba_season_backfill.source.sample import SampleServer

__all__ = ["cli", "main"]

PROGRAM = "nba-backfill"
EXIT_CODES = (
    "Exit codes: 0 complete or nothing to do, 1 internal error, 2 usage, 65 contract violation or audit findings, "
    "69 source unreachable or blocked, 70 fenced by another writer, 75 incomplete (run again), 78 configuration or "
    "store, 130/143 interrupted (checkpoint saved)."
)
_STANDARD_ERROR = 2
_NOT_FOR_READING = ("dry_run", "resume", "max_retries", "checkpoint_every", *DAILY_ONLY)


class _RunByDefault(GroupedGroup):
    """A group whose ``run`` is meant when no subcommand is named."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        own = {"--help", "-h", "--version"}
        if not args or (args[0] not in self.commands and args[0] not in own and args[0].startswith("-")):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The options of ``run`` too: they are what most people look for."""
        self.format_commands(ctx, formatter)
        run = self.commands["run"]
        run.format_options(click.Context(run, info_name="run", parent=ctx), formatter)


def _config_file(command: Any) -> Any:
    return click.option(
        "--config",
        "config_file",
        metavar="FILE",
        envvar="NBA_BACKFILL_CONFIG",
        help="Read settings from a file (toml, yaml or json)  [env: NBA_BACKFILL_CONFIG]",
    )(command)


@click.group(
    cls=_RunByDefault,
    name=PROGRAM,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110},
    epilog=EXIT_CODES,
)
@click.version_option(__version__, prog_name=PROGRAM)
def cli() -> None:
    """Fill a lake with every game of an NBA season from stats.nba.com: politely, resumably, provably complete.

    Without a command the job is `run`. Precedence: command line, environment, --config file, default.
    """


@cli.command(cls=GroupedCommand, epilog=EXIT_CODES)
@click_options(BackfillSettings, without=DAILY_ONLY)
@_config_file
@click.pass_context
def run(ctx: click.Context, /, config_file: str | None, **_options: Any) -> None:
    """Fill the lake with a season, or continue to (the default command)."""
    settings = load_settings(ctx, config_file)
    with ExitStack() as stack:
        sample = None
        if settings.source == "sample" and not settings.dry_run:
            # It starts while the rest of this program is loaded. If it cannot, the run says so.
            with suppress(OSError):
                sample = stack.enter_context(SampleServer(settings.seasons(dt.datetime.now(EASTERN).date())[0]))
        from nba_season_backfill.cli import running

        if settings.dry_run:
            running.dry_run(settings)
        else:
            ctx.exit(running.run(settings, sample))


@cli.command(cls=GroupedCommand, epilog=EXIT_CODES)
@click_options(BackfillSettings, without=("start_date", "end_date", "game_id", "limit", "resume"))
@_config_file
@click.pass_context
def daily(ctx: click.Context, /, config_file: str | None, **_options: Any) -> None:
    """Fetch what has become final since the last run, and what was corrected of the last days' games."""
    settings = load_settings(ctx, config_file)
    from nba_season_backfill.cli.daily import daily_command

    ctx.exit(daily_command(settings))


@cli.command(cls=GroupedCommand)
@click_options(BackfillSettings, without=_NOT_FOR_READING)
@_config_file
@click.pass_context
def plan(ctx: click.Context, /, config_file: str | None, **_options: Any) -> None:
    """Ask for the season's lists and show what a run would do, and what it would cost."""
    settings = load_settings(ctx, config_file)
    from nba_season_backfill.cli import running

    running.plan(settings)


@cli.command(cls=GroupedCommand)
@click_options(BackfillSettings, without=_NOT_FOR_READING)
@_config_file
@click.pass_context
def status(ctx: click.Context, /, config_file: str | None, **_options: Any) -> None:
    """Show a season's pulse: how fresh, what is stored and what not, the last runs, who is at work, what to do next.

    Asks the upstream nothing. Exits with 0 when the lake is up to date, with 75 when it is stale: a probe.
    """
    settings = load_settings(ctx, config_file)
    from nba_season_backfill.cli import running

    ctx.exit(running.status(settings))


@cli.command(cls=GroupedCommand)
@click_options(BackfillSettings)
@_config_file
@click.pass_context
def config(ctx: click.Context, /, config_file: str | None, **_options: Any) -> None:
    """Show every setting with its value and where it came from; secrets are masked."""
    settings = load_settings(ctx, config_file)
    click.echo(settings.render_json() if settings.output_format == "json" else settings.render_text())


_deep = click.option("--deep", is_flag=True, help="Also read every archived body and derive its rows anew.")


@cli.command(cls=GroupedCommand)
@click_options(BackfillSettings)
@_config_file
@click.pass_context
def doctor(ctx: click.Context, /, config_file: str | None, **_options: Any) -> None:
    """Check the upstream, the lake, clocks, disk and leases before any data moves; says what helps."""
    settings = load_settings(ctx, config_file)
    from nba_season_backfill.cli import mending

    ctx.exit(mending.doctor_command(settings))


@cli.command(cls=GroupedCommand)
@click_options(BackfillSettings, without=("source", *_NOT_FOR_READING))
@_deep
@_config_file
@click.pass_context
def verify(ctx: click.Context, /, config_file: str | None, deep: bool, **_options: Any) -> None:
    """Compare checkpoint, archive and tables; 65 if they disagree. Reads only."""
    settings = load_settings(ctx, config_file)
    from nba_season_backfill.cli import mending

    ctx.exit(mending.verify_command(settings, deep=deep))


@cli.command(cls=GroupedCommand)
@click_options(BackfillSettings, without=("source", *DAILY_ONLY))
@_deep
@_config_file
@click.pass_context
def repair(ctx: click.Context, /, config_file: str | None, deep: bool, **_options: Any) -> None:
    """Mend checkpoint and tables from the archive, without a request; --dry-run shows the difference first."""
    settings = load_settings(ctx, config_file, source="archive")
    from nba_season_backfill.cli import mending

    ctx.exit(mending.repair_command(settings, deep=deep))


@cli.command(cls=GroupedCommand)
@click_options(BackfillSettings, without=("source", "dry_run", *DAILY_ONLY))
@click.option(
    "--dataset",
    "datasets",
    multiple=True,
    callback=known_datasets,
    metavar="NAME",
    help="Which dataset (may be repeated; those of --datasets, when not given).",
)
@_config_file
@click.pass_context
def rebuild(ctx: click.Context, /, config_file: str | None, datasets: tuple[str, ...], **_options: Any) -> None:
    """Derive tables again from the raw archive, without a request: after a schema change, or for peace of mind."""
    settings = load_settings(ctx, config_file, source="archive", **({"datasets": datasets} if datasets else {}))
    from nba_season_backfill.backfill.choosing import wanted_datasets
    from nba_season_backfill.cli import mending

    ctx.exit(mending.rebuild_command(settings, tuple(dataset.name for dataset in wanted_datasets(settings))))


cli.add_command(datasets)
cli.add_command(export)
cli.add_command(audit)
cli.add_command(explain)
cli.add_command(quarantine)
cli.add_command(report)
cli.add_command(runs)
cli.add_command(query)


def load_settings(ctx: click.Context, config_file: str | None, **fixed: object) -> BackfillSettings:
    """The settings from all layers (``fixed`` above all), or every problem with them, a line each.

    A wrong command line exits with 2, a wrong environment or file with 78.
    """
    if config_file == "":
        # Only the command line can say so: click takes an empty variable for one that is not set.
        click.echo(f"{PROGRAM}: --config '': empty; give it a value, or leave it out", err=True)
        ctx.exit(2)
    file = Path(config_file) if config_file else None
    try:
        settings = BackfillSettings.load({**given(ctx, BackfillSettings), **fixed}, environ=os.environ, file=file)
    except ConfigurationInvalid as error:
        for problem in error.problems:
            click.echo(f"{PROGRAM}: {problem}", err=True)
        kinds = {problem.origin.kind for problem in error.problems if problem.origin is not None}
        ctx.exit(2 if kinds <= {OriginKind.COMMAND_LINE} else 78)
    for notice in settings.notices:
        click.echo(f"{PROGRAM}: {notice}", err=True)
    return settings.resolved(dt.datetime.now(EASTERN).date())


def fail(error: BackfillError) -> NoReturn:
    """One clear line on standard error, and the documented exit code."""
    click.echo(f"{PROGRAM}: {' '.join(str(error).split())}", err=True)
    sys.exit(error.exit_code)


def _open_what_is_closed() -> None:
    """Give a process that was started without standard streams (``>&-``) some that lead nowhere.

    By their numbers too: a file of the lake that got number 2 would be written to by whoever reports an error.
    """
    while (descriptor := os.open(os.devnull, os.O_RDWR)) <= _STANDARD_ERROR:
        os.set_inheritable(descriptor, True)
    os.close(descriptor)
    if sys.stdout is None:
        sys.stdout = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # open as long as we live
    if sys.stderr is None:
        sys.stderr = Path(os.devnull).open("w", encoding="utf-8")  # noqa: SIM115  # likewise


def main() -> None:
    """The console script."""
    _open_what_is_closed()
    without_pandas()
    try:
        cli.main(prog_name=PROGRAM)
    except BackfillError as error:
        fail(error)
