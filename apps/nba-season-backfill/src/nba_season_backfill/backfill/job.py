"""A run, whole: open the lake, take the lease, find the games, plan, work, commit, say what was done."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

from hoopstat_observability import get_logger, performance_context, span
from nba_season_backfill.backfill.discovery import discover, season_list_requests
from nba_season_backfill.backfill.engine import Engine, question_of
from nba_season_backfill.backfill.exchange import Exchange, Question, Reply
from nba_season_backfill.backfill.ledger import Ledger
from nba_season_backfill.backfill.observer import NoObserver, Observer
from nba_season_backfill.backfill.opening import (
    OpenState,
    lake_identity,
    load_checkpoint,
    new_checkpoint,
    open_lake,
    store_error,
    store_must_be_honest,
)
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint, UnitStatus
from nba_season_backfill.datasets import DATASETS, GAMES_TABLE, TABLES, games_table
from nba_season_backfill.datasets.base import Dataset, Expectation
from nba_season_backfill.errors import (
    BackfillError,
    ContractViolated,
    Incomplete,
    Interrupted,
    SourceBlocked,
    Throttled,
)
from nba_season_backfill.lake.bronze import BronzeWriter
from nba_season_backfill.lake.lease import Lease, LeaseRecord, acquire_lease
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.pace import PaceConfig, Pacer, PaceState, PaceStopped, WaitTooLong
from nba_season_backfill.plan import Plan, Selection, Unit, assumed_plan, make_plan
from nba_season_backfill.season import GameId, Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.archive import ArchiveSource
from nba_season_backfill.source.base import Answer, StatsRequest, StatsSource
from nba_season_backfill.source.sample import SampleServer
from nba_season_backfill.source.stats_api import StatsApiSource
from nba_season_backfill.source.verdict import VerdictKind, judge

__all__ = ["LEAGUE", "plan_season", "run_season", "wanted_datasets"]

_LOG = get_logger("nba_season_backfill.job")

LEAGUE = "00"
_LEASE_TTL_SECONDS = 60.0
# The season's player index is asked again when there are new games and it is older than this.
_PLAYERS_STALE = dt.timedelta(hours=24)


def wanted_datasets(settings: BackfillSettings) -> tuple[Dataset, ...]:
    """The per-game datasets that the settings ask for, in a fixed order."""
    names: list[str] = []
    if settings.box_scores:
        names += ["box-scores-traditional", "box-scores-advanced"]
    if settings.play_by_play:
        names.append("play-by-play")
    return tuple(DATASETS[name] for name in names)


def selection_of(settings: BackfillSettings) -> Selection:
    """Which games the settings ask for."""
    return Selection(
        season_types=tuple(settings.season_type),
        start_date=settings.start_date,
        end_date=settings.end_date,
        game_ids=tuple(GameId(text) for text in settings.game_id),
        limit=settings.limit,
    )


def utc_now() -> dt.datetime:
    """The wall clock, UTC."""
    return dt.datetime.now(dt.UTC)


def pace_config(settings: BackfillSettings) -> PaceConfig:
    """The pace that the settings ask for: none against loopback unless a rate was given."""
    if settings.pace_off:
        return PaceConfig.off(max_in_flight=settings.max_in_flight)
    loopback = settings.base_url_is_loopback or settings.source == "sample"
    return PaceConfig(
        interval_seconds=settings.interval_seconds,
        jitter_seconds=settings.jitter_seconds,
        floor_seconds=0.0 if loopback else 0.6,
        max_in_flight=settings.max_in_flight,
        request_budget=settings.request_budget,
        max_wait_seconds=settings.max_wait_seconds,
        auto=settings.rate_is_auto,
    )


def open_source(settings: BackfillSettings, season: Season, archive: RawArchive, stack: ExitStack) -> StatsSource:
    """The source that the settings name; closed with the stack."""
    if settings.source == "archive":
        return ArchiveSource(lambda request: _find_archived(archive, request))
    base_url = settings.base_url
    if settings.source == "sample":
        base_url = stack.enter_context(SampleServer(str(season))).base_url
    source = StatsApiSource(
        base_url,
        proxy=settings.proxy.get_secret_value() if settings.proxy is not None else None,
        connect_timeout_seconds=settings.connect_timeout_seconds,
        read_timeout_seconds=settings.read_timeout_seconds,
    )
    stack.callback(source.close)
    return source


def _find_archived(archive: RawArchive, request: StatsRequest) -> tuple[bytes, dt.datetime, str] | None:
    refs = archive.find(request.endpoint, str(request.season), request.subject)
    if not refs:
        return None
    ref = refs[0]
    return archive.get(ref), ref.fetched_at, ref.metadata.get("url", "")


def run_season(
    settings: BackfillSettings,
    season: Season,
    *,
    run_id: str,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> Summary:
    """Fill the lake with a season, or continue to.

    Raises:
        BackfillError: with the exit code that says what happened; what was done before is committed. The summary so
        far is the error's ``summary``.
    """
    observer = observer or NoObserver()
    stop = stop or Stop()
    started = time.monotonic()
    with ExitStack() as stack:
        store = open_lake(settings)
        stack.callback(store.close)
        summary = Summary(
            run_id=run_id,
            season=str(season),
            source=settings.source,
            lake=store.url,
            checkpoint="",
            simulated=settings.source == "sample",
        )
        try:
            with span("run", season=str(season), run_id=run_id):
                _run(settings, season, store, summary, observer, stop, stack)
        except StoreError as error:
            raise _with_summary(store_error(error), summary, started) from error
        except WaitTooLong as error:
            raise _with_summary(_too_long(error), summary, started) from error
        except PaceStopped:
            raise _with_summary(interrupted(stop), summary, started) from None
        except BackfillError as error:
            raise _with_summary(error, summary, started) from error.__cause__
        summary.duration_in_seconds = round(time.monotonic() - started, 3)
    return summary


def _with_summary(error: BackfillError, summary: Summary, started: float) -> BackfillError:
    summary.duration_in_seconds = round(time.monotonic() - started, 3)
    summary.exit_code = error.exit_code
    summary.message = str(error)
    summary.outcome = {
        70: "fenced",
        69: "blocked",
        65: "contract_violation",
        75: "incomplete",
        78: "configuration",
    }.get(error.exit_code, "interrupted" if error.exit_code in (130, 143) else "failed")
    error.summary = summary
    return error


def _too_long(error: WaitTooLong) -> BackfillError:
    if error.kind == "blocked":
        return SourceBlocked(
            error.what_was_seen,
            hint="this is how stats.nba.com blocks; wait an hour, use another connection or NBA_API_PROXY",
        )
    return Throttled(error.what_was_seen, hint="the checkpoint is saved; run the same command again later, or slower")


def interrupted(stop: Stop) -> Interrupted:
    """The error of a run that a signal stopped."""
    return Interrupted(stop.signal_number or 2)


def _run(
    settings: BackfillSettings,
    season: Season,
    store: ObjectStore,
    summary: Summary,
    observer: Observer,
    stop: Stop,
    stack: ExitStack,
) -> None:
    now = utc_now()
    store_must_be_honest(store, single_writer=settings.single_writer)
    lake_id = lake_identity(store, LEAGUE, create=True)
    assert lake_id is not None
    lease = _lease(settings, store, f"season-{season}", summary, observer, stop)
    if lease is None:
        return
    stack.enter_context(lease)
    if settings.source == "nba":
        host = _lease(settings, store, f"host-{settings.upstream_host}-{settings.egress}", summary, observer, stop)
        if host is None:
            return
        stack.enter_context(host)
    opened = load_checkpoint(settings, store, season, LEAGUE, lake_id)
    summary.checkpoint = opened.where
    checkpoint = _begin(settings, season, lake_id, opened, summary, observer, now)
    archive = RawArchive(store)
    pacer = Pacer(pace_config(settings), state=_learned(checkpoint))
    source = open_source(settings, season, archive, stack)
    exchange = Exchange(source, pacer, archive, stop.event, run_id=summary.run_id, offline=settings.source == "archive")
    bronze = BronzeWriter(store, str(season), TABLES)
    ledger = Ledger(
        checkpoint,
        opened.file,
        bronze,
        summary,
        run_id=summary.run_id,
        held=lease.ensure_held,
        snapshot=lambda: _statistics(summary, exchange, pacer),
        utc_now=utc_now,
    )
    try:
        _fill(settings, season, checkpoint, exchange, archive, ledger, summary, observer, stop)
    finally:
        summary.requests = exchange.tally.total
        summary.requests_by_verdict = exchange.tally.by_verdict()
        summary.body_bytes = exchange.tally.body_bytes
        summary.archived_bytes = exchange.tally.archived_bytes
        summary.waited_seconds = round(pacer.stats.waited_seconds, 1)


def _lease(
    settings: BackfillSettings, store: ObjectStore, name: str, summary: Summary, observer: Observer, stop: Stop
) -> Lease | None:
    """The lease; None, with the summary saying so, when it is busy and --on-busy skip was asked for."""

    def waiting(record: LeaseRecord) -> None:
        observer.said(f"{name} is held by {record.holder} (run {record.run_id}): waiting for it")

    lease = acquire_lease(
        store,
        name,
        run_id=summary.run_id,
        ttl_seconds=_LEASE_TTL_SECONDS,
        on_busy=settings.on_busy,
        stop=stop.event,
        on_waiting=waiting,
    )
    if lease is None:
        summary.outcome, summary.exit_code = "skipped", 0
        summary.message = f"{name} is held by another run"
    return lease


def _fill(
    settings: BackfillSettings,
    season: Season,
    checkpoint: Checkpoint,
    exchange: Exchange,
    archive: RawArchive,
    ledger: Ledger,
    summary: Summary,
    observer: Observer,
    stop: Stop,
) -> None:
    tries = settings.max_retries + 1
    with performance_context("discovery") as measured:
        found = discover(exchange, season, settings.season_type, tries=tries)
        measured.records_processed = len(found.games)
    summary.warnings += found.warnings
    ledger.games_table(GAMES_TABLE.name, games_table(found.games), sorted(found.sources.values()))
    plan = make_plan(
        found.games,
        wanted_datasets(settings),
        checkpoint,
        selection_of(settings),
        season=season,
        now=utc_now(),
        season_requests=found.requests,
        refetch=not settings.resume,
    )
    _tell(plan, summary, observer)
    if settings.player_info:
        _players(settings, season, checkpoint, exchange, ledger, plan, tries)
    engine = Engine(
        exchange,
        ledger,
        summary,
        observer,
        stop,
        workers=settings.max_in_flight,
        max_retries=settings.max_retries,
        checkpoint_every=settings.checkpoint_every,
    )
    units = plan.units
    if settings.resume and units and settings.source != "archive":
        replayed = engine.replay(_archived_replies(archive, checkpoint, units))
        if replayed:
            observer.said(f"{len(replayed)} answers were archived before the last run stopped: taken from there")
        units = tuple(unit for unit in units if (unit.game.game_id.text, unit.dataset.name) not in replayed)
    engine.work_through(units)
    ledger.commit()
    _conclude(checkpoint, plan, summary, stop)


def _begin(
    settings: BackfillSettings,
    season: Season,
    lake_id: str,
    opened: OpenState,
    summary: Summary,
    observer: Observer,
    now: dt.datetime,
) -> Checkpoint:
    """The checkpoint to work with; says in a line whether it is continued."""
    if opened.recovered_from is not None:
        summary.warnings.append(
            f"the checkpoint was damaged; its generation {opened.recovered_from} is used, the rest is derived again"
        )
        observer.said(summary.warnings[-1])
    checkpoint = opened.checkpoint
    if checkpoint is None:
        _LOG.info("run_started", season=str(season), lake=summary.lake, source=settings.source, fresh=True)
        return new_checkpoint(settings, season, LEAGUE, lake_id, now)
    stored = sum(1 for _subject, _dataset, record in checkpoint.units() if record.status is UnitStatus.OK)
    verb = "continuing from" if settings.resume else "fetching anew (--no-resume), keeping"
    summary.continued_from = opened.where
    observer.said(f"{verb} the checkpoint {opened.where}: {stored} answers stored")
    _LOG.info(
        "run_started", season=str(season), lake=summary.lake, source=settings.source, fresh=False, stored_units=stored
    )
    checkpoint.config = settings.snapshot()
    checkpoint.config_fingerprint = settings.fingerprint(settings.FINGERPRINTED)
    return checkpoint


def _learned(checkpoint: Checkpoint) -> PaceState | None:
    text = (checkpoint.pace or {}).get("learned")
    if not isinstance(text, str):
        return None
    try:
        return PaceState.from_json(text)
    except ValueError:
        # What was learned helps, but nothing depends on it.
        _LOG.warning("pace_state_unreadable")
        return None


def _statistics(summary: Summary, exchange: Exchange, pacer: Pacer) -> Mapping[str, Any]:
    left = summary.units_left - summary.units_stored - summary.units_absent - summary.units_failed
    interval_seconds = pacer.stats.interval_seconds
    return {
        "run_id": summary.run_id,
        "updated_at": utc_now().isoformat(timespec="seconds"),
        "games_done": summary.games_done,
        "units_stored": summary.units_stored,
        "units_failed": summary.units_failed,
        "units_absent": summary.units_absent,
        "units_left": max(0, left),
        "eta_seconds": round(max(0, left) * interval_seconds),
        "requests": exchange.tally.total,
        "requests_by_verdict": exchange.tally.by_verdict(),
        "waited_seconds": round(pacer.stats.waited_seconds, 1),
        "pace": {"interval_seconds": interval_seconds, "learned": pacer.snapshot().to_json()},
    }


def _tell(plan: Plan, summary: Summary, observer: Observer) -> None:
    summary.games_selected = plan.selected_games
    summary.games_not_final = plan.not_final
    summary.units_never_existed = plan.never_existed
    summary.units_left = len(plan.units)
    summary.games_already_complete = plan.selected_games - sum(plan.not_final.values()) - plan.games_to_do
    for game_id in plan.missing_ids:
        summary.warnings.append(f"game {game_id} stands in no list of season {plan.season}")
    _LOG.info(
        "plan_made",
        games=plan.selected_games,
        games_to_do=plan.games_to_do,
        units=len(plan.units),
        committed_units=plan.committed_units,
        absent_units=plan.absent_units,
        not_final=dict(plan.not_final),
    )
    observer.planned(plan)


def _players(
    settings: BackfillSettings,
    season: Season,
    checkpoint: Checkpoint,
    exchange: Exchange,
    ledger: Ledger,
    plan: Plan,
    tries: int,
) -> None:
    """The player index: one request a season, asked again when there are new games and it is a day old."""
    record = checkpoint.unit(SEASON_LEVEL, "players")
    if record is not None and record.status is UnitStatus.OK and settings.resume:
        age = utc_now() - dt.datetime.fromisoformat(record.judged_at)
        if not plan.units or age < _PLAYERS_STALE:
            return
    dataset = DATASETS["players"]
    expectation = Expectation(game_id="", season=season)
    request = StatsRequest(dataset.endpoint, dict(dataset.parameters(str(season))), season, "season")
    reply = exchange.settled(
        Question(request, dataset.root, lambda payload: dataset.assess(payload, expectation)), tries=tries
    )
    if reply.verdict.kind is VerdictKind.OK and reply.verdict.assessment is not None:
        ledger.season_table("players", reply.verdict.assessment.tables, reply)


def _archived_replies(
    archive: RawArchive, checkpoint: Checkpoint, units: Sequence[Unit]
) -> Iterator[tuple[Unit, Reply]]:
    """Replies for units whose bodies are in the archive but were never judged: what a crash left between the two."""
    endpoints = sorted({unit.dataset.endpoint for unit in units})
    season = str(units[0].game.season)
    stored = {endpoint: archive.newest(endpoint, season) for endpoint in endpoints}
    for unit in units:
        ref = stored[unit.dataset.endpoint].get(unit.game.game_id.text)
        if ref is None:
            continue
        record = checkpoint.unit(unit.game.game_id.text, unit.dataset.name)
        if record is not None and record.raw in (ref.sha256, None):
            # Judged before, and found wanting: only a new answer helps.
            continue
        question = question_of(unit)
        found = _find_archived(archive, question.request)
        if found is None:
            continue
        body, fetched_at, url = found
        answer = Answer(question.request, url=url, fetched_at=fetched_at, latency_seconds=0.0, status=200, body=body)
        yield unit, Reply(question, judge(answer, question.root, question.assess), fetched_at, raw_sha256=ref.sha256)


def _conclude(checkpoint: Checkpoint, plan: Plan, summary: Summary, stop: Stop) -> None:
    """Say what the run came to. A green end means that nothing selected is missing.

    Raises:
        Interrupted: a signal stopped the run before its work was done.
        ContractViolated: all that is missing broke its contract: running again will not help by itself.
        Incomplete: something is missing; running again may help.
    """
    now = utc_now()
    left = [unit for unit in plan.units if not checkpoint.holds(unit.game.game_id.text, unit.dataset.name, now)]
    summary.units_left = len(left)
    summary.games_left = len({unit.game.game_id for unit in left})
    if stop.signal_number is not None and left:
        raise interrupted(stop)
    doubtful = sorted(
        f"{subject} {dataset}"
        for subject, dataset, record in checkpoint.units()
        if record.suspicious and record.status is UnitStatus.ABSENT
    )
    names = ", ".join(sorted({failure.game_id for failure in summary.failures})[:5]) or "none of this run"
    if left:
        message = f"{len(left)} of {len(plan.units)} answers are missing; games: {names}"
        if all(failure.verdict == VerdictKind.CONTRACT_VIOLATION for failure in summary.failures):
            raise ContractViolated(message, hint="the upstream changed: read the reasons, look for a newer version")
        raise Incomplete(message, hint="run the same command again")
    if doubtful:
        raise Incomplete(
            f"{len(doubtful)} final games came without content: {', '.join(doubtful[:5])}",
            hint="the upstream may be late; run the same command again in some hours",
        )
    if plan.missing_ids:
        raise Incomplete(
            f"no list of season {plan.season} knows game {', '.join(plan.missing_ids)}", hint="check the ids"
        )
    summary.exit_code = 0
    summary.outcome = "complete" if plan.units else "nothing_to_do"


def plan_season(settings: BackfillSettings, season: Season, *, ask: bool) -> tuple[Plan, str]:
    """What a run would do, and where; nothing is written.

    With ``ask`` the season's lists are asked for (from the sample: on loopback) and the plan is exact. Without, no
    network is touched: a lake in a folder is read, a bucket is taken as empty, and the plan says so.
    """
    with ExitStack() as stack:
        try:
            store = open_lake(settings)
            stack.callback(store.close)
            remote = settings.s3_bucket is not None
            checkpoint = None
            if ask or not remote:
                identity = lake_identity(store, LEAGUE, create=False)
                checkpoint = load_checkpoint(settings, store, season, LEAGUE, identity).checkpoint
        except StoreError as error:
            raise store_error(error) from error
        datasets, selection = wanted_datasets(settings), selection_of(settings)
        season_requests = len(season_list_requests(season, settings.season_type)) + int(settings.player_info)
        if not ask:
            made = assumed_plan(season, datasets, checkpoint, selection, season_requests=season_requests)
            if remote:
                made = replace(made, assumptions=(*made.assumptions, "the bucket was not looked at: taken as empty"))
            return made, store.url
        stop = Stop()
        source = open_source(settings, season, RawArchive(store), stack)
        pacer = Pacer(pace_config(settings), state=_learned(checkpoint) if checkpoint is not None else None)
        exchange = Exchange(source, pacer, None, stop.event, run_id="", offline=settings.source == "archive")
        try:
            found = discover(exchange, season, settings.season_type, tries=settings.max_retries + 1)
        except WaitTooLong as error:
            raise _too_long(error) from error
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
