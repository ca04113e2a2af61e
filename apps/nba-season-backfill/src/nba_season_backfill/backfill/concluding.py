"""How a run ends: what is left, what the checkpoint remembers of it, and the error or the green end."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Collection, Mapping, Sequence
from typing import Any

from hoopstat_observability import get_logger
from nba_season_backfill.backfill.choosing import utc_now
from nba_season_backfill.backfill.exchange import Exchange
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Failed, Summary
from nba_season_backfill.checkpoint import Checkpoint, UnitStatus
from nba_season_backfill.errors import (
    AuditFailed,
    BackfillError,
    ContractViolated,
    Incomplete,
    Interrupted,
    SourceBlocked,
    Throttled,
)
from nba_season_backfill.pace import Pacer, PaceState, WaitTooLong
from nba_season_backfill.plan import Plan
from nba_season_backfill.source.verdict import VerdictKind

__all__ = ["conclude", "interrupted", "learned", "statistics", "too_long", "with_summary"]

_LOG = get_logger("nba_season_backfill.job")

_OUTCOMES = {65: "contract_violation", 69: "blocked", 70: "fenced", 75: "incomplete", 78: "configuration"}
_OUTCOMES |= {130: "interrupted", 143: "interrupted"}


def statistics(summary: Summary, exchange: Exchange, pacer: Pacer) -> Mapping[str, Any]:
    """What the checkpoint remembers of the run that wrote it, the time left and what the pace learned included."""
    settled = summary.units_stored + summary.units_absent + summary.units_failed
    left = max(0, summary.units_left - settled)
    pace = pacer.stats
    return {
        "run_id": summary.run_id,
        "updated_at": utc_now().isoformat(timespec="seconds"),
        "games_done": summary.games_done,
        "units_stored": summary.units_stored,
        "units_failed": summary.units_failed,
        "units_absent": summary.units_absent,
        "units_left": left,
        "to_audit": sorted(summary.to_audit),
        "eta_seconds": round(left * pace.interval_seconds),
        "requests": exchange.tally.total,
        "requests_by_verdict": exchange.tally.by_verdict(),
        "waited_seconds": round(pace.waited_seconds, 1),
        "pace": {"interval_seconds": pace.interval_seconds, "learned": pacer.snapshot().to_json()},
    }


def learned(checkpoint: Checkpoint) -> PaceState | None:
    """What an earlier run learned of the pace; None where nothing of it can be used."""
    text = (checkpoint.pace or {}).get("learned")
    if not isinstance(text, str):
        return None
    try:
        return PaceState.from_json(text)
    except ValueError:
        # What was learned helps, but nothing depends on it.
        _LOG.warning("pace_state_unreadable")
        return None


def conclude(
    checkpoint: Checkpoint,
    plan: Plan,
    summary: Summary,
    stop: Stop,
    settled: Collection[tuple[str, str]],
    missing: Sequence[Failed] = (),
    *,
    now: dt.datetime | None = None,
) -> None:
    """Say what the run came to. A green end means that nothing selected is missing.

    Args:
        settled: (game id, dataset) of the units that were stored, or found absent, in this run.
        missing: datasets of the whole season that could not be had.

    Raises:
        Interrupted: a signal stopped the run before its work was done.
        ContractViolated: all that is missing broke its contract: running again will not help by itself.
        Incomplete: something is missing; running again may help.
    """
    now = now or utc_now()
    left = []
    for unit in plan.units:
        name = (unit.game.game_id.text, unit.dataset.name)
        # What was stored before is no answer to a question that this run was to ask anew.
        if name not in settled or not checkpoint.holds(*name, now):
            left.append(unit)
    summary.units_left = len(left)
    summary.games_left = len({unit.game.game_id for unit in left})
    if stop.signal_number is not None and left:
        raise interrupted(stop)
    if left:
        names = ", ".join(sorted({unit.game.game_id.text for unit in left})[:5])
        more = f" and {summary.games_left - 5} more" if summary.games_left > 5 else ""
        message = f"{len(left)} of {len(plan.units)} answers are missing; games: {names}{more}"
        if summary.failures and all(each.verdict == VerdictKind.CONTRACT_VIOLATION for each in summary.failures):
            raise ContractViolated(
                f"{message}; {summary.failures[0].reason}",
                hint="the upstream changed: read the reasons, look for a newer version",
            )
        raise Incomplete(message, hint="run the same command again")
    if missing:
        message = f"{', '.join(each.dataset for each in missing)} of the season cannot be had: {missing[0].reason}"
        if all(each.verdict == VerdictKind.CONTRACT_VIOLATION for each in missing):
            raise ContractViolated(message, hint="the upstream changed: look for a newer version")
        raise Incomplete(message, hint="run the same command again")
    doubtful = sorted(
        f"{subject} {dataset}"
        for subject, dataset, record in checkpoint.units()
        if record.suspicious and record.status is UnitStatus.ABSENT
    )
    if doubtful:
        raise Incomplete(
            f"{len(doubtful)} answers for final games came without content: {', '.join(doubtful[:5])}",
            hint="the upstream may be late; run the same command again in some hours",
        )
    if plan.missing_ids:
        raise Incomplete(
            f"no list of season {plan.season} knows game {', '.join(plan.missing_ids)}", hint="check the ids"
        )
    summary.exit_code = 0
    summary.outcome = "complete" if plan.units else "nothing_to_do"


def interrupted(stop: Stop) -> Interrupted:
    """The error of a run that a signal stopped."""
    return Interrupted(stop.signal_number or 2)


def too_long(error: WaitTooLong) -> BackfillError:
    """The error of a run that would have had to wait longer than it may."""
    if error.kind == "blocked":
        return SourceBlocked(
            error.what_was_seen,
            hint="this is how stats.nba.com blocks; wait an hour, use another connection or NBA_API_PROXY",
        )
    return Throttled(error.what_was_seen, hint="the checkpoint is saved; run the same command again later, or slower")


def with_summary(error: BackfillError, summary: Summary, started: float) -> BackfillError:
    """The error, carrying the summary of what was done before it."""
    summary.duration_in_seconds = round(time.monotonic() - started, 3)
    summary.exit_code = error.exit_code
    summary.message = str(error)
    summary.outcome = "audit_failed" if isinstance(error, AuditFailed) else _OUTCOMES.get(error.exit_code, "failed")
    error.summary = summary
    return error
