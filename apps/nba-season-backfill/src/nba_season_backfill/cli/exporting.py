"""``export``: what leaves the lake for other tools."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import click

from hoopstat_config import GroupedCommand, click_options
from nba_season_backfill.settings import BackfillSettings

__all__ = ["export"]

_LAKE = ("league", "output", "s3_bucket", "s3_prefix", "s3_endpoint_url", "aws_region")
_TOLD = ("log_format", "log_level", "log_file", "output_format")


def _identifier(_ctx: click.Context, param: click.Parameter, text: str) -> str:
    if re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,126}", text, re.ASCII):
        return text
    raise click.BadParameter(f"{text!r} is no name: letters, digits and underscores, no digit first", param=param)


@click.group()
def export() -> None:
    """Write what other tools need: table definitions for query engines, samples to train models on."""


@export.command(cls=GroupedCommand)
@click_options(BackfillSettings, only=(*_LAKE, *_TOLD))
@click.option(
    "--engine",
    required=True,
    type=click.Choice(["athena", "trino", "spark", "duckdb"]),
    help="For which engine.",
)
@click.option(
    "--database",
    default="nba",
    show_default=True,
    metavar="NAME",
    callback=_identifier,
    help="The database of the tables.",
)
@click.option(
    "--catalog", default="hive", show_default=True, metavar="NAME", callback=_identifier, help="Trino's catalog."
)
@click.option(
    "--location",
    metavar="URL",
    help="The lake's root as the engine reaches it, for instance s3a://bucket/prefix.",
)
@click.option("--first-season", metavar="YYYY-YY", help="The first season to look for.  [default: the lake's first]")
@click.option(
    "--last-season",
    metavar="YYYY-YY",
    help="The last season to look for (athena, trino).  [default: five after the lake's last]",
)
@click.option("--replace", is_flag=True, help="Drop tables of these names first; they are external, no data goes.")
@click.option("--config", "config_file", metavar="FILE", envvar="NBA_BACKFILL_CONFIG", help="Read settings from a file")
@click.pass_context
def ddl(
    ctx: click.Context,
    /,
    config_file: str | None,
    engine: Any,
    database: str,
    catalog: str,
    location: str | None,
    first_season: str | None,
    last_season: str | None,
    replace: bool,
    **_options: Any,
) -> None:
    """Print the statements that make a query engine know the lake as it lies."""
    from nba_season_backfill.cli.entry import load_settings

    settings = load_settings(ctx, config_file)
    from nba_season_backfill.cli import table_definitions

    table_definitions.print_definitions(
        settings,
        engine=engine,
        database=database,
        catalog=catalog,
        location=location,
        first_season=first_season,
        last_season=last_season,
        replace=replace,
    )


def _file(_ctx: click.Context, param: click.Parameter, path: Path | None) -> Path | None:
    if path is None or path.suffix in (".parquet", ".csv"):
        return path
    raise click.BadParameter(f"{str(path)!r}: the name ends with .parquet or .csv", param=param)


def _shares(_ctx: click.Context, param: click.Parameter, text: str) -> tuple[int, int, int]:
    from nba_season_backfill.export.splitting import parse_shares

    try:
        return parse_shares(text)
    except ValueError as error:
        raise click.BadParameter(f"{text!r}: {error}", param=param) from None


@export.command(cls=GroupedCommand)
@click_options(
    BackfillSettings, only=("season", "season_type", "start_date", "end_date", *_LAKE, "state_file_path", *_TOLD)
)
@click.option(
    "--file",
    type=click.Path(dir_okay=False, path_type=Path),
    callback=_file,
    metavar="FILE",
    help="Where the samples go: .parquet or .csv.  [default: training-SEASON.parquet]",
)
@click.option(
    "--window",
    "windows",
    type=click.IntRange(1, 100),
    multiple=True,
    default=(5, 10),
    show_default=True,
    help="Length of a rolling mean, in games (may be repeated).",
)
@click.option(
    "--min-games",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Drop players with fewer games than that.",
)
@click.option(
    "--split",
    "shares",
    default="70/15/15",
    show_default=True,
    callback=_shares,
    metavar="N/N/N",
    help="Shares of train, validation and test, cut between days.",
)
@click.option(
    "--validation-from", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Cut here instead: validation."
)
@click.option("--test-from", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Cut here instead: test.")
@click.option("--config", "config_file", metavar="FILE", envvar="NBA_BACKFILL_CONFIG", help="Read settings from a file")
@click.pass_context
def training(
    ctx: click.Context,
    /,
    config_file: str | None,
    file: Path | None,
    windows: tuple[int, ...],
    min_games: int,
    shares: tuple[int, int, int],
    validation_from: dt.datetime | None,
    test_from: dt.datetime | None,
    **_options: Any,
) -> None:
    """Write samples to train models on: a row a player and game, features made of earlier games alone."""
    from nba_season_backfill.cli.entry import load_settings

    settings = load_settings(ctx, config_file)
    from nba_season_backfill.cli.training_samples import write_samples
    from nba_season_backfill.export.training import TrainingOptions

    options = TrainingOptions(
        windows=tuple(sorted(set(windows))),
        min_games=min_games,
        season_types=tuple(kind.value for kind in settings.season_type),
        start_date=settings.start_date,
        end_date=settings.end_date,
        shares=shares,
        validation_from=validation_from.date() if validation_from else None,
        test_from=test_from.date() if test_from else None,
    )
    write_samples(settings, options, file=file)
