"""What refusals teach about the service's limit: a bracket around the sustainable rate.

Between two refusals a service with a constant limit has let through what it can sustain: the goodput of that span,
silence included, is a lower bound; the rate at which it refused is an upper one.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from .config import PaceConfig

__all__ = ["Learned"]

_FIRST_RETEST_SECONDS = 900.0
_LONGEST_RETEST_SECONDS = 6 * 3600.0
_FIRST_GROWTH_HOLD_SECONDS = 120.0
_SLOW_GROWTH = 0.03 / 60  # per second of paced sending
_FAST_GROWTH = 0.12 / 60
_FIRST_CUT = 0.7
_BURST_ALLOWANCE = 20  # requests that a full bucket may have let through beyond its rate
_BEYOND = 1.1
_CONTRADICTED = 0.97


@dataclass(frozen=True, slots=True)
class Learned:
    """The bracket around the limit, in requests per second; 0 is unknown."""

    rate: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    retest_seconds: float = _FIRST_RETEST_SECONDS
    held_seconds: float = 0.0
    epoch_at: float = -math.inf
    epoch_sends: int = 0
    epoch_silence_seconds: float = 0.0
    refusals: int = 0

    def rate_under(self, config: PaceConfig) -> float:
        """Requests per second that are allowed now."""
        ceiling = 1 / config.shortest_interval_seconds
        first = 1 / config.first_interval_seconds
        return min(self.rate or first, ceiling)

    def sent(self, config: PaceConfig, now: float, paced_seconds: float) -> Learned:
        """A request left; ``paced_seconds`` of sending at the full allowed rate came before it (0: the work was late)."""
        epoch_at = now if self.epoch_at == -math.inf else self.epoch_at
        grown = replace(
            self, epoch_at=epoch_at, epoch_sends=self.epoch_sends + 1, held_seconds=self.held_seconds + paced_seconds
        )
        ceiling = 1 / config.shortest_interval_seconds
        rate = self.rate_under(config)
        if rate >= ceiling or not paced_seconds:
            return grown
        hold = self.retest_seconds if self.upper else _FIRST_GROWTH_HOLD_SECONDS
        if grown.held_seconds <= hold:
            return grown
        beyond = not self.upper or rate > self.upper * _BEYOND
        rate = min(rate * math.exp((_FAST_GROWTH if beyond else _SLOW_GROWTH) * paced_seconds), ceiling)
        if beyond and self.upper:
            grown = replace(grown, upper=0.0, retest_seconds=_FIRST_RETEST_SECONDS)
        return replace(grown, rate=rate)

    def refused(self, config: PaceConfig, now: float, recent_rate: float) -> Learned:
        """The service refused for the first time since it last let us in; ``recent_rate`` was measured just before."""
        rate = self.rate_under(config)
        upper = min(recent_rate, rate)
        count, active = self.epoch_sends, max(now - self.epoch_at, 1e-9)
        if count < 1 or upper <= 0:
            return self
        lower = self.lower if upper > self.lower * _CONTRADICTED else 0.0
        contradicted = lower < self.lower
        if self.refusals and not contradicted:
            span = active + self.epoch_silence_seconds
            lower = max(lower, count / span, (count - _BURST_ALLOWANCE) / active)
        lower = min(lower, upper)
        if lower > 0:
            ratio = upper / lower
            chosen = lower * ratio ** (0.5 * min(1.0, math.log(ratio) / math.log(2)))
            chosen = max(chosen, 0.4 * upper)
        else:
            ratio = math.inf
            chosen = _FIRST_CUT * upper
        retested = self.held_seconds > self.retest_seconds and not contradicted
        retest = self.retest_seconds
        if contradicted:
            retest = _FIRST_RETEST_SECONDS
        elif retested and ratio < 1.5:
            retest = min(2 * retest, _LONGEST_RETEST_SECONDS)
        return replace(
            self,
            rate=chosen,
            lower=lower,
            upper=upper,
            retest_seconds=retest,
            held_seconds=0.0,
            refusals=self.refusals + 1,
        )

    def cleared(self, now: float, silent_seconds: float) -> Learned:
        """The service let us in again, to a request sent at ``now`` after ``silent_seconds`` of silence."""
        return replace(self, epoch_at=now, epoch_sends=1, epoch_silence_seconds=silent_seconds, held_seconds=0.0)
