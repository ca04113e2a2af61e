"""The message: small JSON that a program can act on, with a ``text`` that chats show. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from hoopstat_observability import redact
from nba_season_backfill.alert.deciding import Event

__all__ = ["FIELDS", "Alert", "RunEnd"]

FIELDS = (
    "format",
    "text",
    "event",
    "events",
    "delivery_id",
    "timestamp",
    "run_id",
    "correlation_id",
    "command",
    "season",
    "source",
    "simulated",
    "outcome",
    "exit_code",
    "message",
    "hint",
    "failed_runs_in_a_row",
    "started_at",
    "ended_at",
    "duration_in_seconds",
    "counts",
    "failures",
    "findings",
    "new_fields",
    "lake",
    "record",
    "host",
    "version",
)
"""Every field of a message, in this order; docs/alerts.md says what they mean."""

_FORMAT = 1
_MOST_CHARACTERS = 600
_MOST_FAILURES = 5
_MOST_FIELDS = 20
_HEADLINES = {
    Event.FAILURE: "failed",
    Event.INCOMPLETE: "is incomplete",
    Event.VALIDATION: "found what breaks a contract",
    Event.BLOCKED: "is blocked by the upstream",
    Event.RECOVERY: "is well again",
}


@dataclass(frozen=True, slots=True)
class RunEnd:
    """What is said of a run. Times are UTC; ``record`` is the key of its flight record, if one could be written.

    ``failures`` are answers that could not be had (game id, dataset, verdict, reason), ``findings`` what the audit
    found, ``new_fields`` paths that no schema knows.
    """

    run_id: str
    correlation_id: str
    command: str
    season: str
    source: str
    simulated: bool
    outcome: str
    exit_code: int
    message: str
    hint: str
    failed_runs_in_a_row: int
    started_at: dt.datetime
    ended_at: dt.datetime
    duration_in_seconds: float
    lake: str
    record: str | None
    host: str
    version: str
    counts: Mapping[str, int] = field(default_factory=dict)
    failures: Sequence[Mapping[str, Any]] = ()
    findings: Sequence[Mapping[str, Any]] = ()
    new_fields: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell: why, of which run. ``timestamp`` is Unix time, ``delivery_id`` is unique to this message."""

    events: tuple[Event, ...]
    run: RunEnd
    delivery_id: str
    timestamp: int

    def body(self) -> bytes:
        """The message as JSON: redacted, bounded to some kilobytes, the same bytes at every try."""
        run = self.run
        document = {
            "format": _FORMAT,
            "text": self.text(),
            "event": self.events[0].value,
            "events": [event.value for event in self.events],
            "delivery_id": self.delivery_id,
            "timestamp": self.timestamp,
            "run_id": run.run_id,
            "correlation_id": run.correlation_id,
            "command": run.command,
            "season": run.season,
            "source": run.source,
            "simulated": run.simulated,
            "outcome": run.outcome,
            "exit_code": run.exit_code,
            "message": _cut(run.message),
            "hint": _cut(run.hint),
            "failed_runs_in_a_row": run.failed_runs_in_a_row,
            "started_at": _utc(run.started_at),
            "ended_at": _utc(run.ended_at),
            "duration_in_seconds": round(run.duration_in_seconds, 3),
            "counts": dict(run.counts),
            "failures": _first(run.failures),
            "findings": _first(run.findings),
            "new_fields": [_cut(path) for path in run.new_fields[:_MOST_FIELDS]],
            "lake": run.lake,
            "record": run.record,
            "host": run.host,
            "version": run.version,
        }
        return orjson.dumps(redact(document))

    def text(self) -> str:
        """A sentence or two for people, safe to show in a chat: nothing in it is a command, a link or a mention."""
        run = self.run
        simulated = " (simulated data)" if run.simulated else ""
        first = f"nba-backfill {run.command} of {run.season}{simulated} {_HEADLINES[self.events[0]]}"
        sentences = [f"{first} (exit {run.exit_code})."]
        if run.message:
            sentences.append(f"{_cut(run.message).rstrip('.')}.")
        if run.exit_code and run.failed_runs_in_a_row > 1:
            sentences.append(f"{run.failed_runs_in_a_row} runs in a row did not end well.")
        if not run.exit_code and Event.RECOVERY in self.events:
            before = run.failed_runs_in_a_row
            sentences.append(f"{before} run{'s' if before != 1 else ''} before it did not end well.")
        if run.new_fields:
            sentences.append(f"New fields: {_cut(', '.join(run.new_fields[:_MOST_FIELDS]))}.")
        if "games_done" in run.counts:
            sentences.append(f"Games: {run.counts['games_done']} done, {run.counts.get('games_left', 0)} left.")
        if run.hint:
            sentences.append(f"What to do: {_cut(run.hint)}.")
        sentences.append(f"Run {run.run_id} on {run.host}.")
        return _harmless(str(redact(" ".join(sentences))))


def _first(items: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The first few, each without what is empty."""
    return [
        {name: _cut(value) if isinstance(value, str) else value for name, value in item.items() if value != ""}
        for item in items[:_MOST_FAILURES]
    ]


def _cut(text: str) -> str:
    text = " ".join(str(redact(text)).split())
    return text if len(text) <= _MOST_CHARACTERS else f"{text[: _MOST_CHARACTERS - 3]}..."


def _harmless(text: str) -> str:
    """With ``&``, ``<`` and ``>`` written as Slack wants them: an upstream's words shall not call everybody."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _utc(moment: dt.datetime) -> str:
    return moment.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
