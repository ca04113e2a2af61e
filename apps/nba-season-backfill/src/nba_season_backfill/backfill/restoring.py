"""``audit --repair``: what was found is mended, exactly that, and audited again.

First everything doubtful is derived again, from the archive where its body is good and else from a new answer; what is
still wrong then is asked for anew. So nothing is requested that need not be.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass

from nba_season_backfill.audit import Finding, FindingKind, Mending
from nba_season_backfill.backfill.auditing import Audit, audit_store
from nba_season_backfill.backfill.choosing import utc_now, wanted_season_datasets
from nba_season_backfill.backfill.job import run_season
from nba_season_backfill.backfill.manner import Manner
from nba_season_backfill.backfill.observer import Observer
from nba_season_backfill.backfill.opening import lake_identity, load_checkpoint, open_lake, store_error
from nba_season_backfill.backfill.orders import Orders
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import SEASON_LEVEL, Checkpoint
from nba_season_backfill.datasets import DATASETS
from nba_season_backfill.errors import AuditFailed, ContractViolated
from nba_season_backfill.lake.store import ObjectStore, StoreError
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.base import StatsSource

__all__ = ["Repair", "mend", "orders_of", "repair_season"]

_MONTH = re.compile(r"/month=(\d\d)/")


@dataclass(frozen=True, slots=True)
class Repair:
    """What a repair came to: the last run's summary, and what was found before and after."""

    summary: Summary | None
    before: Audit
    after: Audit

    @property
    def mended(self) -> tuple[Finding, ...]:
        """What was wrong before and is not any more."""
        left = {(each.kind, each.game_id, each.table, each.column, each.row, each.key) for each in self.after.findings}
        return tuple(
            each
            for each in self.before.open_findings
            if (each.kind, each.game_id, each.table, each.column, each.row, each.key) not in left
        )


def mend(
    settings: BackfillSettings,
    season: Season,
    *,
    run_id: str,
    deep: bool = False,
    observer: Observer | None = None,
    stop: Stop | None = None,
    store: ObjectStore | None = None,
    source: StatsSource | None = None,
    now: Callable[[], dt.datetime] = utc_now,
) -> Repair:
    """Audit, mend, audit again.

    Args:
        settings: the source is asked for what the archive cannot give.
        store, source: in place of those that the settings name.
        now: the wall clock, UTC.

    Raises:
        BackfillError: as a run would. What a repair cannot mend is no error here: ``after`` has it.
    """
    opened = store if store is not None else open_lake(settings, stop)
    try:
        before = after = audit_store(settings, season, opened, deep=deep, now=now())
        summary = None
        for ask in (False, True):
            if not after.open_findings or (stop is not None and stop.requested):
                break
            of_season = {dataset.name for dataset in wanted_season_datasets(settings)}
            orders = orders_of(after.open_findings, _checkpoint(settings, season, opened), ask=ask, of_season=of_season)

            def run(orders: Orders = orders) -> Summary:
                return run_season(
                    settings, season, run_id=run_id, observer=observer, stop=stop, store=opened, source=source,
                    manner=Manner(orders=orders), now=now,
                )  # fmt: skip

            summary = _as_far_as_it_goes(run)
            after = audit_store(settings, season, opened, deep=deep, now=now())
        return Repair(summary, before, after)
    except StoreError as error:
        raise store_error(error) from error
    finally:
        if store is None:
            opened.close()


def _as_far_as_it_goes(run: Callable[[], Summary]) -> Summary | None:
    """What is found at the run's own end is found again by the audit after it."""
    try:
        return run()
    except (AuditFailed, ContractViolated) as error:
        return error.summary if isinstance(error.summary, Summary) else None


def _checkpoint(settings: BackfillSettings, season: Season, store: ObjectStore) -> Checkpoint:
    identity = lake_identity(store, season.league, create=False)
    checkpoint = load_checkpoint(settings, store, season, season.league, identity).checkpoint
    assert checkpoint is not None
    return checkpoint


