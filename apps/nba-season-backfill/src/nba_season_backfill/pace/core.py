"""The pure core of the pace: what follows from an event, and when the next request may leave."""

from __future__ import annotations

import math
import random
from bisect import bisect_right
from dataclasses import replace

from .circuit import CLOSED, HALF_OPEN, OPEN, Circuit, Silence, cleared, jittered, next_wait_seconds, refused_again
from .config import BUDGET_WINDOW_SECONDS
from .events import Answered, Event, Outcome, Resumed, Sent, WantToSend
from .learning import Learned
from .state import PaceState

__all__ = ["decide", "in_flight_limit"]

_REMEMBERED_SECONDS = 4 * 3600.0
_MOST_REMEMBERED = 4000
_PRUNE_AFTER = 512
_IN_FLIGHT_RECOVERY_SECONDS = 300.0
_TRANSIENTS_TOLERATED = 4.0
_TRANSIENT_FORGIVEN_BY_OK = 0.25
_RECENT_SENDS = 20
# After a resumption nothing faster is tried for so long, and a refusal is not followed by a second one.
_SHELTER_SECONDS = 600.0


def decide(state: PaceState, event: Event, now: float, rng: random.Random) -> tuple[PaceState, float]:
    """What is known after ``event`` at ``now``, and the earliest time at which the next request may leave.

    The time is infinite while only an answer can tell (a probe is out, or enough requests are in flight). Pure: the
    same arguments give the same result.
    """
    if isinstance(event, Resumed):
        state = _resumed(state, event.away_seconds, now)
        return state, _next_send_at(state)
    now = max(now, state.as_of)
    state = replace(state, as_of=now)
    match event:
        case WantToSend():
            pass
        case Sent(id=request):
            state = _sent(state, request, now, rng)
        case Answered():
            state = _answered(state, event, now, rng)
    return state, _next_send_at(state)


