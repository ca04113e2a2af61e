"""Numbers, days and times as a report writes them; and what to do about what. Pure."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping

from nba_season_backfill.rendering import human_seconds
from nba_season_backfill.report.markup import shortened

__all__ = [
    "OUTCOMES",
    "VERDICTS",
    "age_text",
    "day_text",
    "duration",
    "moment_text",
    "number",
    "sentence",
    "share",
    "what_to_do",
]

VERDICTS: Mapping[str, str] = {
    "ok": "good answers",
    "absent": "without content",
    "throttled": "throttled",
    "blocked": "blocked or silent",
    "transient": "passing faults",
    "contract_violation": "broke their contract",
}
"""Verdict -> in words, in the order in which they are drawn."""

OUTCOMES: Mapping[str, tuple[str, str]] = {
    "complete": ("good", "Complete"),
    "nothing_to_do": ("good", "Nothing to do"),
    "skipped": ("plain", "Skipped: another run was at work"),
    "running": ("plain", "Still running"),
    "incomplete": ("warn", "Incomplete"),
    "interrupted": ("warn", "Interrupted"),
    "blocked": ("bad", "Blocked by the upstream"),
    "contract_violation": ("bad", "Contract broken"),
    "fenced": ("bad", "Another writer took over"),
    "configuration": ("bad", "Configuration"),
    "failed": ("bad", "Failed"),
}
"""Outcome -> tone and words."""

_WHAT_TO_DO = {
    "throttled": "The upstream asks for patience: run the same command again later, or slower (--rate-limit).",
    "blocked": "The upstream does not answer this address: wait an hour, or use another connection (NBA_API_PROXY).",
    "transient": "A passing fault: run the same command again.",
    "contract_violation": (
        "The answer is not what its dataset declares: running again will not help by itself. Look for a newer version; "
        "the body is in the archive, and nba-backfill repair derives it once it can be read."
    ),
    "absent": "The upstream may be late: run the same command again in some hours.",
    "": "Run the same command again; nba-backfill status tells what stays.",
}


def what_to_do(verdict: str) -> str:
    """Advice for a unit that failed with that verdict."""
    return _WHAT_TO_DO.get(verdict, _WHAT_TO_DO[""])


def number(value: float) -> str:
    """``1,321``."""
    return f"{value:,.0f}"


def sentence(text: str) -> str:
    """The text on one line, beginning with a capital and ending with a full stop; nothing stays nothing."""
    line = shortened(text).rstrip(".;")
    return f"{line[0].upper()}{line[1:]}." if line else ""


def share(part: int, whole: int) -> str:
    """``99.9 %``: never 100 where something is missing, never 0 where something is there."""
    if not whole:
        return "–"
    tenths = part * 1000 // whole
    if part and not tenths:
        tenths = 1
    return f"{tenths // 10} %" if tenths % 10 == 0 else f"{tenths / 10:.1f} %"


def day_text(day: dt.date) -> str:
    """``Tue 22 Oct 2024``."""
    return f"{day:%a} {day.day} {day:%b %Y}"


def moment_text(moment: dt.datetime | None) -> str:
    """``22 Oct 2024, 14:05 UTC``."""
    if moment is None:
        return "–"
    utc = moment.astimezone(dt.UTC)
    return f"{utc.day} {utc:%b %Y, %H:%M} UTC"


def duration(seconds: float | None) -> str:
    """``5 h 07 min``."""
    return "–" if seconds is None else human_seconds(max(0.0, seconds))


def age_text(then: dt.datetime | dt.date | None, now: dt.datetime) -> str:
    """``3 days before`` (the report), ``2 h 05 min before``."""
    if then is None:
        return "–"
    if not isinstance(then, dt.datetime):
        days = (now.date() - then).days
        return "the day of this report" if days == 0 else f"{number(days)} day{'s' if days != 1 else ''} before"
    seconds = (now - then).total_seconds()
    if seconds >= 2 * 86_400:
        return f"{number(seconds // 86_400)} days before"
    return f"{human_seconds(max(0.0, seconds))} before"
