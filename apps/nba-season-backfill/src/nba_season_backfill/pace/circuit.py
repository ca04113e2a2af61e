"""How long to stay silent after a refusal, and what silence is known to end one."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass, replace
from typing import Final, Literal

from .config import PaceConfig
from .events import Outcome

__all__ = ["Circuit", "CircuitStatus", "Silence", "cleared", "jittered", "next_wait_seconds", "refused_again"]

CircuitStatus = Literal["closed", "open", "half_open"]
CLOSED: Final = "closed"
OPEN: Final = "open"
HALF_OPEN: Final = "half_open"

_FIRST_WAIT_INTERVALS = 20
_FIRST_WAIT_SECONDS = (10.0, 100.0)
# 100 + 430 + 1,849 s: the third probe outlasts half an hour's penalty, within the 45 minutes that a run waits.
_GROWTH = 4.3
_JITTER_SHARE = 0.05
_NARROW = 1.5
_LONGER = 1.1


@dataclass(frozen=True, slots=True)
class Circuit:
    """Whether requests flow (closed), rest (open until ``until``), or one probe is out (half_open).

    ``since`` is when the first refusal of this outage arrived, ``refusals`` how many there were, ``wait_seconds`` the
    last wait.
    """

    status: CircuitStatus = CLOSED
    kind: Outcome = Outcome.THROTTLED
    since: float = 0.0
    refused_at: float = -math.inf
    cut_at: float = -math.inf
    until: float = -math.inf
    refusals: int = 0
    wait_seconds: float = 0.0
    asked: bool = False


@dataclass(frozen=True, slots=True)
class Silence:
    """The longest silence that did not end a refusal, and the shortest that did, in seconds; 0 is unknown."""

    failed_seconds: float = 0.0
    cleared_seconds: float = 0.0


def next_wait_seconds(
    config: PaceConfig,
    silence: Silence,
    *,
    refusals: int,
    last_wait_seconds: float,
    interval_seconds: float,
) -> float:
    """The silence to keep after the ``refusals``-th refusal in a row.

    The first wait is what worked last time, or halfway to what did not; a probe that fails multiplies the wait, so that
    a penalty which each request extends is outlasted with few requests.
    """
    shortest, longest = _FIRST_WAIT_SECONDS
    first = min(max(_FIRST_WAIT_INTERVALS * interval_seconds, shortest), longest)
    known, failed = silence.cleared_seconds, silence.failed_seconds
    if refusals <= 1:
        wait = first
        if known:
            wait = known if not failed or known < failed * _NARROW else math.sqrt(known * failed)
        elif failed:
            wait = failed * _NARROW
    else:
        wait = known if known > last_wait_seconds * _LONGER else last_wait_seconds * _GROWTH
    return min(max(wait, shortest), config.backoff_cap_seconds)


def jittered(wait_seconds: float, rng: random.Random) -> float:
    """Never less than ``wait_seconds``: coming back early is the one thing that must not happen."""
    return wait_seconds * (1 + _JITTER_SHARE * rng.random())


def refused_again(silence: Silence, silent_seconds: float) -> Silence:
    """A probe after ``silent_seconds`` of silence was refused."""
    failed = max(silence.failed_seconds, silent_seconds)
    return Silence(failed, silence.cleared_seconds if silence.cleared_seconds > failed else 0.0)


def cleared(silence: Silence, silent_seconds: float) -> Silence:
    """A probe after ``silent_seconds`` of silence was let through."""
    known = min(silence.cleared_seconds or math.inf, silent_seconds)
    return replace(silence, cleared_seconds=known, failed_seconds=min(silence.failed_seconds, known * 0.999))
