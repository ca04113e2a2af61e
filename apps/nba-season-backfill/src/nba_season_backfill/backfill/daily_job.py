"""Every morning: the days since the watermark and the last few again, through the one engine.

``run_daily`` is what ``nba-backfill daily`` does, for programs; ``run_daily_async`` is the same for callers inside an
event loop.
"""

from __future__ import annotations

import asyncio
import contextvars
import datetime as dt
import signal
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from functools import partial
from typing import Any

from hoopstat_observability import bind_run, get_logger, redact
from nba_season_backfill.backfill.choosing import utc_now
from nba_season_backfill.backfill.daily_increment import DailyIncrement
from nba_season_backfill.backfill.flight import Flight
from nba_season_backfill.backfill.job import Manner, run_season
from nba_season_backfill.backfill.observer import NoObserver, Observer, Observers
from nba_season_backfill.backfill.opening import open_lake, open_state, store_error
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Failed, Summary, Validation
from nba_season_backfill.backfill.telling import keep_secret, tell
from nba_season_backfill.daily.watermark import Watermark
from nba_season_backfill.daily.window import Window, seasons_due
from nba_season_backfill.errors import BackfillError, ConfigurationError, ContractViolated, Incomplete
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.state import StateCorrupt, StateFormatUnknown
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.season import EASTERN, Season, season_of_date
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import StatsSource

__all__ = ["DailySummary", "daily_seasons", "prospect", "run_daily", "run_daily_async"]

_LOG = get_logger("nba_season_backfill.daily")


@dataclass(frozen=True, slots=True)
class DailySummary:
    """What a daily run came to.

    ``audit_path`` is the run's flight record in the lake. ``rows_by_dataset`` counts the rows that were written, by
    table. ``validation`` has what the checks counted, by dataset; ``filtered_out_count`` counts the rows of refused
    answers, of which none is stored; ``failures`` are those answers. ``watermark`` is the last US Eastern date up to
    which every game is complete; ``since`` the first date that was looked at (None = the season's). ``seasons`` has
    each season's own summary, the current one last.
    """

    run_id: str
    outcome: str
    exit_code: int
    message: str
    audit_path: str
    rows_by_dataset: Mapping[str, int]
    validation: Mapping[str, Validation]
    filtered_out_count: int
    failures: tuple[Failed, ...]
    warnings: tuple[str, ...]
    since: dt.date | None
    watermark: dt.date | None
    games_done: int
    corrections: int
    requests: int
    duration_in_seconds: float
    seasons: tuple[Summary, ...]

    def to_document(self) -> dict[str, Any]:
        """As JSON; dates as text."""
        document = asdict(self)
        for name in ("since", "watermark"):
            document[name] = document[name].isoformat() if document[name] else None
        return document


