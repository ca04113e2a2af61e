"""The audit at the end of every run: what the run touched, whole; of the rest of the season the scores.

What a run has to look at is remembered with every commit, so that a crash before this audit, or a finding in it, makes
the next run look again: no later run is green by having nothing to do.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from hoopstat_observability import get_logger, performance_context
from nba_season_backfill.audit import Finding, FindingKind, Lists, SeasonAudit
from nba_season_backfill.backfill.auditing import accepted_units, look_at_partitions
from nba_season_backfill.backfill.ledger import Ledger
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.checkpoint import Checkpoint
from nba_season_backfill.datasets import TABLES
from nba_season_backfill.errors import AuditFailed
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectStore
from nba_season_backfill.plan import Selection
from nba_season_backfill.schedule import Game
from nba_season_backfill.season import EASTERN, Season

__all__ = ["audit_run", "must_be_clean"]

_LOG = get_logger("nba_season_backfill.audit")

_SCORES = frozenset({"box-scores-traditional-teams", "team-game-logs"})
# More of them say nothing more; the audit command lists them all.
_KEPT = 50


def audit_run(
    store: ObjectStore,
    season: Season,
    checkpoint: Checkpoint,
    games: Sequence[Game],
    wanted: Selection,
    summary: Summary,
    ledger: Ledger,
    now: dt.datetime,
    *,
    whole: bool = True,
) -> None:
    """Audit what was touched since the last clean end; findings go into the summary, the rest is marked as clean.

    Args:
        games: every game of the season, as this run's lists have them.
        wanted: what was asked for: only a run over whole season types says whether a season is whole.
        whole: False for a run that works on single units only, whatever was asked for.
    """
    partly = not whole or wanted.game_ids or wanted.start_date or wanted.end_date or wanted.limit is not None
    today = now.astimezone(EASTERN).date()
    lists = Lists(season, games, () if partly else wanted.season_types, today)
    with performance_context("audit") as measured:
        audit = SeasonAudit(
            lists,
            checkpoint,
            key_of=lambda table, month: layout.partition_key(table, str(season), month),
            now=now,
            accepted=accepted_units(store, checkpoint),
        )
        touched = {int(month) for month in summary.to_audit}
        measured.records_processed = look_at_partitions(
            store,
            audit,
            season,
            [
                (table, month)
                for table, month in audit.partitions_named()
                if table in TABLES and (month in touched or table in _SCORES)
            ],
        )
        found = [finding for finding in audit.findings() if not finding.accepted and _counts(finding, lists)]
    summary.findings = [finding.to_document() for finding in found[:_KEPT]]
    summary.findings_in_all = len(found)
    for finding in found[:_KEPT]:
        _LOG.error("audit_finding", **finding.to_document())
    if found:
        months = {month for finding in found if (month := _month(finding, lists)) is not None}
        summary.to_audit = sorted(touched | months)
    elif touched:
        summary.to_audit = []
    else:
        return
    ledger.touch()
    ledger.commit(everything=True)
    ledger.wait()


def _counts(finding: Finding, lists: Lists) -> bool:
    """While a season is on, a game whose day is over may be without a result for many reasons: the command says so."""
    return finding.kind is not FindingKind.GAME_UNRESOLVED or lists.over


def _month(finding: Finding, lists: Lists) -> int | None:
    game = lists.by_id.get(finding.game_id)
    return game.month if game is not None else None


def must_be_clean(summary: Summary) -> None:
    """A run that found something is never green.

    Raises:
        AuditFailed: says how much, and the first of it.
    """
    if not summary.findings_in_all:
        return
    first = summary.findings[0]
    where = " ".join(str(first[name]) for name in ("game_id", "dataset", "column") if first.get(name))
    raise AuditFailed(
        f"{summary.findings_in_all} audit findings, first: {first['kind']} {where}: {first['detail']}",
        hint="`nba-backfill audit` lists them, `nba-backfill audit --repair` mends them",
    )
