"""What the settings mean for a run: which games and datasets, at what pace, from which source."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from contextlib import ExitStack

from hoopstat_observability import get_logger
from nba_season_backfill.datasets import DATASETS, SEASON_DATASETS
from nba_season_backfill.datasets.base import Dataset, SeasonDataset
from nba_season_backfill.datasets.contract import under_contract
from nba_season_backfill.datasets.groups import expand
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import StoreError
from nba_season_backfill.pace import PaceConfig
from nba_season_backfill.plan import Selection
from nba_season_backfill.season import GameId, Season
from nba_season_backfill.settings import PUBLIC_HOST_FLOOR_SECONDS, BackfillSettings, values
from nba_season_backfill.source.archive import ArchiveSource
from nba_season_backfill.source.base import StatsRequest, StatsSource
from nba_season_backfill.source.sample import SampleServer
from nba_season_backfill.source.stats_api import StatsApiSource

__all__ = [
    "at_most",
    "examines_apart",
    "find_archived",
    "open_source",
    "pace_config",
    "selection_of",
    "utc_now",
    "wanted_datasets",
    "wanted_season_datasets",
]

_LOG = get_logger("nba_season_backfill.choosing")

# With a longer interval than this there is time enough to examine answers between two requests.
_IDLE_SECONDS = 0.02
_FEWEST_UNITS = 300
_GAMES = 1230  # of a whole season


def utc_now() -> dt.datetime:
    """The wall clock, UTC."""
    return dt.datetime.now(dt.UTC)


def wanted_datasets(settings: BackfillSettings, only: Sequence[str] = ()) -> tuple[Dataset, ...]:
    """The per-game datasets that the settings ask for (or those of them in ``only``), in a fixed order.

    Their answers are judged under the schema contract that the settings ask for.
    """
    return tuple(
        under_contract(DATASETS[name], settings.schema_contract)
        for name in settings.wanted_names
        if name in DATASETS and name not in SEASON_DATASETS and (not only or name in only)
    )


def wanted_season_datasets(settings: BackfillSettings) -> tuple[SeasonDataset, ...]:
    """The datasets of a whole season that the settings ask for, judged under the same contract."""
    chosen = set(expand(settings.datasets))
    return tuple(
        under_contract(
            # With --bulk alone, only the traditional lines are wanted.
            SEASON_DATASETS[name] if name in chosen else SEASON_DATASETS[name].only(name),
            settings.schema_contract,
        )
        for name in settings.wanted_names
        if name in SEASON_DATASETS
    )


def selection_of(settings: BackfillSettings) -> Selection:
    """Which games the settings ask for."""
    return Selection(
        season_types=tuple(settings.season_type),
        start_date=settings.start_date,
        end_date=settings.end_date,
        game_ids=tuple(GameId(text) for text in settings.game_id),
        limit=settings.limit,
    )


def pace_config(settings: BackfillSettings) -> PaceConfig:
    """The pace that the settings ask for: none against the sample unless a rate was given."""
    if settings.pace_off:
        return PaceConfig.off(max_in_flight=settings.requests_in_flight)
    loopback = settings.base_url_is_loopback or settings.source == "sample"
    budget = settings.request_budget
    if settings.rate_is_auto and not settings.origin("request_budget").explicit:
        # The default budget is the default pace: it would keep auto from ever finding a faster one.
        budget = 0
    return PaceConfig(
        interval_seconds=settings.interval_seconds,
        jitter_seconds=settings.jitter_seconds,
        floor_seconds=0.0 if loopback else PUBLIC_HOST_FLOOR_SECONDS,
        max_in_flight=settings.requests_in_flight,
        request_budget=budget,
        max_wait_seconds=settings.max_wait_seconds,
        auto=settings.rate_is_auto,
    )


def examines_apart(settings: BackfillSettings, units: int = _FEWEST_UNITS) -> bool:
    """Whether a process that examines answers beside this one pays.

    There is a core for it, no pace that leaves this process idle, and work for longer than its start takes.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    unpaced = settings.source == "archive" or settings.effective_interval_seconds < _IDLE_SECONDS
    return cores > 1 and unpaced and units >= _FEWEST_UNITS


def at_most(settings: BackfillSettings) -> int:
    """How many answers a run may be after, as far as the settings tell: those of a season, unless they name fewer."""
    games = len(settings.game_id) or settings.limit or _GAMES
    return games * len(wanted_datasets(settings))


def open_source(
    settings: BackfillSettings,
    season: Season,
    archive: RawArchive,
    stack: ExitStack,
    sample: SampleServer | None = None,
) -> StatsSource:
    """The source that the settings name; closed with the stack. ``sample`` is used if it was begun for this season."""
    if settings.source == "archive":
        return ArchiveSource(lambda request: find_archived(archive, request))
    base_url = settings.base_url
    if settings.source == "sample":
        server = sample if sample is not None and sample.season == season else SampleServer(season)
        base_url = stack.enter_context(server).start()
    source = StatsApiSource(
        base_url,
        proxy=settings.proxy.get_secret_value() if settings.proxy is not None else None,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
        parameter_order=values.parameter_order(settings.parameter_order),
    )
    stack.callback(source.close)
    return source


def find_archived(archive: RawArchive, request: StatsRequest) -> tuple[bytes, dt.datetime, str] | None:
    """(body, fetched at, URL) of the newest archived answer to a request; None if there is none, or it is damaged."""
    refs = archive.find(request.endpoint, str(request.season), request.subject)
    if not refs:
        return None
    ref = refs[0]
    try:
        return archive.get(ref), ref.fetched_at, ref.metadata.get("url", "")
    except StoreError as error:
        if error.kind != "corrupt":
            raise
        # As good as not archived: the answer that comes in its place heals it.
        _LOG.warning("archived_body_damaged", key=ref.key, reason=str(error))
        return None
