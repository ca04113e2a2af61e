"""``query``: questions to the lake, answered as tables for people or as data for programs. Writes nothing."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar, cast

import click

from hoopstat_config import GroupedCommand, click_options
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.settings.values import MOST

if TYPE_CHECKING:
    from nba_season_backfill.cli.page_formats import Page
    from nba_season_backfill.query import Lake

__all__ = ["query"]

_LAKE = ("output", "s3_bucket", "s3_prefix", "s3_endpoint_url", "aws_region")
_Command = TypeVar("_Command", bound=Callable[..., Any])
# Without an upper end a number could be larger than what the engine can hold.
_COUNT = click.IntRange(1, MOST)
FORMATS = ("table", "json", "csv", "markdown", "parquet")


@click.group()
def query() -> None:
    """Ask the lake: players, teams, games, SQL. Reads only; a backfill may be running."""


def _question(command: _Command) -> _Command:
    """What every question takes: which lake, in which form the answer comes, and whether its cost is told."""
    options: tuple[Callable[[Any], Any], ...] = (
        click.option(
            "--config", "config_file", metavar="FILE", envvar="NBA_BACKFILL_CONFIG", help="Read settings from a file"
        ),
        click.option("--explain", is_flag=True, help="Tell on standard error what was read: requests, bytes, files."),
        click.option("--wide", is_flag=True, help="Every column, where people get a choice of them."),
        click.option(
            "--format",
            "format_",
            type=click.Choice(FORMATS),
            help="How the answer is written.  [default: table on a terminal, else json]",
        ),
        click.option("--lake", metavar="PLACE", help="s3://BUCKET/PREFIX or a folder, in place of the options above."),
        click_options(BackfillSettings, only=_LAKE),
        click.pass_context,
    )
    decorated: Any = command
    for option in options:
        decorated = option(decorated)
    return cast(_Command, decorated)


_season = click.option("--season", "of_season", metavar="YYYY-YY", help="Which season.  [default: the lake's newest]")
_season_type = click.option("--season-type", "part", metavar="TYPE", help="Regular Season, Playoffs, PlayIn, IST.")


@query.command(cls=GroupedCommand)
@click.argument("name")
@click.option("--stat", default="points", show_default=True, help="Which statistic: a column, or pts, reb, 3pm, usage.")
@click.option("--limit", type=_COUNT, default=8, show_default=True, help="How many recent games.")
@_season
@_season_type
@_question
def player(
    ctx: click.Context, /, name: str, stat: str, limit: int, of_season: str | None, part: str | None, **common: Any
) -> None:
    """How a player did lately in one statistic, and on average."""
    from nba_season_backfill.cli import pages

    _answer(
        ctx,
        common,
        lambda lake: pages.player(
            lake.player_summary(name, stat, limit, season=of_season, season_type=part or "Regular Season")
        ),
    )


@query.command("player-games", cls=GroupedCommand)
@click.argument("name")
@click.option("--last", type=_COUNT, metavar="N", help="Only the last so many.")
@click.option("--advanced", is_flag=True, help="The advanced statistics too.")
@click.option("--played", is_flag=True, help="Leave out the games that the player sat out.")
@_season
@_season_type
@_question
def player_games(
    ctx: click.Context,
    /,
    name: str,
    last: int | None,
    advanced: bool,
    played: bool,
    of_season: str | None,
    part: str | None,
    **common: Any,
) -> None:
    """A player's games of a season, with every statistic."""
    from nba_season_backfill.cli import pages

    _answer(
        ctx,
        common,
        lambda lake: pages.player_games(
            lake,
            lake.player_games(name, season=of_season, last=last, season_type=part, advanced=advanced, played=played),
            advanced=advanced,
        ),
    )


@query.command("player-context", cls=GroupedCommand)
@click.argument("name")
@_season
@_season_type
@_question
def player_context(ctx: click.Context, /, name: str, of_season: str | None, part: str | None, **common: Any) -> None:
    """What one wants to know of a player before the next game: form, home and away, rest, opponent."""
    from nba_season_backfill.cli import pages

    _answer(
        ctx,
        common,
        lambda lake: pages.context(lake.player_context(name, season=of_season, season_type=part or "Regular Season")),
    )


