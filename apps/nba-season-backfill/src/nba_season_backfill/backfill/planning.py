"""What a run would do, without doing it."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import replace

from nba_season_backfill.backfill.choosing import open_source, pace_config, selection_of, utc_now, wanted_datasets
from nba_season_backfill.backfill.concluding import too_long
from nba_season_backfill.backfill.discovery import discover, season_list_requests
from nba_season_backfill.backfill.exchange import Exchange
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import StoreError
from nba_season_backfill.pace import Pacer, WaitTooLong
from nba_season_backfill.plan import Plan, assumed_plan, make_plan
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["plan_season"]


def plan_season(settings: BackfillSettings, season: Season, *, ask: bool) -> tuple[Plan, str]:
    """What a run would do, and where; nothing is written.

    With ``ask`` the season's lists are asked for (from the sample: on loopback) and the plan is exact. Without, no
    network is touched: a lake in a folder is read, a bucket is taken as empty, and the plan says so.

    Raises:
        BackfillError: as a run would.
    """
    with ExitStack() as stack:
        try:
            store = open_lake(settings)
            stack.callback(store.close)
            remote = settings.s3_bucket is not None
            checkpoint = None
            if ask or not remote:
                identity = lake_identity(store, season.league, create=False)
                checkpoint = load_checkpoint(settings, store, season, season.league, identity).checkpoint
        except StoreError as error:
            raise store_error(error) from error
        datasets, selection = wanted_datasets(settings), selection_of(settings)
        season_requests = len(season_list_requests(season, settings.season_type)) + int(settings.player_info)
        if not ask:
            made = assumed_plan(season, datasets, checkpoint, selection, season_requests=season_requests)
            if remote:
                made = replace(made, assumptions=(*made.assumptions, "the bucket was not looked at: taken as empty"))
            return made, store.url
        source = open_source(settings, season, RawArchive(store), stack)
        exchange = Exchange(
            source,
            Pacer(pace_config(settings)),
            None,
            Stop().event,
            run_id="",
            offline=settings.source == "archive",
        )
        try:
            found = discover(exchange, season, settings.season_type, tries=settings.max_retries + 1)
        except WaitTooLong as error:
            raise too_long(error) from error
        made = make_plan(
            found.games,
            datasets,
            checkpoint,
            selection,
            season=season,
            now=utc_now(),
            season_requests=season_requests,
            refetch=not settings.resume,
        )
        return made, store.url