def in_flight_limit(state: PaceState) -> int:
    """How many requests may be unanswered at the same time: one after a refusal, recovering with time."""
    limit = state.config.max_in_flight
    if state.circuit.status != CLOSED:
        return 1
    if not math.isfinite(state.clean_since):
        return limit
    clean = max(0.0, state.as_of - state.clean_since)
    return min(limit, 1 + int(clean // _IN_FLIGHT_RECOVERY_SECONDS))


def _next_send_at(state: PaceState) -> float:
    config = state.config
    if not config.enabled:
        return math.inf if len(state.outstanding) >= config.max_in_flight else state.as_of
    if state.circuit.status == HALF_OPEN or len(state.outstanding) >= in_flight_limit(state):
        return math.inf
    at = max(state.as_of, state.circuit.until) if state.circuit.status == OPEN else state.as_of
    if math.isfinite(state.sent_at):
        interval = state.interval_seconds
        at = max(at, state.grid_at + interval + state.offset, state.sent_at + config.shortest_gap_seconds(interval))
        if not state.learned.retesting:
            at = max(at, state.learned.window_opens_at(state.recent))
    if config.request_budget and len(state.recent) >= config.request_budget:
        at = max(at, state.recent[-config.request_budget] + BUDGET_WINDOW_SECONDS)
    return at


def _sent(state: PaceState, request: int, now: float, rng: random.Random) -> PaceState:
    config = state.config
    outstanding = (*state.outstanding, (request, now))
    if not config.enabled:
        return replace(state, outstanding=outstanding, sent_at=now)
    interval = state.interval_seconds
    jitter = config.jitter_at(interval)
    due = state.grid_at + interval
    gap = now - state.sent_at
    on_time = now - due <= max(jitter, 0.25 * interval)
    # What sleeping overshot is made up for, up to one jitter; time in which there was no work is not.
    grid_at = max(due, now - jitter)
    circuit = replace(state.circuit, status=HALF_OPEN) if state.circuit.status == OPEN else state.circuit
    paced = min(gap, 2 * interval) if on_time and circuit.status == CLOSED else 0.0
    recent = (*state.recent, now)
    most = max(_MOST_REMEMBERED, config.request_budget)
    if len(recent) >= _PRUNE_AFTER and recent[_PRUNE_AFTER // 2] < now - _REMEMBERED_SECONDS:
        recent = recent[bisect_right(recent, now - _REMEMBERED_SECONDS) :]
        state = replace(state, remembered_since=recent[0])
    elif len(recent) >= most + _PRUNE_AFTER:
        recent = recent[-most:]
        state = replace(state, remembered_since=recent[0])
    learned = state.learned.sent(config, paced) if now >= state.sheltered_until else state.learned
    return replace(
        state,
        outstanding=outstanding,
        grid_at=grid_at,
        sent_at=now,
        offset=jitter * (rng.random() - 0.5),
        recent=recent,
        circuit=circuit,
        learned=learned,
    )


def _answered(state: PaceState, event: Answered, now: float, rng: random.Random) -> PaceState:
    outstanding = tuple(entry for entry in state.outstanding if entry[0] != event.id)
    if len(outstanding) == len(state.outstanding):
        return state  # an answer to nothing that we sent
    state = replace(state, outstanding=outstanding)
    if not state.config.enabled:
        if event.outcome in (Outcome.THROTTLED, Outcome.BLOCKED):
            return replace(state, session_generation=state.session_generation + 1)
        return state
    probing = state.circuit.status == HALF_OPEN and event.sent_at >= state.circuit.cut_at
    match event.outcome:
        case Outcome.OK:
            state = replace(state, transients=max(0.0, state.transients - _TRANSIENT_FORGIVEN_BY_OK))
            if probing:
                return _let_in(state, event.sent_at, now)
            if state.learned.review_due and state.circuit.status == CLOSED:
                # Not when sending: it takes a moment, and a request must leave when it is said to have left.
                learned = state.learned.reviewed(_accepted(state), state.remembered_since)
                return replace(state, learned=learned)
            return state
        case Outcome.NEUTRAL:
            return replace(state, circuit=replace(state.circuit, status=OPEN)) if probing else state
        case Outcome.TRANSIENT:
            transients = state.transients + 1
            if probing or transients >= _TRANSIENTS_TOLERATED:
                return _refused(replace(state, transients=0.0), event, Outcome.TRANSIENT, now, rng)
            return replace(state, transients=transients)
        case _:
            return _refused(state, event, event.outcome, now, rng)


def _let_in(state: PaceState, sent_at: float, now: float) -> PaceState:
    kind = state.circuit.kind
    learned, penalised = state.learned.cleared(
        _accepted(state), state.remembered_since, sent_at - state.circuit.refused_at
    )
    if state.circuit.asked:
        pass  # the service said how long; that says nothing about the next time
    elif penalised or state.circuit.refusals == 1:
        state = state.with_silence(kind, cleared(state.silence_of(kind), _silence_before(state, sent_at)))
    else:
        # The limit itself explains how long the silence had to be: another outage will need another one.
        state = state.with_silence(kind, Silence())
    return replace(state, circuit=Circuit(cut_at=state.circuit.cut_at), clean_since=now, learned=learned)


def _refused(state: PaceState, event: Answered, kind: Outcome, now: float, rng: random.Random) -> PaceState:
    circuit = state.circuit
    asked = event.retry_after_seconds or 0.0
    if event.sent_at < circuit.cut_at:
        # Sent before the last cut: it asks for no second one, but it is evidence, and what it asks for is granted.
        if circuit.status != CLOSED and kind is not Outcome.TRANSIENT:
            state = _confirm(state, event.sent_at)
        return replace(state, circuit=replace(circuit, until=max(circuit.until, now + asked))) if asked else state
    first = circuit.status == CLOSED
    if not first:
        if kind is Outcome.TRANSIENT:
            kind = circuit.kind
        else:
            state = _confirm(state, event.sent_at)
        state = state.with_silence(kind, refused_again(state.silence_of(kind), _silence_before(state, event.sent_at)))
    elif kind is Outcome.THROTTLED:
        state = replace(state, learned=_learn(state, event.sent_at, probe=False))
    refusals = 1 if first else circuit.refusals + 1
    wait = next_wait_seconds(
        state.config,
        state.silence_of(kind) if kind is not Outcome.TRANSIENT else Silence(),
        refusals=refusals,
        last_wait_seconds=0.0 if first else circuit.wait_seconds,
        interval_seconds=state.interval_seconds,
    )
    until = now + jittered(max(wait, asked), rng)
    if first and kind is Outcome.THROTTLED:
        until = max(until, state.learned.window_opens_at(_accepted(state)))
    return replace(
        state,
        session_generation=state.session_generation + 1,
        circuit=Circuit(
            status=OPEN,
            kind=kind,
            since=now if first else circuit.since,
            refused_at=event.sent_at if first else circuit.refused_at,
            cut_at=now,
            until=until if kind is Outcome.TRANSIENT else max(until, state.sheltered_until),
            refusals=refusals,
            wait_seconds=wait,
            asked=asked > wait,
        ),
    )


def _confirm(state: PaceState, refused_at: float) -> PaceState:
    """A further refusal of this outage. One silence may be a fault on the way; a second one makes both refusals."""
    if not state.learned.refused_rate:
        state = replace(state, learned=_learn(state, state.circuit.refused_at, probe=False))
    return replace(state, learned=_learn(state, refused_at, probe=True))


def _learn(state: PaceState, refused_at: float, *, probe: bool) -> Learned:
    before = [moment for moment in state.recent[-_RECENT_SENDS:] if moment <= refused_at]
    rates = [place / (before[-1] - before[-1 - place]) for place in range(2, len(before))]
    return state.learned.refused(state.config, refused_at, max(rates, default=1 / state.interval_seconds), probe=probe)


def _accepted(state: PaceState) -> list[float]:
    refused = {refusal.at for refusal in state.learned.refusals}
    return [moment for moment in state.recent if moment >= state.remembered_since and moment not in refused]


def _silence_before(state: PaceState, sent_at: float) -> float:
    place = bisect_right(state.recent, sent_at) - 2
    return sent_at - state.recent[place] if place >= 0 else 0.0


def _resumed(state: PaceState, away_seconds: float, now: float) -> PaceState:
    if not math.isfinite(state.as_of):
        return replace(state, as_of=now)
    state = state.shifted(now - max(0.0, away_seconds) - state.as_of)
    circuit = state.circuit
    return replace(
        state,
        as_of=now,
        remembered_since=now,
        outstanding=(),
        circuit=circuit if circuit.status == CLOSED else replace(circuit, status=OPEN, since=now),
        learned=state.learned.rested(now),
        sheltered_until=now + _SHELTER_SECONDS,
    )
