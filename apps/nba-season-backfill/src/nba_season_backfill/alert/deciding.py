"""What there is to tell of a run's end. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Ending", "Event", "events_of"]

_CONTRACT = 65
_UPSTREAM = 69
_INCOMPLETE = 75


class Event(StrEnum):
    """Something that people may want to be told.

    ``failure``: any exit code but 0 and 75. ``incomplete``: 75, run again. ``blocked``: the upstream is there and does
    not let us in. ``validation``: an answer broke its contract, the audit failed, or fields appeared that no schema
    knows. ``recovery``: a success after one run or more that was none.
    """

    FAILURE = "failure"
    INCOMPLETE = "incomplete"
    VALIDATION = "validation"
    BLOCKED = "blocked"
    RECOVERY = "recovery"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a run ended, and the runs before it.

    ``findings``: contract violations, and fields that appeared since the runs before. ``blocked``: the upstream was
    there and did not let us in. ``idle``: nothing was done because somebody else is at work. ``failed_before``: how
    many runs in a row, up to this one, did not end well.
    """

    exit_code: int
    findings: int = 0
    blocked: bool = False
    idle: bool = False
    failed_before: int = 0


def events_of(ending: Ending) -> tuple[Event, ...]:
    """Every event that applies, the one that says most first; empty when there is nothing to tell."""
    if ending.idle:
        return ()
    found = []
    if ending.exit_code == 0 and ending.failed_before:
        found.append(Event.RECOVERY)
    if ending.blocked and ending.exit_code == _UPSTREAM:
        found.append(Event.BLOCKED)
    if ending.exit_code == _INCOMPLETE:
        found.append(Event.INCOMPLETE)
    if ending.exit_code == _CONTRACT or ending.findings:
        found.append(Event.VALIDATION)
    if ending.exit_code not in (0, _INCOMPLETE):
        # What kind of failure it is says more than that it is one, but what was found beside it does not.
        found.insert(len(found) if ending.exit_code in (_CONTRACT, _UPSTREAM) else 0, Event.FAILURE)
    return tuple(found)
