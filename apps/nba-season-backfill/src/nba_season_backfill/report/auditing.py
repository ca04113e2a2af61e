"""The audit as a report shows it: findings by kind, what each means and what mends it."""

from __future__ import annotations

from collections import defaultdict

from nba_season_backfill.audit import KINDS, Finding, FindingKind, Mending
from nba_season_backfill.backfill.auditing import audit_store
from nba_season_backfill.lake.store import ObjectStore
from nba_season_backfill.report.facts import AuditFacts, FindingGroup
from nba_season_backfill.season import Season
from nba_season_backfill.settings import BackfillSettings

__all__ = ["audit_facts"]

_MOST_EXAMPLES = 5

_WHAT_TO_DO = {
    Mending.REFETCH: "nba-backfill audit --repair derives it again, from the archive where the body is good.",
    Mending.RELIST: "The next run asks for the season's lists again: nba-backfill run.",
    Mending.REMOVE_ROWS: "nba-backfill audit --repair takes the rows out.",
    Mending.SET_ASIDE: "nba-backfill audit --repair moves it into the quarantine and derives it again.",
    Mending.FORGET: "nba-backfill audit --repair takes the line out of the checkpoint.",
    Mending.NOTHING: "Nothing here mends it: it stays until the upstream's lists say otherwise.",
}


def audit_facts(settings: BackfillSettings, season: Season, store: ObjectStore, *, wanted: bool) -> AuditFacts:
    """Audit the season, unless it is not wanted.

    Raises:
        CheckpointUnusable, StoreError: the lake cannot be read.
    """
    if not wanted:
        return AuditFacts(done=False, why_not="The audit was left out of this report.")
    audit = audit_store(settings, season, store)
    groups: dict[str, list[Finding]] = defaultdict(list)
    notes = list(audit.notes)
    # Work that is left is no damage: the calendar shows it.
    left = [finding for finding in audit.open_findings if finding.kind is FindingKind.DATASET_MISSING]
    if left:
        notes.append(f"{len(left):,} answers for final games are not stored yet: nba-backfill run fetches them.")
    for finding in audit.open_findings:
        if finding.kind is not FindingKind.DATASET_MISSING:
            groups[finding.kind.value].append(finding)
    return AuditFacts(
        done=True,
        groups=[
            FindingGroup(
                kind=kind,
                meaning=KINDS[found[0].kind].meaning,
                what_to_do=_WHAT_TO_DO[KINDS[found[0].kind].mending],
                count=sum(finding.count for finding in found),
                examples=[_words(finding) for finding in found[:_MOST_EXAMPLES]],
            )
            for kind, found in sorted(groups.items(), key=lambda each: -len(each[1]))
        ],
        accepted=len(audit.findings) - len(audit.open_findings),
        checked=f"{audit.games:,} games, {audit.partitions:,} partitions, {audit.rows:,} rows, {audit.bodies:,} bodies",
        notes=notes,
    )


def _words(finding: Finding) -> str:
    where = " ".join(part for part in (finding.game_id, finding.dataset or finding.table) if part)
    return f"{where}: {finding.detail}" if where else finding.detail
