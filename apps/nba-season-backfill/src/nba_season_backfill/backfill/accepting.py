"""What a person decided about a refused body, and how a verdict heeds it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from nba_season_backfill.source.base import StatsRequest
from nba_season_backfill.source.verdict import Verdict, VerdictKind

__all__ = ["Acceptances"]


@dataclass(frozen=True, slots=True)
class Acceptances:
    """The bodies of a season that were taken as they are.

    Args:
        reasons: (endpoint, subject, SHA-256 of the body) -> why.
    """

    reasons: Mapping[tuple[str, str, str], str] = field(default_factory=dict)

    def heed(self, request: StatsRequest, body: bytes, verdict: Verdict) -> Verdict:
        """The verdict, or ``ok`` where the dataset's checks refused exactly this body and a person accepted it.

        Only what could be made into rows is taken: a check that failed, not a field that is missing.
        """
        if not self.reasons or verdict.kind is not VerdictKind.CONTRACT_VIOLATION or verdict.assessment is None:
            return verdict
        if not verdict.assessment.tables:
            return verdict
        sha256 = hashlib.sha256(body).hexdigest()
        reason = self.reasons.get((request.endpoint, request.subject, sha256))
        if reason is None:
            return verdict
        return replace(
            verdict,
            kind=VerdictKind.OK,
            rule="accepted",
            explanation=f"accepted: {reason} ({verdict.explanation})",
            assessment=replace(verdict.assessment, kind="ok"),
            believed_for=None,
        )
