"""After a run: its record is completed, who should know is told, within a bound that nothing can stretch."""

from __future__ import annotations

import dataclasses
import socket
import threading
import uuid
from typing import Any

from hoopstat_observability import get_logger, register_secret
from nba_season_backfill import __version__
from nba_season_backfill.alert import Alert, Delivery, Ending, Persistence, RunEnd, beat, events_of, send
from nba_season_backfill.backfill.choosing import utc_now
from nba_season_backfill.backfill.errands import Errand, Patience
from nba_season_backfill.backfill.flight import Flight, Past
from nba_season_backfill.backfill.stopping import Stop
from nba_season_backfill.backfill.summary import Summary
from nba_season_backfill.errors import BackfillError, Interrupted, SourceBlocked, StoreUnusable
from nba_season_backfill.settings import BackfillSettings
from nba_season_backfill.source.verdict import VerdictKind

__all__ = ["MOST_SECONDS", "MOST_SECONDS_AFTER_A_SIGNAL", "keep_secret", "tell"]

_LOG = get_logger("nba_season_backfill.telling")

MOST_SECONDS = 15.0
"""A run ends no later than so long after its work is done, whatever store and receivers do."""

MOST_SECONDS_AFTER_A_SIGNAL = 3.0
"""The same, once a signal asked the run to stop."""

# An alert should name a record that is there, but not wait for one that may never be.
_RECORD_SECONDS = 4.0
_UNUSABLE_SECONDS = 1.0
_A_PLAIN_PATH = 12
_COUNTS = (
    "games_selected",
    "games_done",
    "games_already_complete",
    "games_left",
    "units_stored",
    "units_absent",
    "units_failed",
    "units_left",
    "missing",
    "type_errors",
    "outliers",
    "filtered_out_count",
    "quarantined",
    "findings_in_all",
    "corrections",
    "requests",
    "commits",
)


def keep_secret(settings: BackfillSettings) -> None:
    """Have every secret of the settings masked wherever it turns up: proxy, webhook, heartbeat, their secrets."""
    for secret in (settings.alert_hmac_secret, settings.alert_secret):
        if secret is not None:
            register_secret(secret.get_secret_value())
    for url in (settings.alert_webhook, settings.heartbeat_url):
        if url is None:
            continue
        text = url.get_secret_value()
        register_secret(text)
        path = "/" + text.partition("://")[2].partition("/")[2]
        # Libraries log host and path apart. One without a token in it would be masked in other addresses.
        if len(path) > _A_PLAIN_PATH or any(character.isdigit() for character in path):
            register_secret(path)
    if settings.proxy is not None:
        register_secret(settings.proxy.get_secret_value())


def tell(
    settings: BackfillSettings,
    flight: Flight,
    summary: Summary | None,
    error: BackfillError | None,
    stop: Stop,
) -> list[str]:
    """Complete the record, send the alert, call the heartbeat; gives what did not work, in words.

    Takes no longer than MOST_SECONDS (MOST_SECONDS_AFTER_A_SIGNAL once a stop is requested), never raises.
    """
    patience = Patience(MOST_SECONDS, stop.event, MOST_SECONDS_AFTER_A_SIGNAL)
    flight.end(summary, error)
    errands: list[Errand[Delivery | None]] = []
    if settings.heartbeat_url is not None and error is None and summary is not None and _brought_up_to_date(summary):
        url = settings.heartbeat_url.get_secret_value()
        errands.append(Errand("heartbeat", lambda late: beat(url, persistence=_persistence(settings, patience, late))))
    # A store that cannot be used will not take a record either.
    unusable = isinstance(error, StoreUnusable) or (isinstance(error, Interrupted) and not error.saved)
    record_seconds = _UNUSABLE_SECONDS if unusable else min(_RECORD_SECONDS, patience.left_seconds() / 3)
    recorded = patience.wait_for(flight.landed, record_seconds) and not flight.problem
    if settings.alert_webhook is not None:
        errands.append(
            Errand("alert", lambda late: _alert(settings, flight, summary, error, patience, late, recorded=recorded))
        )
    problems = [problem for errand in reversed(errands) if (problem := _problem(errand, patience))]
    if not patience.wait_for(flight.landed, 0.0 if unusable else None):
        problems.append(f"the flight record {flight.key} was not written in time")
    elif flight.problem:
        problems.append(f"the flight record {flight.key} could not be written: {flight.problem}")
    return problems


def _brought_up_to_date(summary: Summary) -> bool:
    """Not so if another run was in the way, or nobody was asked."""
    return summary.outcome != "skipped" and summary.source != "archive"