@query.command(cls=GroupedCommand)
@click.argument("name")
@click.option("--last", type=_COUNT, default=10, show_default=True, help="How many recent games.")
@_season
@_season_type
@_question
def team(ctx: click.Context, /, name: str, last: int, of_season: str | None, part: str | None, **common: Any) -> None:
    """A team's record, points, pace and ratings, and its last games."""
    from nba_season_backfill.cli import pages

    def ask(lake: Lake) -> Page:
        stats = lake.team_stats(name, season=of_season, season_type=part or "Regular Season")
        return pages.team(lake, stats, lake.team_games(name, last=last, season=of_season, season_type=part))

    _answer(ctx, common, ask)


@query.command(cls=GroupedCommand)
@click.argument("game_id", metavar="GAME_ID")
@click.option("--play-by-play", "play_by_play", is_flag=True, help="Every action, in place of the box score.")
@_question
def game(ctx: click.Context, /, game_id: str, play_by_play: bool, **common: Any) -> None:
    """A game's box score, or its play-by-play."""
    from nba_season_backfill.cli import pages

    if play_by_play:
        _answer(ctx, common, lambda lake: pages.play_by_play(lake, game_id, lake.play_by_play(game_id)))
    else:
        _answer(ctx, common, lambda lake: pages.game(lake.box_score(game_id)))


@query.command(cls=GroupedCommand)
@click.option("--date", metavar="YYYY-MM-DD", help="Of one US Eastern date; `today` for today's.")
@click.option("--team", metavar="NAME", help="Of one team.")
@_season
@_question
def games(ctx: click.Context, /, date: str | None, team: str | None, of_season: str | None, **common: Any) -> None:
    """The schedule and its results: of a date, a team, a season."""
    from nba_season_backfill.cli import pages

    _answer(
        ctx,
        common,
        lambda lake: pages.games(
            lake,
            lake.todays_games() if date == "today" else lake.games(date=date, team=team, season=of_season),
        ),
    )


@query.command(cls=GroupedCommand)
@_season
@_question
def coverage(ctx: click.Context, /, of_season: str | None, **common: Any) -> None:
    """What is in the lake of what there should be, by season, month and dataset."""
    from nba_season_backfill.cli import pages

    _answer(ctx, common, lambda lake: pages.plain("Coverage", lake.coverage(season=of_season)))


@query.command(cls=GroupedCommand)
@_question
def status(ctx: click.Context, /, **common: Any) -> None:
    """Each season of the lake: how much of it is there, and how its last run ended."""
    from nba_season_backfill.cli import pages

    _answer(ctx, common, lambda lake: pages.plain("Seasons", lake.status()))


@query.command(cls=GroupedCommand)
@click.argument("statement", metavar="SELECT")
@_question
def sql(ctx: click.Context, /, statement: str, explain: bool, **common: Any) -> None:
    """One SELECT over the lake's tables, through DuckDB.

    Tables: games, players, play_by_play, box_scores_traditional and so on; each has season and month too.
    """
    from nba_season_backfill.cli import pages

    _answer(
        ctx,
        {**common, "explain": explain},
        lambda lake: pages.of_sql(lake, lake.sql(statement, explain=explain)),
    )


def _answer(ctx: click.Context, common: dict[str, Any], ask: Callable[[Lake], Page]) -> None:
    from nba_season_backfill.cli import page_formats

    with _lake(ctx, common["lake"], common["config_file"]) as lake:
        page = ask(lake)
        page_formats.write(page, common["format_"], wide=common["wide"], explain=common["explain"])


def _lake(ctx: click.Context, place: str | None, config_file: str | None) -> Lake:
    """The lake that ``--lake`` names, else the one a run would fill."""
    from nba_season_backfill.cli.entry import load_settings
    from nba_season_backfill.query import Lake

    if place is not None and not place.startswith("s3://"):
        return Lake.open(place)
    named: dict[str, object] = {}
    if place is not None:
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        named["s3_bucket"] = bucket
        if prefix:
            named["s3_prefix"] = prefix
    settings = load_settings(ctx, config_file, **named)
    where = place or (f"s3://{settings.s3_bucket}/{settings.s3_prefix}" if settings.s3_bucket else settings.output)
    return Lake.open(where, endpoint_url=settings.s3_endpoint_url, region=settings.aws_region)
