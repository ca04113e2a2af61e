"""The thread-safe shell around the pure core."""

from __future__ import annotations

import math
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from .circuit import CLOSED
from .config import PaceConfig
from .core import decide, in_flight_limit
from .events import Answered, Event, Outcome, Resumed, Sent, WantToSend
from .state import PaceState

__all__ = ["PaceStats", "PaceStopped", "Pacer", "Ticket", "WaitTooLong"]

_SLOT_POLL_SECONDS = 0.05


class PaceStopped(Exception):
    """The run was asked to stop while it waited for its turn; nothing was sent."""


class WaitTooLong(Exception):
    """The service will not let us in for longer than ``max_wait_seconds``; nothing was sent.

    ``kind`` is ``throttled`` or ``blocked``; ``what_was_seen`` says it in plain words.
    """

    def __init__(self, foreseen_seconds: float, kind: Literal["throttled", "blocked"], what_was_seen: str) -> None:
        super().__init__(what_was_seen)
        self.foreseen_seconds = foreseen_seconds
        self.kind = kind
        self.what_was_seen = what_was_seen


@dataclass(frozen=True, slots=True)
class Ticket:
    """The permission to send one request now. Every ticket must be reported, whatever becomes of the request.

    ``session_generation`` grows after each refusal: a worker whose HTTP session is of an older one opens a new session.
    """

    id: int
    sent_at: float
    session_generation: int


@dataclass(frozen=True, slots=True)
class PaceStats:
    """What the pace did so far, for progress lines, records and metrics."""

    sends: int
    answers: Mapping[Outcome, int]
    waited_seconds: float
    interval_seconds: float
    circuit: str
    in_flight: int
    in_flight_limit: int
    session_generation: int

    @property
    def refusals(self) -> int:
        """Requests that the service throttled or blocked."""
        return self.answers.get(Outcome.THROTTLED, 0) + self.answers.get(Outcome.BLOCKED, 0)


def _wait(seconds: float, stop: threading.Event) -> None:
    stop.wait(seconds)


class Pacer:
    """Gives permissions to send to any number of threads, never faster than ``config`` and what was learned say."""

    def __init__(
        self,
        config: PaceConfig,
        *,
        state: PaceState | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        rng: random.Random | None = None,
        wait: Callable[[float, threading.Event], object] = _wait,
    ) -> None:
        self._config = config
        self._clock = clock
        self._wall = wall
        self._rng = rng if rng is not None else random.Random()
        self._wait = wait
        self._changed = threading.Condition()
        self._next_id = 1
        self._sends = 0
        self._waited_seconds = 0.0
        self._answers: Counter[Outcome] = Counter()
        self._state = PaceState(config=config)
        if state is not None:
            away = max(0.0, wall() - state.saved_wall) if state.saved_wall is not None else 0.0
            self._state = state.under(config)
            self._decide(Resumed(away))

    def acquire(self, stop: threading.Event) -> Ticket:
        """Block until a request may leave, and give the permission to send it now.

        Raises PaceStopped as soon as ``stop`` is set, and WaitTooLong when the service is not expected to let us in
        within ``max_wait_seconds`` of its first refusal.
        """
        began = self._clock()
        while True:
            if stop.is_set():
                raise PaceStopped("stopped while waiting for the next request's turn")
            with self._changed:
                at = self._decide(WantToSend())
                now = self._clock()
                if at <= now:
                    return self._send(now, began)
                if math.isinf(at):
                    self._changed.wait(_SLOT_POLL_SECONDS)
                    continue
                self._raise_if_too_long(at, now)
            self._wait(at - now, stop)

    def report(self, ticket: Ticket, outcome: Outcome, retry_after_seconds: float | None = None) -> None:
        """Say what became of a request. A second report of the same ticket changes nothing."""
        with self._changed:
            if any(request == ticket.id for request, _ in self._state.outstanding):
                self._answers[outcome] += 1
                answer = Answered(ticket.id, ticket.sent_at, outcome, retry_after_seconds)
                self._decide(answer)
            self._changed.notify_all()

    def snapshot(self) -> PaceState:
        """What was learned so far, to be stored and given to the next run's Pacer."""
        with self._changed:
            self._decide(WantToSend())
            return replace(self._state, saved_wall=self._wall())

    @property
    def stats(self) -> PaceStats:
        """What the pace did so far."""
        with self._changed:
            state = self._state
            return PaceStats(
                sends=self._sends,
                answers=dict(self._answers),
                waited_seconds=self._waited_seconds,
                interval_seconds=state.interval_seconds,
                circuit=state.circuit.status,
                in_flight=len(state.outstanding),
                in_flight_limit=in_flight_limit(state),
                session_generation=state.session_generation,
            )

    def _decide(self, event: Event) -> float:
        self._state, at = decide(self._state, event, self._clock(), self._rng)
        return at

    def _send(self, now: float, began: float) -> Ticket:
        request, self._next_id = self._next_id, self._next_id + 1
        self._sends += 1
        self._waited_seconds += max(0.0, now - began)
        self._state, _ = decide(self._state, Sent(request), now, self._rng)
        return Ticket(request, now, self._state.session_generation)

    def _raise_if_too_long(self, at: float, now: float) -> None:
        circuit = self._state.circuit
        if circuit.status == CLOSED or at > circuit.until + self._state.interval_seconds:
            return  # waiting for our own pace or budget, not for the service
        if at - min(circuit.since, now) <= self._config.max_wait_seconds:
            return
        kind: Literal["throttled", "blocked"] = "blocked" if circuit.kind is Outcome.BLOCKED else "throttled"
        verb = "did not answer" if kind == "blocked" else "refused"
        raise WaitTooLong(
            at - now,
            kind,
            f"the service {verb} {circuit.refusals} times in a row over {now - circuit.since:.0f} s; the next attempt, "
            f"in {at - now:.0f} s, would come later than the {self._config.max_wait_seconds:.0f} s that a run may wait",
        )
