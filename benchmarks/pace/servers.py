"""The services that the benchmark's clients meet: hidden limits, latencies, and what an omniscient client would do."""

from __future__ import annotations

import copy
import math
import random
from collections.abc import Callable
from dataclasses import dataclass

from nba_stats_emulator.limits import Admission, Limiter, PenaltyBox, SlidingWindow, TokenBucket, VaryingCapacity

__all__ = ["LATENCIES", "MODELS", "FixedWindow", "GivenUp", "Model", "Reply", "Server", "ideal_seconds"]

Latency = Callable[[random.Random], float]

SILENCE_SECONDS = 30.0  # after which a client gives up waiting for an answer

LATENCIES: tuple[Latency, ...] = (
    lambda rng: 0.3,  # noqa: ARG005 - always the same
    lambda rng: min(20.0, rng.lognormvariate(-0.9, 0.6)),
    lambda rng: rng.uniform(6.0, 10.0),
    lambda rng: 15.0 if rng.random() < 0.02 else rng.expovariate(2.0),
)


@dataclass(frozen=True, slots=True)
class Model:
    """A kind of service. ``limiter`` draws the parameters of its hidden limit, so that every seed meets another one."""

    name: str
    limiter: Callable[[random.Random], Limiter]
    refused_goal: float | None = 0.003
    utilisation_goal: float | None = 0.85
    silent: bool = False
    auto: bool = False
    about: str = ""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a client sees of one request."""

    ok: bool
    retry_after_seconds: float | None
    latency_seconds: float


class FixedWindow:
    """At most ``limit`` requests in each window that starts at a multiple of ``window_seconds`` (plus ``phase``)."""

    def __init__(self, limit: int, window_seconds: float, phase: float = 0.0) -> None:
        self.limit, self.window_seconds, self.phase = limit, window_seconds, phase
        self._window, self._count = -1, 0

    def admit(self, now: float) -> Admission:
        """Admit while the current window is not used up."""
        window = math.floor((now - self.phase) / self.window_seconds)
        if window != self._window:
            self._window, self._count = window, 0
        if self._count < self.limit:
            self._count += 1
            return Admission(ok=True)
        left = (window + 1) * self.window_seconds + self.phase - now
        return Admission(ok=False, retry_after_seconds=max(left, 1e-3))

    def sustained_rate(self, now: float) -> float:  # noqa: ARG002 - the same at any time
        """``limit`` spread evenly over the window."""
        return self.limit / self.window_seconds


class GivenUp(BaseException):
    """The client will not finish in any reasonable time. Not an Exception, lest it be retried."""


class Server:
    """One service in virtual time: a hidden limit and a latency, judged on arrival.

    Raises GivenUp to a client that sends ``most_sends`` requests, or is still at work after ``longest_seconds``.
    """

    def __init__(
        self,
        limiter: Limiter,
        latency: Latency,
        rng: random.Random,
        *,
        retry_after: bool = False,
        silent: bool = False,
        most_sends: float = math.inf,
        longest_seconds: float = math.inf,
    ) -> None:
        self.silent = silent
        self.arrivals: list[tuple[float, bool]] = []
        self._limiter = limiter
        self._latency = latency
        self._rng = rng
        self._retry_after = retry_after
        self._most_sends = most_sends
        self._longest_seconds = longest_seconds

    def request(self, now: float) -> Reply:
        """Answer one request that arrives at ``now``; times never go back."""
        if len(self.arrivals) >= self._most_sends or now > self._longest_seconds:
            raise GivenUp
        admission = self._limiter.admit(now)
        self.arrivals.append((now, admission.ok))
        latency = self._latency(self._rng)
        if admission.ok:
            return Reply(True, None, latency)
        if self.silent:
            return Reply(False, None, SILENCE_SECONDS)
        asked = admission.retry_after_seconds if self._retry_after else None
        return Reply(False, None if asked is None else float(math.ceil(asked)), min(latency, 0.3))


def ideal_seconds(limiter: Limiter, requests: int, interval_seconds: float) -> float:
    """How long a client takes that knows the hidden limit, never meets it, and sends no faster than the interval."""
    bare = _without_punishment(copy.deepcopy(limiter))
    at = slot = 0.0
    for _ in range(requests):
        at = max(at, slot)
        while not (admission := bare.admit(at)).ok:
            at += max(admission.retry_after_seconds or 0.0, 1e-6)
        slot = at + interval_seconds
    return at


def _without_punishment(limiter: Limiter) -> Limiter:
    if isinstance(limiter, PenaltyBox):
        return _without_punishment(limiter.inner)
    if isinstance(limiter, SlidingWindow):
        return SlidingWindow(limiter.limit, limiter.window_seconds)
    if isinstance(limiter, VaryingCapacity):
        return VaryingCapacity([(start, _without_punishment(inner)) for start, inner in limiter.schedule])
    return limiter


def _bucket(rng: random.Random, slowest: float, fastest: float, bursts: tuple[int, int] = (1, 60)) -> TokenBucket:
    return TokenBucket(math.exp(rng.uniform(math.log(slowest), math.log(fastest))), rng.randint(*bursts))


def _window(rng: random.Random, slowest: float, fastest: float, lengths: tuple[float, ...]) -> SlidingWindow:
    seconds = rng.choice(lengths)
    rate = math.exp(rng.uniform(math.log(slowest), math.log(fastest)))
    return SlidingWindow(max(1, round(rate * seconds)), seconds)


def _varying(rng: random.Random) -> VaryingCapacity:
    """Wide open most of the time; now and then, for half an hour to two hours, less than the pace."""
    schedule: list[tuple[float, Limiter]] = [(0.0, TokenBucket(rng.uniform(0.22, 0.5), rng.randint(1, 20)))]
    at = 0.0
    for _ in range(40):
        at += rng.uniform(2.0, 5.0) * 3600
        schedule.append((at, _bucket(rng, 0.06, 0.15, (1, 20))))
        at += rng.uniform(0.5, 2.0) * 3600
        schedule.append((at, TokenBucket(rng.uniform(0.22, 0.5), rng.randint(1, 20))))
    return VaryingCapacity(schedule)


def _once(rng: random.Random) -> VaryingCapacity:
    """Drops for good, or rises for good, at some time."""
    first, second = rng.sample([rng.uniform(0.05, 0.1), rng.uniform(0.11, 0.16), 0.4], 2)
    return VaryingCapacity(
        [
            (0.0, TokenBucket(first, rng.randint(1, 30))),
            (rng.uniform(2, 6) * 3600, TokenBucket(second, rng.randint(1, 30))),
        ]
    )


MODELS = (
    Model("above the pace", lambda rng: _bucket(rng, 0.22, 2.0), about="token bucket that the pace never exhausts"),
    Model("token bucket", lambda rng: _bucket(rng, 0.03, 0.19), about="0.03-0.19 a second, burst 1-60"),
    Model(
        "sliding window",
        lambda rng: _window(rng, 0.03, 0.19, (60, 300, 600, 900, 1800, 3600)),
        about="a minute to an hour",
    ),
    Model(
        "odd window",
        lambda rng: _window(rng, 0.03, 0.19, (45, 240, 700, 1500, 2400, 5000)),
        about="lengths nobody uses",
    ),
    Model(
        "fixed window",
        lambda rng: FixedWindow(rng.randint(100, 650), 3600.0, rng.uniform(0, 3600)),
        refused_goal=0.005,
        about="100-650 in each clock hour; not among the limits that the pace thinks of",
    ),
    Model("varying capacity", _varying, about="falls below the pace for 0.5-2 h, again and again"),
    Model("capacity step", _once, about="changes once, for good"),
    Model(
        "penalty box 300 s",
        lambda rng: PenaltyBox(_bucket(rng, 0.03, 0.19), 300.0, extends=True),
        refused_goal=0.01,
        utilisation_goal=0.6,
        about="each request in the box extends it",
    ),
    Model(
        "box over window",
        lambda rng: PenaltyBox(_window(rng, 0.03, 0.19, (60, 300, 600, 1800, 3600)), 300.0, extends=True),
        refused_goal=0.01,
        utilisation_goal=0.6,
        about="a window inside a 300 s box",
    ),
    Model(
        "penalty box 30 min",
        lambda rng: PenaltyBox(_bucket(rng, 0.05, 0.19), 1800.0, extends=True),
        refused_goal=0.01,
        utilisation_goal=None,
        about="no livelock",
    ),
    Model(
        "silent hour",
        lambda rng: PenaltyBox(SlidingWindow(rng.randint(100, 600), 3600.0), 3600.0, extends=False),
        refused_goal=0.01,
        utilisation_goal=None,
        silent=True,
        about="after 100-600 calls an hour, no answer for an hour: as reported of stats.nba.com",
    ),
    Model(
        "auto",
        lambda rng: _bucket(rng, 0.3, 1.5),
        utilisation_goal=0.6,
        auto=True,
        about="--rate-limit auto: 0.3-1.5 a second to be found, starting from 0.2",
    ),
)
