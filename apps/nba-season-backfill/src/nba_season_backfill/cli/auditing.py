"""``audit``, ``explain``, ``quarantine``: is the season whole and right, what is known of a game, what was refused."""

from __future__ import annotations

from typing import Any

import click

from hoopstat_config import GroupedCommand, click_options
from nba_season_backfill.season import GameId
from nba_season_backfill.settings import BackfillSettings

__all__ = ["audit", "explain", "quarantine"]

_LAKE = ("output", "s3_bucket", "s3_prefix", "s3_endpoint_url", "aws_region", "state_file_path")
_TOLD = ("log_format", "log_level", "log_file", "output_format")
_WANTED = ("box_scores", "play_by_play", "player_info", "datasets")
_DAILY = ("lookback_days", "today")

_config = click.option(
    "--config", "config_file", metavar="FILE", envvar="NBA_BACKFILL_CONFIG", help="Read settings from a file"
)


def _load(ctx: click.Context, config_file: str | None, **fixed: object) -> BackfillSettings:
    from nba_season_backfill.cli.entry import load_settings

    return load_settings(ctx, config_file, **fixed)


def _id_of(_ctx: click.Context, param: click.Parameter, text: str) -> GameId:
    try:
        return GameId(text.strip())
    except ValueError as error:
        raise click.BadParameter(str(error), param=param) from None


def _said(_ctx: click.Context, param: click.Parameter, text: str) -> str:
    if not text.strip():
        raise click.BadParameter("empty; say why the body is right as it is", param=param)
    return text.strip()


_game = click.argument("game", metavar="GAME_ID", callback=_id_of)


@click.command(cls=GroupedCommand)
@click_options(BackfillSettings, without=(*_DAILY, "dry_run", "resume"))
@click.option("--repair", is_flag=True, help="Mend what is found: refetch exactly that, from the archive if it can be.")
@click.option("--deep", is_flag=True, help="Also read every archived body and compare each value that it gives.")
@_config
@click.pass_context
def audit(ctx: click.Context, /, config_file: str | None, repair: bool, deep: bool, **_options: Any) -> None:
    """Is the season whole and right? Lists, archive, tables and checkpoint against each other; 65 if not.

    Reads only and asks the upstream nothing, unless --repair is given.
    """
    settings = _load(ctx, config_file)
    from nba_season_backfill.cli import findings

    ctx.exit(findings.repair_command(settings, deep=deep) if repair else findings.audit_command(settings, deep=deep))


@click.command(cls=GroupedCommand)
@_game
@click_options(BackfillSettings, only=(*_WANTED, *_LAKE, *_TOLD))
@_config
@click.pass_context
def explain(ctx: click.Context, /, game: GameId, config_file: str | None, **_options: Any) -> None:
    """Show everything that is known of one game, and what a run would do about it. Asks the upstream nothing."""
    settings = _load(ctx, config_file)
    from nba_season_backfill.cli import findings

    findings.explain_command(settings, game)


@click.group()
def quarantine() -> None:
    """Look at answers that were refused; ask for them again, or take them as they are."""


_dataset = click.option("--dataset", metavar="NAME", help="Only of this dataset.")


@quarantine.command("list", cls=GroupedCommand)
@click_options(BackfillSettings, only=("season", "league", *_LAKE, *_TOLD))
@_config
@click.pass_context
def list_(ctx: click.Context, /, config_file: str | None, **_options: Any) -> None:
    """List what was refused in a season, why, and what became of it."""
    settings = _load(ctx, config_file)
    from nba_season_backfill.cli import findings

    findings.list_command(settings)


@quarantine.command(cls=GroupedCommand)
@_game
@_dataset
@click_options(BackfillSettings, only=(*_LAKE, *_TOLD))
@click.option("--body", is_flag=True, help="Print the refused body too (JSON).")
@_config
@click.pass_context
def show(
    ctx: click.Context, /, game: GameId, dataset: str | None, config_file: str | None, body: bool, **_options: Any
) -> None:
    """Show what was refused of a game, what this version says of it, and whether it can be accepted."""
    settings = _load(ctx, config_file)
    from nba_season_backfill.cli import findings

    findings.show_command(settings, game, dataset, body=body)


@quarantine.command(cls=GroupedCommand)
@_game
@_dataset
@click_options(BackfillSettings, without=(*_DAILY, "season", "game_id", "limit", "start_date", "end_date", "dry_run"))
@click.option("--now", "at_once", is_flag=True, help="Ask at once; otherwise the next run does.")
@_config
@click.pass_context
def retry(
    ctx: click.Context, /, game: GameId, dataset: str | None, config_file: str | None, at_once: bool, **_options: Any
) -> None:
    """Forget what was refused of a game and ask for it again."""
    settings = _load(ctx, config_file)
    from nba_season_backfill.cli import findings

    ctx.exit(findings.retry_command(settings, game, dataset, at_once=at_once))


@quarantine.command(cls=GroupedCommand)
@_game
@click.argument("dataset", metavar="DATASET")
@click_options(
    BackfillSettings,
    without=(*_DAILY, "source", "season", "game_id", "limit", "start_date", "end_date", "dry_run", "datasets"),
)
@click.option(
    "--reason",
    required=True,
    callback=_said,
    metavar="TEXT",
    help="Why the body is right as it is; kept with it.",
)
@click.option("--sha256", metavar="HASH", help="Which body, or how its hash begins.  [default: the newest]")
@_config
@click.pass_context
def accept(
    ctx: click.Context,
    /,
    game: GameId,
    dataset: str,
    config_file: str | None,
    reason: str,
    sha256: str | None,
    **_options: Any,
) -> None:
    """Take a refused body as it is: its rows are stored, the reason is kept, its audit findings count no more."""
    settings = _load(ctx, config_file, source="archive")
    from nba_season_backfill.cli import findings

    ctx.exit(findings.accept_command(settings, game, dataset, reason=reason, sha256=sha256))