def run_daily(
    settings: BackfillSettings,
    *,
    run_id: str | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
    store: ObjectStore | None = None,
    source: StatsSource | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> DailySummary:
    """Bring a lake up to date: new final games, and what was corrected of the last days' games.

    The run is recorded in the lake, and told of as the settings say. A day without games is a success.

    Args:
        settings: where from, where to, how. Without a season the one that the date belongs to is meant, and the one
            before as long as it is not complete.
        stop: ask it to stop the run in order, from any thread.
        store, source: in place of those that the settings name.
        now: the wall clock, UTC.

    Raises:
        BackfillError: with the exit code that says what happened; what was done before is committed. Its ``summary``
            is that of the season in which it happened.
    """
    if settings.dry_run:
        raise ConfigurationError("a dry run was asked for (DRY_RUN), and this fetches", hint="see `daily --dry-run`")
    stop, ids = stop or Stop(), bind_run(run_id)
    keep_secret(settings)
    settings = settings.resolved(eastern_date(settings, now))
    opened = open_lake(settings, stop) if store is None else store
    flight = Flight(settings, ids, command="daily", store=opened, now=now)
    observers = Observers(observer or NoObserver(), flight)
    flight.begin()
    try:
        summaries = daily_seasons(
            settings, run_id=ids.run_id, observer=observers, stop=stop, store=opened, source=source, now=now
        )
        _tell(settings, flight, summaries[-1], None, stop)
    except BackfillError as error:
        _tell(settings, flight, error.summary, error, stop)
        raise
    except Exception as error:
        internal = BackfillError(f"internal error: {type(error).__name__}: {redact(str(error))}")
        internal.__cause__ = error
        _tell(settings, flight, None, internal, stop)
        raise
    except BaseException as error:
        # The process is about to end: the record is written if there is time for it.
        flight.end(None, BackfillError(f"ended by {type(error).__name__}"))
        raise
    finally:
        if store is None:
            opened.close()
    return _summed_up(summaries, f"{opened.url}/{flight.key}")


def _tell(
    settings: BackfillSettings, flight: Flight, summary: Summary | None, error: BackfillError | None, stop: Stop
) -> None:
    for problem in tell(settings, flight, summary, error, stop):
        _LOG.warning("not_told", problem=problem)
        if summary is not None:
            summary.warnings.append(problem)


async def run_daily_async(
    settings: BackfillSettings,
    *,
    run_id: str | None = None,
    observer: Observer | None = None,
    stop: Stop | None = None,
    store: ObjectStore | None = None,
    source: StatsSource | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> DailySummary:
    """``run_daily`` in a thread of its own; the event loop goes on meanwhile. The arguments are the same.

    Cancelling stops the run in order: it sends nothing more, commits what is done and releases its leases, within ten
    seconds; only then the cancellation goes on.

    Raises:
        BackfillError: as ``run_daily`` does.
        asyncio.CancelledError: when it was cancelled, whatever the run came to.
    """
    stop = stop or Stop()
    context = contextvars.copy_context()
    job = partial(run_daily, settings, run_id=run_id, observer=observer, stop=stop, store=store, source=source, now=now)
    running = asyncio.get_running_loop().run_in_executor(None, context.run, job)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        stop.request(signal.SIGTERM)
        await _to_its_end(running)
        raise


async def _to_its_end(running: asyncio.Future[DailySummary]) -> None:
    """Until the run has ended, however often the caller is cancelled meanwhile."""
    while not running.done():
        try:
            await asyncio.wait({running})
        except asyncio.CancelledError:
            continue
    if not running.cancelled() and running.exception() is not None:
        _LOG.info("cancelled_run_ended", error=str(running.exception()))


def eastern_date(settings: BackfillSettings, now: Callable[[], dt.datetime]) -> dt.date:
    """The US Eastern date that a run is of."""
    return settings.today_eastern(now().astimezone(EASTERN).date())


def daily_seasons(
    settings: BackfillSettings,
    *,
    run_id: str,
    observer: Observer,
    stop: Stop,
    store: ObjectStore | None = None,
    source: StatsSource | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> list[Summary]:
    """The work of a daily run alone, season by season; the current one last.

    What is missing of an older season keeps nobody from the current one: it is raised afterwards.

    Args:
        settings: resolved to a season.

    Raises:
        BackfillError: as ``run_season`` does.
    """
    today = eastern_date(settings, now)
    opened = open_lake(settings, stop) if store is None else store
    summaries: list[Summary] = []
    missing: BackfillError | None = None
    try:
        seasons = _seasons(settings, opened, today)
        for season in seasons:
            try:
                summary = run_season(
                    settings.for_season(season),
                    season,
                    run_id=run_id,
                    observer=observer,
                    stop=stop,
                    store=opened,
                    source=source,
                    manner=Manner(increment=DailyIncrement(settings, season, today)),
                    now=now,
                )
            except (ContractViolated, Incomplete) as error:
                if season == seasons[-1]:
                    raise
                missing = missing or error
                continue
            summary.message = summary.message or _message(summary)
            summaries.append(summary)
    finally:
        if store is None:
            opened.close()
    if missing is not None:
        raise missing
    return summaries


def prospect(settings: BackfillSettings, *, now: Callable[[], dt.datetime] = utc_now) -> list[dict[str, Any]]:
    """Which seasons and days a daily run would look at. Asks nobody, writes nothing; a bucket is taken as empty.

    Args:
        settings: resolved to a season.
    """
    today = eastern_date(settings, now)
    store = open_lake(settings) if settings.s3_bucket is None else MemoryStore()
    try:
        seasons = []
        for season in _seasons(settings, store, today):
            watermark = _watermark(settings, store, season) or Watermark(None)
            since = Window.of(today, watermark, settings.lookback_days).since
            seasons.append({"season": str(season), "today": today.isoformat(), "since": since and since.isoformat()})
            seasons[-1] |= {"watermark": watermark.date and watermark.date.isoformat()}
        return seasons
    finally:
        store.close()


def _seasons(settings: BackfillSettings, store: ObjectStore, today: dt.date) -> Sequence[Season]:
    """The seasons that were asked for; else the current one, and the one before while the lake lacks some of it."""
    asked = settings.seasons(today)
    current = season_of_date(today, settings.which_league)
    if settings.origin("season").explicit or asked != (current,) or settings.state_file_path is not None:
        return asked
    before = Season(current.start_year - 1, current.league)
    return seasons_due(current, before, today, settings.lookback_days, _watermark(settings, store, before))


def _watermark(settings: BackfillSettings, store: ObjectStore, season: Season) -> Watermark | None:
    """How far another season of this lake is complete; None when the lake does not have it."""
    file, where = open_state(settings, store, season)
    try:
        loaded = file.load()
    except (StateCorrupt, StateFormatUnknown) as error:
        _LOG.warning("season_before_unreadable", checkpoint=where, reason=str(error))
        return None
    except StoreError as error:
        raise store_error(error) from error
    return Watermark.from_document(loaded.content.get("watermark")) if loaded is not None else None


def _message(summary: Summary) -> str:
    """What a day came to, in a sentence."""
    complete = f"everything up to {summary.watermark} is complete" if summary.watermark else "no date is complete yet"
    if summary.games_done:
        corrected = f", {summary.corrections} values were corrected" if summary.corrections else ""
        return f"{summary.games_done} games were fetched{corrected}; {complete}"
    since = f" since {summary.since}" if summary.since else ""
    return f"no new final game{since}; {complete}"


def _summed_up(summaries: Sequence[Summary], audit_path: str) -> DailySummary:
    last = summaries[-1]
    rows: Counter[str] = Counter()
    for summary in summaries:
        rows.update(summary.rows_by_table)
    return DailySummary(
        run_id=last.run_id,
        outcome=last.outcome,
        exit_code=last.exit_code,
        message=last.message,
        audit_path=audit_path,
        rows_by_dataset=dict(rows),
        validation=_validation(summaries),
        filtered_out_count=sum(summary.filtered_out_count for summary in summaries),
        failures=tuple(failure for summary in summaries for failure in summary.failures),
        warnings=tuple(warning for summary in summaries for warning in summary.warnings),
        since=dt.date.fromisoformat(last.since) if last.since else None,
        watermark=dt.date.fromisoformat(last.watermark) if last.watermark else None,
        games_done=sum(summary.games_done for summary in summaries),
        corrections=sum(summary.corrections for summary in summaries),
        requests=sum(summary.requests for summary in summaries),
        duration_in_seconds=round(sum(summary.duration_in_seconds for summary in summaries), 3),
        seasons=tuple(summaries),
    )


def _validation(summaries: Sequence[Summary]) -> Mapping[str, Validation]:
    """What the checks of all seasons counted, by dataset."""
    found: dict[str, Validation] = {}
    for summary in summaries:
        for dataset, counts in summary.validation.items():
            known = found.setdefault(dataset, Validation())
            for each in fields(Validation):
                setattr(known, each.name, getattr(known, each.name) + getattr(counts, each.name))
    return found