def _alert(
    settings: BackfillSettings,
    flight: Flight,
    summary: Summary | None,
    error: BackfillError | None,
    patience: Patience,
    too_late: threading.Event,
    *,
    recorded: bool,
) -> Delivery | None:
    """Send the alert, if there is anything to tell that somebody asked for."""
    assert settings.alert_webhook is not None
    past = flight.past or Past()
    new_fields = _new_fields(summary, past)
    ending = Ending(
        error.exit_code if error is not None else 0,
        findings=_findings(summary) + len(new_fields),
        blocked=isinstance(error, SourceBlocked),
        idle=summary is not None and summary.outcome == "skipped",
        # Derived from the archive, a success says nothing of the upstream.
        failed_before=past.failed_runs_in_a_row if summary is not None and _brought_up_to_date(summary) else 0,
    )
    events = tuple(event for event in events_of(ending) if event.value in settings.alert_on)
    if not events:
        return None
    run = _run_end(flight, summary, error, past, new_fields, recorded=recorded)
    # A receiver refuses what is old by its own clock, whatever day the run is of.
    alert = Alert(events, run, str(uuid.uuid4()), int(utc_now().timestamp()))
    signing, shared = settings.alert_hmac_secret, settings.alert_secret
    return send(
        alert,
        settings.alert_webhook.get_secret_value(),
        hmac_secret=signing.get_secret_value() if signing is not None else None,
        secret=shared.get_secret_value() if shared is not None else None,
        persistence=_persistence(settings, patience, too_late),
    )


def _persistence(settings: BackfillSettings, patience: Patience, too_late: threading.Event) -> Persistence:
    return Persistence(
        retries=settings.alert_retries,
        backoff_seconds=settings.alert_backoff,
        seconds=patience.left_seconds(),
        given_up=too_late,
    )


def _problem(errand: Errand[Delivery | None], patience: Patience) -> str:
    """What is wrong with an errand, once it is over; nothing when it is not."""
    if not errand.finished(patience):
        return f"the {errand.name} was not delivered: given up, its receiver takes too long"
    if errand.problem:
        return f"the {errand.name} was not delivered: {errand.problem}"
    delivery = errand.result
    if delivery is None:
        return ""
    if delivery.delivered:
        _LOG.info(f"{errand.name}_delivered", attempts=delivery.attempts)
        return ""
    tries = f"{delivery.attempts} {'try' if delivery.attempts == 1 else 'tries'}"
    return f"the {errand.name} was not delivered ({tries}): {delivery.reason}"


def _run_end(
    flight: Flight,
    summary: Summary | None,
    error: BackfillError | None,
    past: Past,
    new_fields: list[str],
    *,
    recorded: bool,
) -> RunEnd:
    settings, ended_at = flight.settings, flight.ended_at
    assert ended_at is not None
    failed = past.failed_runs_in_a_row + (1 if error is not None else 0)
    document: dict[str, Any] = {} if summary is None else dataclasses.asdict(summary)
    return RunEnd(
        run_id=flight.ids.run_id,
        correlation_id=flight.ids.correlation_id,
        command=flight.command,
        season=settings.season or "",
        source=settings.source,
        simulated=settings.source == "sample" or (summary is not None and summary.simulated),
        outcome=summary.outcome if summary is not None else "failed" if error is not None else "complete",
        exit_code=error.exit_code if error is not None else 0,
        message=error.message if error is not None else "",
        hint=error.hint if error is not None else "",
        failed_runs_in_a_row=failed,
        started_at=flight.started_at,
        ended_at=ended_at,
        duration_in_seconds=(ended_at - flight.started_at).total_seconds(),
        lake=summary.lake if summary is not None else "",
        record=flight.key if recorded else None,
        host=socket.gethostname(),
        version=__version__,
        counts={name: document[name] for name in _COUNTS if name in document},
        failures=document.get("failures", []),
        findings=document.get("findings", []),
        new_fields=new_fields,
    )


def _new_fields(summary: Summary | None, past: Past) -> list[str]:
    """Fields that no schema knows and that no run before has told of."""
    if summary is None:
        return []
    found = {f"{dataset}:{path}" for dataset, paths in summary.drift.items() for path in paths}
    return sorted(found - past.new_fields)


def _findings(summary: Summary | None) -> int:
    """Broken contracts, and what the audit found and nobody mended."""
    if summary is None:
        return 0
    broken = sum(failure.verdict == VerdictKind.CONTRACT_VIOLATION for failure in summary.failures)
    return broken + max(0, summary.findings_in_all - summary.findings_mended)
