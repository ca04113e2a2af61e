"""The quarantine as a run and a person see it: what was refused and why, asked for again, or taken as it is."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hoopstat_observability import get_logger
from nba_season_backfill.lake.quarantine import Quarantine
from nba_season_backfill.plan import Unit
from nba_season_backfill.source.verdict import VerdictKind

if TYPE_CHECKING:
    from nba_season_backfill.backfill.exchange import Reply

__all__ = ["quarantine_reply"]

_LOG = get_logger("nba_season_backfill.quarantine")
_REFUSED = (VerdictKind.CONTRACT_VIOLATION, VerdictKind.ABSENT)


def quarantine_reply(quarantine: Quarantine, unit: Unit, reply: Reply, reason: str, run_id: str) -> bool:
    """Keep the body of an answer that its dataset's checks refused; whether there was one.

    It is in the archive already, so a crash in between loses nothing: the unit is asked for again. An empty answer in
    place of what is stored is kept too.
    """
    if not reply.refused or reply.verdict.kind not in _REFUSED:
        return False
    request = reply.question.request
    key = quarantine.put(
        request.endpoint,
        str(request.season),
        request.subject,
        reply.refused,
        reason=reason,
        dataset=unit.dataset.name,
        fetched_at=reply.fetched_at.isoformat(timespec="milliseconds"),
        run_id=run_id,
        url=reply.url,
    )
    _LOG.warning("body_quarantined", game_id=request.subject, dataset=unit.dataset.name, key=key, reason=reason)
    return True
