"""The pace: never faster than allowed, never idle when allowed."""

from .config import PaceConfig
from .core import decide
from .events import Answered, Event, Outcome, Resumed, Sent, WantToSend
from .pacer import Pacer, PaceStats, PaceStopped, Ticket, WaitTooLong
from .retry_after import parse_retry_after
from .state import PaceState

__all__ = [
    "Answered",
    "Event",
    "Outcome",
    "PaceConfig",
    "PaceState",
    "PaceStats",
    "PaceStopped",
    "Pacer",
    "Resumed",
    "Sent",
    "Ticket",
    "WaitTooLong",
    "WantToSend",
    "decide",
    "parse_retry_after",
]
