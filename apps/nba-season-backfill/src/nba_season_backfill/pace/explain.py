"""Which hidden limits explain what was let in and what was refused.

Two families are tried: token buckets (a rate and a burst) and sliding windows (a number in a length of time). A limit
is an explanation when, replayed over the sends, it would have let in every request that was let in and refused every
one that was refused.
"""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import sub

__all__ = ["Bracket", "Evidence", "Refusal", "Window", "explain"]

_TOLERANCE = 0.3  # requests by which a replayed limit may be off: the service sees other times than we do
_SLOWEST_SHARE = 1 / 60
_COARSE, _REFINEMENTS, _VALLEYS = 32, 18, 3
_GOLDEN = 0.381966
_NEAR = 0.97
_LONGEST_REFILL_SECONDS = 3600.0  # nobody grants a burst that takes longer than this to earn again
_BLUR_SECONDS = 0.15  # the same, for the ends of a window
_BORDERLINE = 4
_USUAL_WINDOWS = (10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1200.0, 1800.0, 3600.0, 7200.0)
_LONGEST_WINDOW = _USUAL_WINDOWS[-1]


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request refused at ``at``; ``probe`` when it was not the first one since the service last let us in."""

    at: float
    probe: bool


@dataclass(frozen=True, slots=True)
class Window:
    """At most ``limit`` requests in any ``seconds``."""

    limit: int
    seconds: float

    @property
    def rate(self) -> float:
        """Requests a second that the window sustains."""
        return self.limit / self.seconds


@dataclass(frozen=True, slots=True)
class Bracket:
    """The slowest and the fastest sustainable rate (requests a second), and the largest burst, that explain all."""

    lower: float
    upper: float
    burst: float
    penalised: bool
    window: Window | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """What must be explained: everything after ``since``.

    ``anchored`` means that a request was refused at ``since``, otherwise the service was at rest. Sends before
    ``remembered_since`` are forgotten.
    """

    since: float = -math.inf
    anchored: bool = False
    remembered_since: float = -math.inf


def explain(
    accepted: Sequence[float],
    refusals: Sequence[Refusal],
    evidence: Evidence,
    fastest: float,
    guesses: Sequence[float] = (),
) -> Bracket | None:
    """The range of the limits that explain what was seen, or None when none of those tried does.

    ``accepted`` are the times of the requests let in, in order. ``fastest`` is above any rate in question; ``guesses``
    are rates to look around first. Explanations without a penalty (every refusal is due to the limit) are preferred to
    those with one (only the first refusal of an outage is).
    """
    firsts = [refusal for refusal in refusals if not refusal.probe and refusal.at > evidence.since]
    probes = [refusal for refusal in refusals if refusal.probe and refusal.at > evidence.since]
    for counted in ([*firsts, *probes], firsts) if probes else (firsts,):
        if len(counted) + evidence.anchored < 2:
            continue
        windows = [window for window in _windows(accepted, counted, evidence, len(firsts)) if window.rate <= fastest]
        buckets = _buckets(accepted, counted, evidence, fastest, guesses)
        found = [*((window.rate, float(window.limit)) for window in windows), *buckets]
        if found:
            rates = [rate for rate, _ in found]
            longest = max(windows, key=lambda window: window.seconds, default=None)
            return Bracket(
                lower=min(rates),
                upper=max(rates),
                burst=max(burst for _, burst in found),
                penalised=bool(probes) and counted is firsts,
                window=longest,
            )
    return None


def _buckets(
    accepted: Sequence[float],
    refusals: Iterable[Refusal],
    evidence: Evidence,
    fastest: float,
    guesses: Sequence[float],
) -> list[tuple[float, float]]:
    since = evidence.since
    events = sorted(
        [(at, True) for at in accepted[bisect_right(accepted, since) :]] + [(refusal.at, False) for refusal in refusals]
    )

    def misfit(rate: float) -> float:
        return _bucket_misfit(rate, events, evidence)[0]

    step = _SLOWEST_SHARE ** (1 / _COARSE)
    coarse = [fastest * step**place for place in range(_COARSE + 1)]
    misfits = [misfit(rate) for rate in coarse]
    valleys = [
        (misfits[place], coarse[min(place + 1, _COARSE)], coarse[place], coarse[max(place - 1, 0)])
        for place in range(_COARSE + 1)
        if misfits[place] <= min(misfits[max(place - 1, 0)], misfits[min(place + 1, _COARSE)])
    ]
    around = [(misfit(rate), rate * _NEAR, rate, rate / _NEAR) for rate in guesses if rate]
    fits: list[float] = []
    for off, low, rate, high in [*around, *sorted(valleys)[:_VALLEYS]]:
        off, rate = _lowest(misfit, off, low, rate, high)
        if off <= _TOLERANCE:
            fits += [rate, *(_edge(misfit, rate, direction, fastest) for direction in (1 / step, step))]
    found = [(rate, _bucket_misfit(rate, events, evidence)[1]) for rate in fits]
    return [(rate, burst) for rate, burst in found if burst <= rate * _LONGEST_REFILL_SECONDS + 2]


def _lowest(misfit: Callable[[float], float], off: float, low: float, rate: float, high: float) -> tuple[float, float]:
    """The lowest misfit between ``low`` and ``high`` and its rate (golden section; stops at the first that fits)."""
    left, right = low + (high - low) * _GOLDEN, high - (high - low) * _GOLDEN
    off_left, off_right = misfit(left), misfit(right)
    for _ in range(_REFINEMENTS):
        off, rate = min((off, rate), (off_left, left), (off_right, right))
        if off <= 0:
            break
        if off_left <= off_right:
            high, right, off_right = right, left, off_left
            left = low + (high - low) * _GOLDEN
            off_left = misfit(left)
        else:
            low, left, off_left = left, right, off_right
            right = high - (high - low) * _GOLDEN
            off_right = misfit(right)
    return off, rate


def _edge(misfit: Callable[[float], float], rate: float, factor: float, fastest: float) -> float:
    """The last rate that still fits, going from a fitting ``rate`` by steps of ``factor``."""
    good = rate
    bad = rate
    while bad <= fastest and bad >= fastest * _SLOWEST_SHARE:
        bad *= factor
        if misfit(bad) > _TOLERANCE:
            break
        good = bad
    else:
        return good
    for _ in range(7):
        middle = math.sqrt(good * bad)
        if misfit(middle) > _TOLERANCE:
            bad = middle
        else:
            good = middle
    return good


def _bucket_misfit(rate: float, events: Sequence[tuple[float, bool]], evidence: Evidence) -> tuple[float, float]:
    """By how many requests a bucket of this rate and its best burst size fails to explain the events; and that size.

    ``used`` is what a bucket that starts full has given out and not yet got back; a bucket of size B has B - used left.
    ``left`` is the most that one of unlimited size which refused at ``since`` has; the real one has the less of both.
    """
    used = 0.0
    left = 1.0 if evidence.anchored else math.inf
    smallest, largest = 1.0, math.inf
    overdrawn = 0.0
    last = evidence.since
    for at, ok in events:
        refill = rate * (at - last)
        last = at
        used = used - refill if used > refill else 0.0
        left += refill
        if ok:
            left -= 1
            if -left > overdrawn:
                overdrawn = -left
            used += 1
            if used > smallest:
                smallest = used
        elif left >= 2 and used + 1 < largest:
            largest = used + 1 if used else -math.inf  # a full bucket refuses nobody
    return max(overdrawn, smallest - largest), smallest


def _windows(accepted: Sequence[float], refusals: Sequence[Refusal], evidence: Evidence, outages: int) -> list[Window]:
    """The sliding windows that explain the refusals; when windows of a usual length do, only those.

    A window of ``limit`` requests must be longer than it took to send the last ``limit`` ones before each refusal, and
    not longer than it took to send any ``limit`` ones before a request that was let in.
    """
    places = [bisect_left(accepted, refusal.at) for refusal in refusals]
    first = bisect_right(accepted, evidence.since)
    usual: list[Window] = []
    others: list[Window] = []
    for limit in range(1, min(places, default=0) + 1):
        longer_than = max(refusal.at - accepted[place - limit] for refusal, place in zip(refusals, places, strict=True))
        if longer_than > _LONGEST_WINDOW + _BLUR_SECONDS:
            break
        later = accepted[max(first, limit) :]
        earlier = accepted[max(first, limit) - limit :]
        spans = list(map(sub, later, earlier))
        at_most = min(spans, default=_LONGEST_WINDOW)
        if at_most < longer_than - 2 * _BLUR_SECONDS:
            continue
        usual += [
            Window(limit, seconds)
            for seconds in _USUAL_WINDOWS
            if longer_than - _BLUR_SECONDS < seconds <= at_most + _BLUR_SECONDS
            and _rarely_full(spans, seconds, outages)
        ]
        if limit > 1 and at_most > longer_than and not usual:
            shortest, longest = longer_than, min(at_most, _LONGEST_WINDOW)
            others += [Window(limit, shortest), Window(limit, longest)]
    return usual or others


def _rarely_full(spans: Sequence[float], seconds: float, outages: int) -> bool:
    """Whether a window was just full not much more often than it refused.

    A steady pace fills every window shorter than the time it has lasted to the same count, again and again: such a
    window was never what refused.
    """
    return sum(span < seconds + _BLUR_SECONDS for span in spans) <= _BORDERLINE * (outages + 1)
