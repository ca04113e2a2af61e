"""Where bytes come from: the upstream through nba_api, the sample's emulator, or the raw archive."""

from nba_season_backfill.source.base import Answer, Failure, FailureKind, StatsRequest, StatsSource
from nba_season_backfill.source.verdict import Verdict, VerdictKind, judge

__all__ = ["Answer", "Failure", "FailureKind", "StatsRequest", "StatsSource", "Verdict", "VerdictKind", "judge"]
