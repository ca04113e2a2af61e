"""What refusals teach: the rate that we allow ourselves, and when to try a higher one again."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from .config import PaceConfig
from .explain import Bracket, Evidence, Refusal, Window, explain

__all__ = ["Learned"]

_UNKNOWN_HOLD_SECONDS = 600.0
_FIRST_RETEST_SECONDS = 1200.0
_LONGEST_RETEST_SECONDS = 24 * 3600.0
_FIRST_REVIEW_SECONDS = 600.0
_FIRST_GROWTH_HOLD_SECONDS = 120.0
_SLOW_GROWTH = 0.03 / 60  # per second of paced sending
_FAST_GROWTH = 0.12 / 60
_BLIND_CUT = 0.7
_DEEP_CUT = 0.5
_LONG_OUTAGE_SECONDS = 300.0
_SENDS_PER_RETEST = 1000
_PACED_PER_OUTAGE = 8
_PACED_PER_UNKNOWN_OUTAGE = 3
_LEAST_CUT = 0.97
_FASTEST_SHARE = 0.995
_BELOW = 0.98
_NARROW = 1.08
_BEYOND = 1.1
_LEAST_EXCESS = 15.0
_WINDOW_MARGIN_SECONDS = 0.5
_REMEMBERED_REFUSALS = 24
_STORED = ("rate", "lower", "upper", "refused_rate", "retest_seconds", "burst", "outage_seconds")


@dataclass(frozen=True, slots=True)
class Learned:
    """The rate allowed and the bracket around the service's limit, in requests per second; 0 is unknown.

    ``refused_rate`` is set while an outage lasts. ``held_seconds`` of paced sending passed since the last one; at
    ``review_seconds`` of them the bracket is looked at again, and after ``retest_seconds`` (or what keeps the cost low,
    see ``_hold_seconds``) the rate rises: ``retesting``. ``excess`` counts the requests let in meanwhile beyond the
    known limit, which a service may grant up to its ``burst``. ``window`` is the sliding window to keep to, if the
    limit is one.
    """

    rate: float = 0.0
    lower: float = 0.0
    upper: float = 0.0
    refused_rate: float = 0.0
    retest_seconds: float = _FIRST_RETEST_SECONDS
    review_seconds: float = _FIRST_REVIEW_SECONDS
    held_seconds: float = 0.0
    retesting: bool = False
    burst: float = 0.0
    window: Window | None = None
    outage_seconds: float = 0.0
    excess: float = 0.0
    evidence: Evidence = field(default_factory=Evidence)
    refusals: tuple[Refusal, ...] = ()

    def rate_under(self, config: PaceConfig) -> float:
        """Requests per second that are allowed now."""
        ceiling = 1 / config.shortest_interval_seconds
        first = 1 / config.first_interval_seconds
        return min(self.rate or first, ceiling)

    def window_opens_at(self, sends: Sequence[float]) -> float:
        """When the next request fits into the sliding window that the service is known to have."""
        if self.window is None or len(sends) < self.window.limit:
            return -math.inf
        return sends[-self.window.limit] + self.window.seconds + _WINDOW_MARGIN_SECONDS

    @property
    def review_due(self) -> bool:
        """Whether sending at this rate for so long may have ruled out the lowest limits thought possible."""
        return (
            self.lower > 0
            and not self.retesting
            and self.held_seconds >= self.review_seconds
            and self.upper > self.lower * _NARROW
        )

    def sent(self, config: PaceConfig, paced_seconds: float) -> Learned:
        """A request left, after ``paced_seconds`` of sending at the full allowed rate (0: the work was late)."""
        ceiling = 1 / config.shortest_interval_seconds
        rate = self.rate_under(config)
        if rate >= ceiling or not paced_seconds:
            return self
        held = self.held_seconds + paced_seconds
        if not self.upper:
            hold = _FIRST_GROWTH_HOLD_SECONDS
        else:
            hold = self._hold_seconds(rate)
        if held <= hold and not self.retesting:
            return replace(self, held_seconds=held)
        excess = self.excess + max(0.0, rate - self.upper) * paced_seconds
        beyond = not self.upper or (rate > self.upper * _BEYOND and excess > self.burst + _LEAST_EXCESS)
        rate = min(rate * math.exp((_FAST_GROWTH if beyond else _SLOW_GROWTH) * paced_seconds), ceiling)
        if beyond and self.upper:
            # The limit that we knew is gone: it was raised, or never was what we thought.
            return replace(
                self,
                rate=rate,
                held_seconds=held,
                retesting=True,
                lower=0.0,
                upper=0.0,
                window=None,
                retest_seconds=_FIRST_RETEST_SECONDS,
            )
        return replace(self, rate=rate, held_seconds=held, retesting=True, excess=excess)

    def _hold_seconds(self, rate: float) -> float:
        """How long to leave a known limit alone: so long that trying again costs few refusals and little time."""
        if not self.lower:
            return max(_UNKNOWN_HOLD_SECONDS, _PACED_PER_UNKNOWN_OUTAGE * self.outage_seconds)
        return max(min(self.retest_seconds, _SENDS_PER_RETEST / rate), _PACED_PER_OUTAGE * self.outage_seconds)

    def reviewed(self, accepted: Sequence[float], remembered_since: float) -> Learned:
        """Raise the rate to the middle of the limits that still explain everything, now that some are ruled out."""
        _, bracket = self._explained(accepted, remembered_since, self.upper)
        later = replace(self, review_seconds=2 * self.review_seconds)
        if bracket is None or bracket.lower <= self.lower:
            return later
        lower = min(bracket.lower, self.upper)
        return replace(later, lower=lower, rate=max(self.rate, _between(lower, self.upper)))

    def refused(self, config: PaceConfig, at: float, recent_rate: float, *, probe: bool) -> Learned:
        """The service refused a request sent at ``at``; ``recent_rate`` was measured just before the first refusal."""
        refusals = (*self.refusals, Refusal(at, probe))[-_REMEMBERED_REFUSALS:]
        if probe:
            return replace(self, refusals=refusals)
        refused_rate = min(recent_rate, self.rate_under(config))
        return replace(self, refusals=refusals, refused_rate=refused_rate, rate=_BLIND_CUT * refused_rate)

    def cleared(
        self, accepted: Sequence[float], remembered_since: float, outage_seconds: float
    ) -> tuple[Learned, bool]:
        """The service let us in again: settle on a rate that the limits which explain what was seen would allow.

        Also says whether a penalty is needed to explain it.
        """
        if not self.refused_rate:
            return self, True
        refused = self.refused_rate
        retest = self.retest_seconds
        evidence, bracket = self._explained(accepted, remembered_since, _FASTEST_SHARE * refused)
        penalised = bracket is None or bracket.penalised
        known = 0 < self.lower < refused
        if bracket is not None:
            lower, upper = bracket.lower, min(bracket.upper, refused)
            if known and lower <= self.upper and self.lower <= upper:
                # Evidence is forgotten with time, what it taught is not.
                lower, upper = max(lower, self.lower), min(upper, self.upper)
            rate = _between(lower, upper)
        elif known:
            lower, upper = self.lower, max(self.lower, min(self.upper, refused))
            rate = lower * _BELOW
        else:
            lower, upper = 0.0, refused
            rate = (_BLIND_CUT if outage_seconds < _LONG_OUTAGE_SECONDS else _DEEP_CUT) * refused
        if self.retesting and self.upper:
            retest = min(2 * retest, _LONGEST_RETEST_SECONDS)
        elif not known:
            retest = _FIRST_RETEST_SECONDS
        learned = replace(
            self,
            rate=min(rate, _LEAST_CUT * refused),
            lower=lower,
            upper=upper,
            refused_rate=0.0,
            retest_seconds=retest,
            review_seconds=_FIRST_REVIEW_SECONDS,
            held_seconds=0.0,
            retesting=False,
            burst=bracket.burst if bracket is not None else self.burst,
            window=_window_between(bracket, lower, upper),
            outage_seconds=outage_seconds if penalised else 0.0,
            excess=0.0,
            evidence=evidence,
        )
        return learned, penalised

    def _explained(
        self, accepted: Sequence[float], remembered_since: float, fastest: float
    ) -> tuple[Evidence, Bracket | None]:
        """The bracket, from as far back as one limit explains everything: a service's limit changes now and then."""
        evidence = replace(self.evidence, remembered_since=remembered_since)
        whole = evidence.since >= remembered_since
        starts = [evidence] if whole else []
        # The last of the outages must be explained, so that it cannot be the start.
        starts += [
            replace(evidence, since=refusal.at, anchored=True)
            for refusal in self.refusals
            if not refusal.probe and refusal.at > max(evidence.since, remembered_since)
        ][:-1]
        for start in starts:
            bracket = explain(accepted, self.refusals, start, fastest, (self.lower, self.upper))
            if bracket is not None:
                return start, bracket
        return evidence, None

    def shifted(self, seconds: float) -> Learned:
        """The same with every time moved."""
        return replace(
            self,
            evidence=replace(
                self.evidence,
                since=self.evidence.since + seconds,
                remembered_since=self.evidence.remembered_since + seconds,
            ),
            refusals=tuple(Refusal(refusal.at + seconds, refusal.probe) for refusal in self.refusals),
        )

    def rested(self, now: float) -> Learned:
        """What is left of it after a pause: the limit, but neither the evidence nor an experiment under way."""
        rate = self.rate
        if self.retesting and self.lower:
            rate = min(rate, _between(self.lower, self.upper))
        return replace(
            self,
            rate=rate,
            held_seconds=0.0,
            review_seconds=_FIRST_REVIEW_SECONDS,
            retesting=False,
            excess=0.0,
            evidence=Evidence(now, anchored=False, remembered_since=now),
            refusals=(),
        )

    def to_dict(self) -> dict[str, object]:
        """What another process can use of it, for JSON."""
        window = None if self.window is None else [self.window.limit, self.window.seconds]
        return {name: getattr(self, name) for name in _STORED} | {"window": window}

    @classmethod
    def from_dict(cls, stored: Mapping[str, Any]) -> Learned:
        """What ``to_dict`` gave."""
        window = stored["window"]
        numbers: dict[str, Any] = {name: float(stored[name]) for name in _STORED}
        return cls(window=None if window is None else Window(int(window[0]), float(window[1])), **numbers)


def _between(lower: float, upper: float) -> float:
    return _BELOW * (lower if upper <= lower * _NARROW else math.sqrt(lower * upper))


def _window_between(bracket: Bracket | None, lower: float, upper: float) -> Window | None:
    """The window to keep to, if one is known: it says more than its rate when it has just been filled."""
    window = None if bracket is None else bracket.window
    if window is None or upper > lower * _NARROW or not lower * _BELOW <= window.rate <= upper / _BELOW:
        return None
    return window
