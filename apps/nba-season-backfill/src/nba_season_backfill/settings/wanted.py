"""Which games and datasets are wanted."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from hoopstat_config import IsoDate, Option, Settings, SettingsConfigDict
from nba_season_backfill.season import SeasonType
from nba_season_backfill.settings import values
from nba_season_backfill.settings.values import SAMPLE_SEASON

__all__ = ["WantedOptions"]

GROUP = "What to fetch"

_GameDate = Annotated[IsoDate, AfterValidator(values.game_date)]


class WantedOptions(Settings):
    """Which games and datasets are wanted."""

    model_config = SettingsConfigDict(env_prefix="NBA_BACKFILL_")

    season: Annotated[
        Annotated[str, AfterValidator(values.seasons)] | None,
        Option(
            "--season",
            env="NBA_TARGET_SEASON",
            group=GROUP,
            metavar="YYYY-YY",
            help="The season to fetch; or several: 2019-20,2021-22, a range 2019-20:2024-25, all.",
            shown_default=f"the current season; {SAMPLE_SEASON} with --source sample",
        ),
    ] = None
    season_order: Annotated[
        Literal["oldest", "newest"],
        Option("--season-order", group=GROUP, help="Which of several seasons is fetched first."),
    ] = "oldest"
    league: Annotated[
        Literal["nba", "wnba", "gleague"],
        Option("--league", group=GROUP, help="The league; each fills a lake of its own."),
    ] = "nba"
    season_type: Annotated[
        Annotated[tuple[SeasonType, ...], Field(min_length=1), AfterValidator(values.each_once)],
        Option("--season-type", group=GROUP, metavar="TYPE", help=f"One of {', '.join(SeasonType)}."),
    ] = (SeasonType.REGULAR_SEASON, SeasonType.IST, SeasonType.PLAY_IN, SeasonType.PLAYOFFS)
    start_date: Annotated[
        _GameDate | None,
        Option("--start-date", group=GROUP, help="Only games on or after this US Eastern date."),
    ] = None
    end_date: Annotated[
        _GameDate | None,
        Option("--end-date", group=GROUP, help="Only games on or before this US Eastern date."),
    ] = None
    game_id: Annotated[
        Annotated[tuple[Annotated[str, AfterValidator(values.game_id)], ...], AfterValidator(values.each_once)],
        Option("--game-id", group=GROUP, metavar="ID", help="Only this game: ten digits."),
    ] = ()
    limit: Annotated[
        Annotated[int, Field(ge=1, le=values.MOST)] | None,
        Option("--limit", group=GROUP, metavar="N", expects="games", help="No more than so many games in this run."),
    ] = None
    box_scores: Annotated[bool, Option("--no-box-scores", group=GROUP, help="Leave box scores out.")] = True
    play_by_play: Annotated[bool, Option("--no-play-by-play", group=GROUP, help="Leave play-by-play out.")] = True
    player_info: Annotated[bool, Option("--no-player-info", group=GROUP, help="Leave the list of players out.")] = True
