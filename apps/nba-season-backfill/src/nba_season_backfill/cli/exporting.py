"""``export``: what leaves the lake for other tools."""

from __future__ import annotations

import re
from typing import Any

import click

from hoopstat_config import GroupedCommand, click_options
from nba_season_backfill.settings import BackfillSettings

__all__ = ["export"]

_LAKE = ("output", "s3_bucket", "s3_prefix", "s3_endpoint_url", "aws_region")
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