def orders_of(
    findings: Iterable[Finding], checkpoint: Checkpoint, *, ask: bool = False, of_season: Collection[str] = ()
) -> Orders:
    """What has to be done about these findings.

    Args:
        ask: ask anew for every unit that is wrong, instead of deriving it from the archive first.
        of_season: datasets of a whole season that the run will make again when they are forgotten.
    """
    units: set[tuple[str, str]] = set()
    forget: set[tuple[str, str]] = set()
    leave: set[tuple[str, int, str]] = set()
    aside: dict[str, None] = {}
    for finding in findings:
        month = _month(finding.key)
        match finding.mending:
            case Mending.REFETCH:
                units |= _units_of(finding, checkpoint, month)
            case Mending.SET_ASIDE:
                aside[finding.key] = None
                if finding.kind is not FindingKind.BODY_UNNAMED:
                    units |= _in_partition(checkpoint, finding.dataset, month)
            case Mending.REMOVE_ROWS:
                if month is not None:
                    leave.add((finding.table, month, finding.game_id))
                if finding.kind is FindingKind.ROWS_MISPLACED:
                    units.add((finding.game_id, finding.dataset))
            case Mending.FORGET:
                forget.add((finding.game_id, finding.dataset))
    # What a few requests a season answer is made again as a whole.
    forget |= {(SEASON_LEVEL, name) for _subject, name in units if name in of_season}
    known = {unit for unit in units if unit[1] in DATASETS and unit[0] != SEASON_LEVEL} - forget
    return Orders(
        derive=frozenset() if ask else frozenset(known),
        ask=frozenset(known) if ask else frozenset(),
        forget=frozenset(forget),
        leave=frozenset(leave),
        set_aside=tuple(aside),
    )


def _month(key: str) -> int | None:
    found = _MONTH.search(key)
    return int(found[1]) if found is not None else None


def _units_of(finding: Finding, checkpoint: Checkpoint, month: int | None) -> set[tuple[str, str]]:
    if not finding.game_id:
        return _in_partition(checkpoint, finding.dataset, month)
    return {(finding.game_id, dataset) for dataset in (finding.dataset, finding.beside) if dataset}


def _in_partition(checkpoint: Checkpoint, dataset: str, month: int | None) -> set[tuple[str, str]]:
    """Every unit of a dataset whose rows lie in that month; the season's own where there are no months."""
    if month is None:
        return {(SEASON_LEVEL, dataset)}
    return {
        (subject, name)
        for subject, name, _record in checkpoint.units()
        if name == dataset and subject in checkpoint.dates and int(checkpoint.dates[subject][5:7]) == month
    }


def repair_season(
    settings: BackfillSettings,
    season: Season,
    *,
    run_id: str,
    deep: bool = False,
    observer: Observer | None = None,
    stop: Stop | None = None,
) -> Summary:
    """``mend`` as a run: a summary with what is left, which is an error.

    Raises:
        AuditFailed: something could not be mended; the summary lists it.
        BackfillError: as a run.
    """
    repair = mend(settings, season, run_id=run_id, deep=deep, observer=observer, stop=stop)
    left = repair.after.open_findings
    summary = repair.summary or Summary(
        run_id=run_id, season=str(season), source=settings.source, lake=repair.before.lake, checkpoint=""
    )
    summary.findings = [finding.to_document() for finding in left]
    summary.findings_in_all, summary.findings_mended = len(left), len(repair.mended)
    summary.exit_code, summary.outcome, summary.message = 0, "mended" if repair.before.open_findings else "clean", ""
    if left:
        error = AuditFailed(
            f"{len(repair.mended)} findings mended, {len(left)} left, first: {left[0].kind} {left[0].game_id}"
            f" {left[0].dataset}: {left[0].detail}",
            hint="`nba-backfill explain GAME_ID` says what is known of a game",
        )
        summary.exit_code, summary.outcome, summary.message = error.exit_code, "audit_failed", str(error)
        error.summary = summary
        raise error
    return summary
