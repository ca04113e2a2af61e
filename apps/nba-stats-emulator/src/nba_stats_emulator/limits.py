"""Models of how a service limits its callers: pure classes that take the time and answer admitted or refused.

They know no clock and no network, so the emulator judges real requests with them and a benchmark judges a million
imagined ones. `now` is any monotonic number of seconds; it must never go backwards between two calls.
"""

from __future__ import annotations

import itertools
import math
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

__all__ = [
    "Admission",
    "Limiter",
    "PenaltyBox",
    "SlidingWindow",
    "TokenBucket",
    "Unlimited",
    "VaryingCapacity",
]

# Sums of floats may fall short of a whole token by a few units in the last place.
_EPSILON = 1e-9


@dataclass(frozen=True, slots=True)
class Admission:
    """What a limiter says of one request: let in, or refused.

    `retry_after_seconds` is how long a refused caller would have to keep silent before its next request is let in;
    None when admitted. A model of the real service hides it, which is for the caller of the model to decide.
    """

    ok: bool
    retry_after_seconds: float | None = None

    @property
    def refused(self) -> bool:
        """True when the request was not let in."""
        return not self.ok

    @property
    def retry_after(self) -> float | None:
        """The same as `retry_after_seconds`."""
        return self.retry_after_seconds


_ADMITTED = Admission(ok=True)


@runtime_checkable
class Limiter(Protocol):
    """Admits or refuses requests as time goes by."""

    def admit(self, now: float) -> Admission:
        """Count one request that arrives at `now` and say whether it is let in."""
        ...

    def sustained_rate(self, now: float) -> float:
        """Requests per second that could go on for ever under the limit in force at `now` (infinite when unlimited)."""
        ...


@dataclass(slots=True)
class Unlimited:
    """Admits everything."""

    def admit(self, now: float) -> Admission:  # noqa: ARG002 - the protocol's parameter; nothing depends on it here
        """Admit."""
        return _ADMITTED

    def sustained_rate(self, now: float) -> float:  # noqa: ARG002 - as above
        """Infinite."""
        return math.inf


@dataclass(slots=True)
class TokenBucket:
    """Lets `burst` requests through at once and `rate_per_second` on average; a refused request costs nothing.

    The bucket starts full. Raises ValueError for a rate or burst that could never admit anything.
    """

    rate_per_second: float
    burst: float = 1.0
    _tokens: float = field(init=False, repr=False)
    _seen_at: float | None = field(init=False, repr=False, default=None)

    def __post_init__(self) -> None:
        if not self.rate_per_second > 0:
            raise ValueError(f"rate_per_second must be greater than 0, not {self.rate_per_second}")
        if not self.burst >= 1:
            raise ValueError(f"burst must be at least 1, not {self.burst}: a smaller bucket never holds a whole token")
        self._tokens = float(self.burst)

    def admit(self, now: float) -> Admission:
        """Take a token if there is one."""
        if self._seen_at is not None:
            self._tokens = min(self.burst, self._tokens + (now - self._seen_at) * self.rate_per_second)
        self._seen_at = now
        if self._tokens >= 1 - _EPSILON:
            self._tokens -= 1
            return _ADMITTED
        return Admission(ok=False, retry_after_seconds=(1 - self._tokens) / self.rate_per_second)

    def sustained_rate(self, now: float) -> float:  # noqa: ARG002 - the same at any time
        """The refill rate."""
        return self.rate_per_second


@dataclass(slots=True)
class SlidingWindow:
    """Lets at most `limit` requests through in any `window_seconds`.

    With `counts_refused` a refused request takes a place in the window too, so that a caller who keeps hammering is
    never let in again.
    """

    limit: int
    window_seconds: float
    counts_refused: bool = False
    _arrivals: deque[float] = field(init=False, repr=False, default_factory=deque)

    def __post_init__(self) -> None:
        if self.limit < 1:
            raise ValueError(f"limit must be at least 1, not {self.limit}")
        if not self.window_seconds > 0:
            raise ValueError(f"window_seconds must be greater than 0, not {self.window_seconds}")

    def admit(self, now: float) -> Admission:
        """Admit while fewer than `limit` arrivals lie in the window that ends at `now`."""
        arrivals = self._arrivals
        edge = now - self.window_seconds + _EPSILON
        while arrivals and arrivals[0] <= edge:
            arrivals.popleft()
        if len(arrivals) < self.limit:
            arrivals.append(now)
            return _ADMITTED
        if self.counts_refused:
            arrivals.append(now)
            arrivals.popleft()  # only the last `limit` arrivals can ever matter
        return Admission(ok=False, retry_after_seconds=arrivals[0] + self.window_seconds - now)

    def sustained_rate(self, now: float) -> float:  # noqa: ARG002 - the same at any time
        """`limit` spread evenly over the window."""
        return self.limit / self.window_seconds


@dataclass(slots=True)
class PenaltyBox:
    """Shuts a caller out for `penalty_seconds` after a request that `inner` refuses.

    With `extends` every request that arrives in the box starts the penalty anew: only silence gets out of it.
    Requests in the box are not shown to `inner`.
    """

    inner: Limiter
    penalty_seconds: float
    extends: bool = True
    _until: float = field(init=False, repr=False, default=-math.inf)

    def __post_init__(self) -> None:
        if not self.penalty_seconds > 0:
            raise ValueError(f"penalty_seconds must be greater than 0, not {self.penalty_seconds}")

    def admit(self, now: float) -> Admission:
        """Refuse inside the box; outside, ask `inner` and shut the box when it refuses."""
        if now < self._until - _EPSILON:
            if self.extends:
                self._until = now + self.penalty_seconds
            return Admission(ok=False, retry_after_seconds=self._until - now)
        verdict = self.inner.admit(now)
        if verdict.ok:
            return verdict
        self._until = now + self.penalty_seconds
        return Admission(ok=False, retry_after_seconds=self.penalty_seconds)

    def boxed(self, now: float) -> bool:
        """True while a request at `now` would meet a closed box."""
        return now < self._until - _EPSILON

    def sustained_rate(self, now: float) -> float:
        """That of `inner`: a caller who never exceeds it never meets the box."""
        return self.inner.sustained_rate(now)


@dataclass(slots=True)
class VaryingCapacity:
    """One limiter after another: each entry `(from_second, limiter)` is in force from that second on.

    Seconds count from `started_at`, which is the first request when not given. The first entry must start at 0.
    Each limiter keeps its own memory, so capacity that drops and returns is three entries.
    """

    schedule: Sequence[tuple[float, Limiter]]
    started_at: float | None = None

    def __post_init__(self) -> None:
        starts = [start for start, _ in self.schedule]
        if not starts or starts[0] != 0:
            raise ValueError("schedule must have an entry that starts at second 0")
        if any(later <= earlier for earlier, later in itertools.pairwise(starts)):
            raise ValueError(f"schedule must be in order of strictly increasing seconds, not {starts}")

    def _in_force(self, now: float) -> Limiter:
        elapsed = 0.0 if self.started_at is None else now - self.started_at
        chosen = self.schedule[0][1]
        for start, limiter in self.schedule:
            if elapsed < start - _EPSILON:
                break
            chosen = limiter
        return chosen

    def admit(self, now: float) -> Admission:
        """Ask the limiter in force at `now`."""
        if self.started_at is None:
            self.started_at = now
        return self._in_force(now).admit(now)

    def sustained_rate(self, now: float) -> float:
        """That of the limiter in force at `now`."""
        return self._in_force(now).sustained_rate(now)
