"""Does the lake agree with the schedule, the game log and itself? Pure: tables in, findings out."""

from __future__ import annotations

from nba_season_backfill.audit.findings import KINDS, Finding, FindingKind, Mending
from nba_season_backfill.audit.lists import Lists, read_totals
from nba_season_backfill.audit.partitions import Partition
from nba_season_backfill.audit.season import SeasonAudit, columns_needed

__all__ = [
    "KINDS",
    "Finding",
    "FindingKind",
    "Lists",
    "Mending",
    "Partition",
    "SeasonAudit",
    "columns_needed",
    "read_totals",
]
