"""What can happen to the pace: the events of ``decide``, and what an answer says about the pace."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["Answered", "Event", "Outcome", "Resumed", "Sent", "WantToSend"]


class Outcome(StrEnum):
    """What an answer says about the pace.

    ``ok`` the service let the request through; ``throttled`` it refused because of the pace; ``blocked`` it was silent
    or denied us; ``transient`` a passing fault, of which one says nothing and many say "slower"; ``neutral`` says
    nothing about the pace.
    """

    OK = "ok"
    THROTTLED = "throttled"
    BLOCKED = "blocked"
    TRANSIENT = "transient"
    NEUTRAL = "neutral"


@dataclass(frozen=True, slots=True)
class WantToSend:
    """Work is ready; when may it leave?"""


@dataclass(frozen=True, slots=True)
class Sent:
    """A request left now."""

    id: int


@dataclass(frozen=True, slots=True)
class Answered:
    """The answer to a request that left at ``sent_at``, or its absence; ``retry_after_seconds`` is what it asks."""

    id: int
    sent_at: float
    outcome: Outcome
    retry_after_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Resumed:
    """A state saved ``away_seconds`` ago is used again: its times are moved to this process's clock."""

    away_seconds: float


Event = WantToSend | Sent | Answered | Resumed
