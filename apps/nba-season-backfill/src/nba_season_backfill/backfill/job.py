"""A run, whole: open the lake, take the lease, find the games, plan, work, commit, say what was done."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, replace

from hoopstat_observability import get_logger, performance_context, span
from nba_season_backfill.backfill.accepting import Acceptances
from nba_season_backfill.backfill.choosing import (
    at_most,
    examines_apart,
    open_source,
    pace_config,
    selection_of,
    utc_now,
    wanted_datasets,
)
from nba_season_backfill.backfill.closing import audit_run, must_be_clean
from nba_season_backfill.backfill.concluding import conclude, interrupted, learned, statistics, too_long, with_summary
from nba_season_backfill.backfill.discovery import discover
from nba_season_backfill.backfill.doctor import Health, preflight
from nba_season_backfill.backfill.engine import Engine
from nba_season_backfill.backfill.examiner import Examiner
from nba_season_backfill.backfill.exchange import Exchange
from nba_season_backfill.backfill.ledger import Ledger
from nba_season_backfill.backfill.manner import Manner
from nba_season_backfill.backfill.marking import RunEnd
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
from nba_season_backfill.backfill.orders import set_aside
from nba_season_backfill.backfill.revisions import Revisions
from nba_season_backfill.backfill.salvage import archived_bodies, archived_replies
from nba_season_backfill.backfill.season_datasets import SeasonDatasets
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.datasets import TABLES
from nba_season_backfill.errors import BackfillError, Incomplete, SourceUnavailable
from nba_season_backfill.lake.bronze import BronzeWriter
from nba_season_backfill.lake.lease import Lease, LeaseRecord, acquire_lease
from nba_season_backfill.lake.quarantine import Quarantine
from nba_season_backfill.lake.raw import RawArchive
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.pace import Pacer, PaceStopped, WaitTooLong
from nba_season_backfill.plan import Plan, Unit, make_plan
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import StatsSource
from nba_season_backfill.source.sample import SampleServer

__all__ = ["Manner", "run_season"]

_LOG = get_logger("nba_season_backfill.job")

_WHOLE = Manner()
_LEASE_TTL_SECONDS = 60.0
# Without a pace: more than are worked on while a month is written.
_READY = 60
# A month of play-by-play takes a tenth of a second to encode: without a pace that would be most of the work.
_FLUSH_SECONDS = 6.0


def run_season(
    settings: BackfillSettings,
    season: Season,
    *,
    run_id: str,
    observer: Observer | None = None,
    stop: Stop | None = None,
    store: ObjectStore | None = None,
    source: StatsSource | None = None,
    flush_seconds: float = _FLUSH_SECONDS,
    manner: Manner = _WHOLE,
    now: Callable[[], dt.datetime] = utc_now,
    pacer: Pacer | None = None,
    sample: SampleServer | None = None,
) -> Summary:
    """Fill the lake with a season, or continue to.

    Args:
        store, source: in place of those that the settings name (a test that makes them fail).
        flush_seconds: partitions are not rewritten more often than that, whatever the pace.
        now: the wall clock, UTC.
        pacer: the pace that seasons fetched one after the other share; else one that goes on as the checkpoint says.
        sample: the sample's emulator, where it was begun already; it ends with the run.

    Raises:
        BackfillError: with the exit code that says what happened; what was done before is committed. The summary so
        far is the error's ``summary``.
    """
    stop = stop or Stop()
    started = time.monotonic()
    with ExitStack() as stack:
        if store is None:
            store = open_lake(settings, stop)
            stack.callback(store.close)
        summary = Summary(
            run_id=run_id,
            season=str(season),
            source=settings.source,
            lake=store.url,
            checkpoint="",
            simulated=settings.source == "sample",
        )
        run = _SeasonRun(
            settings,
            season,
            store,
            summary,
            observer or NoObserver(),
            stop,
            manner,
            source,
            flush_seconds,
            now,
            pacer,
            sample,
        )
        try:
            with span("run", season=str(season), run_id=run_id):
                run.go(stack)
        except StoreError as error:
            failure = store_error(error, under_way=run.under_way, signal_number=stop.signal_number)
            raise with_summary(failure, summary, started) from error
        except WaitTooLong as error:
            raise with_summary(too_long(error), summary, started) from error
        except PaceStopped:
            raise with_summary(interrupted(stop), summary, started) from None
        except BackfillError as error:
            raise with_summary(error, summary, started) from error.__cause__
        summary.duration_in_seconds = round(time.monotonic() - started, 3)
    return summary


@dataclass(slots=True)
class _SeasonRun:
    """One run over one season."""

    settings: BackfillSettings
    season: Season
    store: ObjectStore
    summary: Summary
    observer: Observer
    stop: Stop
    manner: Manner
    source: StatsSource | None
    flush_seconds: float
    now: Callable[[], dt.datetime]
    pacer: Pacer | None
    sample: SampleServer | None
    under_way: bool = False

    def go(self, stack: ExitStack) -> None:
        settings, store, summary = self.settings, self.store, self.summary
        throttled_before = getattr(store, "throttled", 0)
        store_must_be_honest(store, single_writer=settings.single_writer)
        lake_id = lake_identity(store, self.season.league, create=True)
        assert lake_id is not None
        lease = self._lease(f"season-{self.season}")
        if lease is None:
            return
        stack.enter_context(lease)
        if settings.source == "nba":
            host = self._lease(f"host-{settings.upstream_host}-{settings.egress}")
            if host is None:
                return
            stack.enter_context(host)
        opened = load_checkpoint(
            settings, store, self.season, self.season.league, lake_id, recover=self.manner.recover, stop=self.stop
        )
        self.under_way = True
        # A lease that was removed by hand begins again at 1: the checkpoint remembers how far the tokens had come.
        lease.raise_token(above=opened.fencing_token)
        summary.checkpoint = opened.where
        checkpoint = self._begin(opened, lake_id)
        summary.to_audit = list(checkpoint.statistics.get("to_audit", ()))
        checkpoint.forget(self.manner.doubtful)
        archive = RawArchive(store)
        asking = stack.enter_context(ExitStack())
        examiner = asking.enter_context(Examiner())
        if opened.checkpoint is None and examines_apart(settings, at_most(settings)):
            # Much is to come, as far as is known: let it start while the lists are fetched.
            examiner.begin(settings.requests_in_flight)
        pacer = self.pacer or Pacer(pace_config(settings), state=learned(checkpoint))
        waited_before = pacer.stats.waited_seconds
        source = self.source or open_source(settings, self.season, archive, asking, self.sample)
        quarantine = Quarantine(store)
        accepted = Acceptances(quarantine.acceptances(str(self.season)))
        exchange = Exchange(
            source,
            pacer,
            archive,
            self.stop.event,
            run_id=summary.run_id,
            offline=settings.source == "archive",
            judged=self.observer.judged,
            heed=accepted.heed,
            examine=examiner.examine,
        )
        bronze = BronzeWriter(store, str(self.season), TABLES)
        ledger = Ledger(
            checkpoint,
            opened.file,
            bronze,
            summary,
            run_id=summary.run_id,
            held=lease.ensure_held,
            snapshot=lambda: statistics(summary, exchange, pacer),
            flush_seconds=self.flush_seconds,
            revisions=Revisions(
                archive, bronze, summary, run_id=summary.run_id, from_history=settings.source == "archive"
            ),
            quarantine=quarantine,
        )
        stack.callback(ledger.close)
        if opened.recovered_from is not None or opened.damage:
            # What cannot be trusted must be replaced even if nothing else changes.
            ledger.touch()
        self.observer.pacing(pacer)
        self._preflight()
        if self.manner.set_aside:
            # Once the checkpoint says so: a crash in between leaves units that are derived anew, never rows unnoticed.
            ledger.touch()
            ledger.commit(everything=True)
            ledger.wait()
            set_aside(store, self.manner.set_aside)
        if self.manner.orders is not None:
            self.manner.orders.prepare(store, checkpoint, bronze, ledger)
        try:
            self._fill(checkpoint, exchange, archive, ledger, bronze, accepted, examiner, asking)
        finally:
            summary.requests = 0 if settings.source == "archive" else exchange.tally.total
            summary.requests_by_verdict = {} if settings.source == "archive" else exchange.tally.by_verdict()
            summary.store_throttled = getattr(store, "throttled", 0) - throttled_before
            summary.simulated = summary.simulated or exchange.tally.simulated
            summary.body_bytes = exchange.tally.body_bytes
            summary.archived_bytes = exchange.tally.archived_bytes
            summary.waited_seconds = round(pacer.stats.waited_seconds - waited_before, 1)

    def _preflight(self) -> None:
        """What doctor would find, before any data moves: a failure ends the run, a warning is said."""
        for check in preflight(self.settings, self.store):
            _LOG.debug("preflight", check=check.name, health=check.health.value, detail=check.detail)
            if check.health is Health.FAILED:
                raise SourceUnavailable(check.detail, hint=check.hint)
            if check.health is Health.WARNING:
                self._warn(f"{check.detail}; {check.hint}")

    def _lease(self, name: str) -> Lease | None:
        """The lease; None, with the summary saying so, when it is busy and --on-busy skip was asked for."""

        def waiting(record: LeaseRecord) -> None:
            self.observer.said(f"{name} is held by {record.holder} (run {record.run_id}): waiting for it")

        lease = acquire_lease(
            self.store,
            name,
            run_id=self.summary.run_id,
            ttl_seconds=_LEASE_TTL_SECONDS,
            on_busy=self.settings.on_busy,
            stop=self.stop.event,
            on_waiting=waiting,
        )
        if lease is None:
            self.summary.outcome, self.summary.exit_code = "skipped", 0
            self.summary.message = f"{name} is held by another run"
        return lease

    def _begin(self, opened: OpenState, lake_id: str) -> Checkpoint:
        """The checkpoint to work with; says in a line whether it is continued."""
        settings, summary = self.settings, self.summary
        if opened.recovered_from is not None:
            self._warn(f"the checkpoint was damaged: its generation {opened.recovered_from} is taken in its place")
        elif opened.damage:
            self._warn(f"the checkpoint was damaged and is made anew from the archive ({opened.damage})")
        checkpoint = opened.checkpoint
        if checkpoint is None:
            _LOG.info("run_started", season=str(self.season), lake=summary.lake, source=settings.source, fresh=True)
            return new_checkpoint(settings, self.season, self.season.league, lake_id, self.now())
        stored = sum(1 for _subject, _dataset, record in checkpoint.units() if record.status is UnitStatus.OK)
        verb = "continuing from" if settings.resume else "fetching anew (--no-resume), keeping"
        summary.continued_from = opened.where
        self.observer.said(f"{verb} the checkpoint {opened.where}: {stored} answers stored")
        _LOG.info(
            "run_started",
            season=str(self.season),
            lake=summary.lake,
            source=settings.source,
            fresh=False,
            stored_units=stored,
        )
        checkpoint.config = settings.snapshot()
        checkpoint.config_fingerprint = settings.fingerprint(settings.FINGERPRINTED)
        return checkpoint

    def _warn(self, message: str) -> None:
        self.summary.warnings.append(message)
        self.observer.said(message)

    def _fill(
        self,
        checkpoint: Checkpoint,
        exchange: Exchange,
        archive: RawArchive,
        ledger: Ledger,
        bronze: BronzeWriter,
        accepted: Acceptances,
        examiner: Examiner,
        asking: ExitStack,
    ) -> None:
        settings, summary, orders = self.settings, self.summary, self.manner.orders
        tries, increment, datasets = settings.max_retries + 1, self.manner.increment, wanted_datasets(settings)
        with performance_context("discovery") as measured:
            if increment is not None:
                found = increment.discover(exchange, archive, checkpoint, tries=tries)
            else:
                found = discover(
                    exchange,
                    self.season,
                    settings.season_type,
                    tries=tries,
                    scoreboards_from=archive if settings.scoreboards else None,
                )
            measured.records_processed = len(found.games)
        if not found.games and self.now().date() > _surely_begun(self.season):
            raise Incomplete(
                f"season {self.season}: no list of the upstream has a single game of it",
                hint="it was played, so the answers are not to be believed; run the same command again later",
            )
        for warning in found.warnings:
            self._warn(warning)
        summary.games_moved = ledger.relocate(found.games)
        end = RunEnd(
            checkpoint, ledger, summary, found, datasets, selection_of(settings), self._moment(), settings.source
        )
        end.put_games()
        wanted = selection = end.wanted
        doubted = frozenset[tuple[str, str]]()
        if increment is not None:
            selection, doubted = increment.narrow(wanted, found, checkpoint, bronze, summary)
        elif orders is not None:
            selection, doubted = orders.selection(), orders.ask

        ledger.before_the_end(end.settle)
        plan = make_plan(
            found.games,
            orders.datasets() if orders is not None else wanted_datasets(settings, self.manner.again),
            checkpoint,
            selection,
            season=self.season,
            now=self.now(),
            season_requests=found.requests,
            refetch=not settings.resume or bool(self.manner.again),
            doubted=doubted,
        )
        if orders is not None:
            plan = orders.narrow(plan)
        work = self._only_archived(plan, archive) if settings.source == "archive" else plan
        self._tell(work, already=plan.selected_games - sum(plan.not_final.values()) - plan.games_to_do)
        seasonal = SeasonDatasets(
            settings, self.season, self.manner, checkpoint, exchange, archive, ledger, summary, self.now
        )
        missing = seasonal.bring_up_to_date(found, new_games=bool(work.units))
        engine = Engine(
            exchange,
            ledger,
            summary,
            self.observer,
            self.stop,
            workers=settings.requests_in_flight,
            max_retries=settings.max_retries,
            checkpoint_every=settings.checkpoint_every,
            ahead=_READY if settings.pace_off else settings.requests_in_flight,
        )
        units = work.units
        if settings.resume and settings.source != "archive":
            units = self._salvage(engine, archive, checkpoint, units, accepted)
        if examines_apart(settings, len(work.units)):
            examiner.begin(settings.requests_in_flight)
        engine.work_through(units)
        ledger.finish()
        if not self.stop.requested:
            # The audit reads what was stored, not what was meant to be; both at once would be twice the memory. Whoever
            # was asked, or examined the answers, ends meanwhile.
            bronze.let_go()
            whole = orders is None
            with ThreadPoolExecutor(1, thread_name_prefix="end") as others:
                ended = others.submit(asking.close)
                audit_run(
                    self.store,
                    self.season,
                    checkpoint,
                    found.games,
                    wanted,
                    summary,
                    ledger,
                    self._moment(),
                    whole=whole,
                )
                ended.result()
        wanted_work = work if self.manner.from_archive_only else plan
        conclude(checkpoint, wanted_work, summary, self.stop, ledger.settled, missing, now=self.now())
        must_be_clean(summary)

    def _moment(self) -> dt.datetime:
        """The clock; on another day where the run is of another day."""
        increment = self.manner.increment
        return self.now() if increment is None else increment.moment(self.now())

    def _only_archived(self, plan: Plan, archive: RawArchive) -> Plan:
        """From the archive only what is in it can come; the rest is said, not tried."""
        bodies = archived_bodies(archive, plan.units)
        there = tuple(unit for unit in plan.units if (unit.game.game_id.text, unit.dataset.name) in bodies)
        if len(there) < len(plan.units):
            self._warn(
                f"{len(plan.units) - len(there)} answers are not in the archive: a run from the NBA fetches them"
            )
        return replace(plan, units=there)

    def _salvage(
        self, engine: Engine, archive: RawArchive, checkpoint: Checkpoint, units: Sequence[Unit], accepted: Acceptances
    ) -> tuple[Unit, ...]:
        """Settle what is archived already without asking again; the units that remain."""
        replayed = engine.replay(archived_replies(archive, checkpoint, units, accepted))
        if replayed:
            self.observer.said(f"{len(replayed)} answers were archived before the last run stopped: taken from there")
        return tuple(unit for unit in units if (unit.game.game_id.text, unit.dataset.name) not in replayed)

    def _tell(self, plan: Plan, *, already: int) -> None:
        summary = self.summary
        summary.games_selected = plan.selected_games
        summary.games_not_final = plan.not_final
        summary.units_never_existed = plan.never_existed
        summary.units_left = len(plan.units)
        summary.games_already_complete = already
        for game_id in plan.missing_ids:
            self._warn(f"game {game_id} stands in no list of season {plan.season}")
        _LOG.info(
            "plan_made",
            games=plan.selected_games,
            games_to_do=plan.games_to_do,
            units=len(plan.units),
            committed_units=plan.committed_units,
            absent_units=plan.absent_units,
            not_final=dict(plan.not_final),
        )
        self.observer.planned(plan)


def _surely_begun(season: Season) -> dt.date:
    """By then games of the season have been played, even where it began late (1 January 2012, 22 December 2020)."""
    return dt.date(season.start_year + 1, 1, 31)
