"""What may be configured about the pace."""

from __future__ import annotations

import math
from dataclasses import dataclass

__all__ = ["BUDGET_WINDOW_SECONDS", "PaceConfig"]

BUDGET_WINDOW_SECONDS = 3600.0
_SHORTEST_CAP_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class PaceConfig:
    """How fast requests may leave, at most, and how long one may wait for the service to let us in again.

    ``interval_seconds`` is the ceiling of speed: the pace may become slower than it, never faster, except with
    ``auto``, where it is the starting point and ``floor_seconds`` is the ceiling. ``request_budget`` counts requests
    in any 3,600 seconds; 0 lifts it. Raises ValueError for values that make no sense.
    """

    interval_seconds: float = 5.0
    jitter_seconds: float = 0.2
    floor_seconds: float = 0.6
    max_in_flight: int = 4
    request_budget: int = 720
    max_wait_seconds: float = 2700.0
    backoff_cap_seconds: float = 2100.0
    auto: bool = False
    enabled: bool = True

    def __post_init__(self) -> None:
        for name in ("interval_seconds", "jitter_seconds", "floor_seconds", "max_wait_seconds"):
            value = getattr(self, name)
            if not (math.isfinite(value) and value >= 0):
                raise ValueError(f"{name} must be a number of seconds, zero or more, not {value!r}")
        if self.max_in_flight < 1:
            raise ValueError(f"max_in_flight must be at least 1, not {self.max_in_flight}")
        if self.request_budget < 0:
            raise ValueError(f"request_budget must be zero (no budget) or more, not {self.request_budget}")
        if not self.backoff_cap_seconds >= _SHORTEST_CAP_SECONDS:
            raise ValueError(
                f"backoff_cap_seconds must be at least {_SHORTEST_CAP_SECONDS:.0f}, not {self.backoff_cap_seconds!r}: "
                "with less, a penalty of half an hour that each request extends would never end"
            )
        if self.enabled and self.shortest_interval_seconds <= 0:
            raise ValueError("interval_seconds must be positive; PaceConfig.off() is how to ask for no waiting at all")

    @classmethod
    def off(cls, *, max_in_flight: int = 4) -> PaceConfig:
        """No waiting at all, for a server of one's own on the loopback; requests in flight stay limited."""
        return cls(
            interval_seconds=0.0,
            jitter_seconds=0.0,
            floor_seconds=0.0,
            max_in_flight=max_in_flight,
            request_budget=0,
            enabled=False,
        )

    @property
    def shortest_interval_seconds(self) -> float:
        """The interval that is never undercut, whatever was learned."""
        if self.auto:
            return self.floor_seconds if self.floor_seconds > 0 else min(self.interval_seconds, 0.05)
        return max(self.interval_seconds, self.floor_seconds)

    @property
    def first_interval_seconds(self) -> float:
        """The interval of a run that has learned nothing yet."""
        return max(self.interval_seconds, self.floor_seconds)

    def jitter_at(self, interval_seconds: float) -> float:
        """By how much the gap between two sends may be shorter or longer than ``interval_seconds``."""
        return min(self.jitter_seconds, interval_seconds / 4)

    def shortest_gap_seconds(self, interval_seconds: float) -> float:
        """No two sends are ever closer than this while the interval is ``interval_seconds``."""
        return max(self.floor_seconds, interval_seconds - self.jitter_at(interval_seconds))
