"""``export ddl``: look at the lake, print its table definitions."""

from __future__ import annotations

import json

import click

from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.provenance import is_simulated
from nba_season_backfill.cli.running import quiet
from nba_season_backfill.errors import UsageError
from nba_season_backfill.export import Engine, definitions
from nba_season_backfill.export.places import LakeContents, look, season_range
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["print_definitions"]

_SEASONS_AHEAD = 5
_LAST_YEAR = 2098


def print_definitions(
    settings: BackfillSettings,
    *,
    engine: Engine,
    database: str,
    catalog: str,
    location: str | None,
    first_season: str | None,
    last_season: str | None,
    replace: bool,
) -> None:
    """Look at the lake and print its definitions, a statement after the other; as JSON a list of them."""
    quiet(settings)
    try:
        store = open_lake(settings)
        try:
            contents = look(store, settings.which_league)
            simulated = _any_simulated(settings, store, contents)
        finally:
            store.close()
    except StoreError as error:
        raise store_error(error) from error
    first = _season(settings, "--first-season", first_season) or (contents.seasons[0] if contents.seasons else None)
    if first is None:
        raise UsageError(f"{store.url} holds no season yet", hint="fill it first, or say --first-season YYYY-YY")
    last = _season(settings, "--last-season", last_season)
    if last is None:
        newest = max(first, *contents.seasons) if contents.seasons else first
        last = Season(min(newest.start_year + _SEASONS_AHEAD, _LAST_YEAR), newest.league)
    if last < first:
        raise UsageError(f"--last-season {last} lies before the first season {first}", hint="turn them round")
    statements = definitions(
        engine,
        contents.places,
        root=location or _root(settings, store.url, engine),
        seasons=season_range(first, last),
        database=database,
        catalog=catalog,
        replace=replace,
        remark="Simulated data." if simulated else "",
    )
    if settings.output_format == "json":
        told = [{"table": statement.table, "sql": statement.sql} for statement in statements]
        click.echo(json.dumps({"engine": engine, "simulated": simulated, "statements": told}))
        return
    if simulated:
        click.echo("-- Simulated data: the lake was filled from the sample season.")
    for statement in statements:
        click.echo(f"{statement.sql};\n")


def _any_simulated(settings: BackfillSettings, store: ObjectStore, contents: LakeContents) -> bool:
    league = settings.which_league
    identity = lake_identity(store, league, create=False)
    checkpoints = (load_checkpoint(settings, store, season, league, identity).checkpoint for season in contents.seasons)
    return any(checkpoint is not None and is_simulated(store, checkpoint) for checkpoint in checkpoints)


def _season(settings: BackfillSettings, option: str, text: str | None) -> Season | None:
    if text is None:
        return None
    try:
        return Season.parse(text, settings.which_league)
    except ValueError as error:
        raise UsageError(f"{option} {text!r}: {error}") from None


def _root(settings: BackfillSettings, url: str, engine: Engine) -> str:
    """The lake's root in the engine's spelling.

    Raises:
        UsageError: the engine cannot read a folder of this machine.
    """
    if settings.s3_bucket is not None:
        return url.replace("s3://", "s3a://", 1) if engine == "spark" else url
    if engine in ("athena", "trino"):
        raise UsageError(
            f"{engine} reads no folder of this machine ({url})",
            hint="name the bucket with --s3-bucket, or where the lake will lie with --location s3://BUCKET/PREFIX",
        )
    return f"file://{url}" if engine == "spark" else url
