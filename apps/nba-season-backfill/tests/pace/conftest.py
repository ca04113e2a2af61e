"""A service in virtual time for the tests of the pace."""

from __future__ import annotations

import heapq
import itertools
import math
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from nba_season_backfill.pace import Answered, Outcome, PaceConfig, PaceState, Resumed, Sent, WantToSend, decide
from nba_stats_emulator.limits import Limiter


@dataclass
class Drive:
    """Sends requests as the pure core says, to a service with a hidden limit; remembers when and with what result."""

    limiter: Limiter
    config: PaceConfig = field(default_factory=PaceConfig)
    seed: int = 0
    latency: Callable[[random.Random], float] = lambda rng: rng.uniform(0.1, 0.6)
    retry_after: bool = False
    refusal: Outcome = Outcome.THROTTLED
    now: float = 0.0
    state: PaceState | None = None
    sends: list[tuple[float, bool]] = field(default_factory=list)

    def resume(self, away_seconds: float) -> Drive:
        """Store the state, stay away, and continue from what was stored."""
        assert self.state is not None
        stored = PaceState.from_json(self.state.to_json()).under(self.config)
        self.now = max(self.now, self.state.as_of) + away_seconds
        self.state, _ = decide(stored, Resumed(away_seconds), self.now, random.Random(self.seed))
        return self

    def run(self, requests: int) -> Drive:
        """Send until ``requests`` were let in."""
        rng = random.Random(self.seed)
        state = self.state or PaceState(config=self.config)
        at = self.now if self.state is None else decide(state, WantToSend(), self.now, rng)[1]
        answers: list[tuple[float, int, float, Outcome, float | None]] = []
        done = 0
        for request in itertools.count(len(self.sends)):
            while at > (answers[0][0] if answers else math.inf) or done + len(answers) >= requests:
                if not answers:
                    break
                self.now, number, sent_at, outcome, asked = heapq.heappop(answers)
                done += outcome is Outcome.OK
                state, at = decide(state, Answered(number, sent_at, outcome, asked), self.now, rng)
            if done >= requests:
                break
            self.now = max(self.now, at)
            admission = self.limiter.admit(self.now)
            self.sends.append((self.now, admission.ok))
            state, at = decide(state, Sent(request), self.now, rng)
            outcome = Outcome.OK if admission.ok else self.refusal
            asked = admission.retry_after_seconds if self.retry_after else None
            heapq.heappush(answers, (self.now + self.latency(rng), request, self.now, outcome, asked))
        self.state = state
        return self

    @property
    def refused_at(self) -> list[float]:
        """When requests were refused."""
        return [at for at, ok in self.sends if not ok]

    @property
    def closest_seconds(self) -> float:
        """The smallest distance between two sends."""
        return min(later - earlier for (earlier, _), (later, _) in itertools.pairwise(self.sends))


class VirtualClock:
    """A clock that moves when somebody waits; safe to use from several threads."""

    def __init__(self) -> None:
        self.seconds = 1000.0
        self.waits: list[float] = []
        self._lock = threading.Lock()

    def now(self) -> float:
        """Seconds, never going back."""
        return self.seconds

    def wall(self) -> float:
        """The same as seconds since the epoch."""
        return 1_700_000_000.0 + self.seconds

    def wait(self, seconds: float, stop: threading.Event) -> None:
        """Let ``seconds`` pass at once."""
        del stop
        with self._lock:
            self.waits.append(seconds)
            self.seconds += max(0.0, seconds)


@pytest.fixture
def drive() -> type[Drive]:
    """How to run the pure core against a limit."""
    return Drive


@pytest.fixture
def virtual_clock() -> VirtualClock:
    """A clock that moves when somebody waits."""
    return VirtualClock()
