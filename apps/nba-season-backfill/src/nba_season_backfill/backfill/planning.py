"""What a run would do, without doing it."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import replace

from nba_season_backfill.backfill.choosing import (
    open_source,
    pace_config,
    selection_of,
    utc_now,
    wanted_datasets,
    wanted_season_datasets,
)
from nba_season_backfill.backfill.concluding import too_long
from nba_season_backfill.backfill.discovery import discover, season_list_requests
from nba_season_backfill.backfill.exchange import Exchange
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.season_datasets import teams_of
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import StoreError
from nba_season_backfill.pace import Pacer, WaitTooLong
from nba_season_backfill.plan import Plan, assumed_plan, make_plan
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["plan_season"]

_USUAL_TEAMS = 30


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
        lists = season_list_requests(season, settings.season_type)
        if not ask:
            requests = len(lists) + _season_dataset_requests(settings, season, checkpoint, range(_USUAL_TEAMS))
            made = assumed_plan(season, datasets, checkpoint, selection, season_requests=requests)
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
        teams = teams_of(found.games, settings.season_type)
        made = make_plan(
            found.games,
            datasets,
            checkpoint,
            selection,
            season=season,
            now=utc_now(),
            season_requests=len(lists) + _season_dataset_requests(settings, season, checkpoint, teams),
            refetch=not settings.resume,
        )
        return made, store.url


def _season_dataset_requests(
    settings: BackfillSettings, season: Season, checkpoint: Checkpoint | None, team_ids: Sequence[int]
) -> int:
    """How many requests the datasets of the whole season take that are not stored, the season's lists not counted."""
    lists = {(request.endpoint, request.subject) for request in season_list_requests(season, settings.season_type)}
    asked = {
        (request.endpoint, request.subject)
        for dataset in wanted_season_datasets(settings)
        if season >= dataset.first_season
        and (checkpoint is None or not settings.resume or checkpoint.unit(SEASON_LEVEL, dataset.name) is None)
        for request in dataset.requests(season, settings.season_type, season.league.value, team_ids)
    }
    return len(asked - lists)
