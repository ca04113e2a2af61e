"""What holds for the pure core under any sequence of events."""

from __future__ import annotations

import math
import random
from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.pace import Answered, Outcome, PaceConfig, PaceState, Resumed, Sent, WantToSend, decide
from nba_season_backfill.pace.core import in_flight_limit

outcomes = st.sampled_from(list(Outcome))
mostly_ok = st.one_of(st.just(Outcome.OK), st.just(Outcome.OK), st.just(Outcome.OK), outcomes)


@dataclass(frozen=True)
class Step:
    """One request: how late the work was, how long the answer took, what it was, and what it asked for."""

    late_seconds: float
    latency_seconds: float
    outcome: Outcome
    retry_after_seconds: float | None


steps = st.lists(
    st.builds(
        Step,
        late_seconds=st.one_of(st.just(0.0), st.floats(0, 0.05), st.floats(0, 200)),
        latency_seconds=st.one_of(st.floats(0, 1), st.floats(0, 40)),
        outcome=mostly_ok,
        retry_after_seconds=st.one_of(st.none(), st.none(), st.floats(0, 4000)),
    ),
    min_size=2,
    max_size=120,
)
configs = st.one_of(
    st.just(PaceConfig()),
    st.builds(
        PaceConfig,
        interval_seconds=st.floats(0.3, 20),
        jitter_seconds=st.floats(0, 1),
        floor_seconds=st.sampled_from([0.0, 0.6]),
        max_in_flight=st.integers(1, 6),
        request_budget=st.sampled_from([0, 5, 30, 720]),
        auto=st.booleans(),
    ),
)


@dataclass
class Replay:
    """Obeys the core, event by event, and checks what it says."""

    config: PaceConfig
    seed: int

    def __post_init__(self) -> None:
        self.rng = random.Random(self.seed)
        self.state = PaceState(config=self.config)
        self.now = 0.0
        self.sends: list[float] = []
        self.gaps_allowed: list[float] = []
        self.waiting: list[tuple[float, int, float, Step]] = []
        self.silent_until = -math.inf

    @property
    def next_answer_at(self) -> float:
        """When the earliest answer arrives."""
        return min(arrived for arrived, *_ in self.waiting)

    def answer_next(self) -> None:
        """Let the earliest answer arrive."""
        self.waiting.sort(key=lambda entry: entry[:2])
        arrived, request, sent_at, step = self.waiting.pop(0)
        self.now = max(self.now, arrived)
        before = self.state
        answer = Answered(request, sent_at, step.outcome, step.retry_after_seconds)
        self.state, at = decide(self.state, answer, self.now, self.rng)
        if self.state.circuit.status == "open" and step.outcome is not Outcome.OK:
            assert at >= self.now or before.circuit.status != "closed"
        if step.outcome in (Outcome.THROTTLED, Outcome.BLOCKED) and step.retry_after_seconds is not None:
            self.silent_until = max(self.silent_until, self.now + step.retry_after_seconds)

    def send(self, step: Step) -> None:
        """Send as soon as the core allows, plus what the work was late."""
        self.state, at = decide(self.state, WantToSend(), self.now, self.rng)
        while self.waiting and self.next_answer_at <= max(at, self.now):
            self.answer_next()
            self.state, at = decide(self.state, WantToSend(), self.now, self.rng)
        assert math.isfinite(at), "nothing is in flight, and yet the core waits for an answer"
        self.now = max(self.now, at) + step.late_seconds
        while self.waiting and self.next_answer_at <= self.now:
            self.answer_next()
        self.state, at = decide(self.state, WantToSend(), self.now, self.rng)
        if at > self.now:
            return  # an answer changed its mind meanwhile: this piece of work is dropped
        assert len(self.state.outstanding) < in_flight_limit(self.state)
        self.gaps_allowed.append(self.config.shortest_gap_seconds(self.state.interval_seconds))
        self.sends.append(self.now)
        self.state, _ = decide(self.state, Sent(len(self.sends)), self.now, self.rng)
        self.waiting.append((self.now + step.latency_seconds, len(self.sends), self.now, step))


def replayed(config: PaceConfig, script: list[Step], seed: int) -> Replay:
    """All of a script."""
    replay = Replay(config, seed)
    for step in script:
        replay.send(step)
    return replay


@settings(max_examples=150, deadline=None)
@given(configs, steps, st.integers(0, 9))
def test_two_sends_are_never_closer_than_the_interval_minus_the_jitter(
    config: PaceConfig, script: list[Step], seed: int
) -> None:
    """No outcome, latency or lateness makes two sends come closer than the interval in force less its jitter."""
    replay = replayed(config, script, seed)
    for earlier, later, allowed in zip(replay.sends, replay.sends[1:], replay.gaps_allowed[1:], strict=False):
        assert later - earlier >= allowed - 1e-9
        assert later - earlier >= max(config.floor_seconds, 0.75 * config.shortest_interval_seconds) - 1e-9


@settings(max_examples=100, deadline=None)
@given(configs, steps, st.integers(0, 9))
def test_what_retry_after_asks_for_is_granted(config: PaceConfig, script: list[Step], seed: int) -> None:
    """After a refusal nothing leaves before the time that its Retry-After asked for."""
    replay = Replay(config, seed)
    for step in script:
        before = len(replay.sends)
        replay.send(step)
        if len(replay.sends) > before and replay.state.circuit.status != "closed":
            assert replay.sends[-1] >= replay.silent_until - 1e-6


@settings(max_examples=100, deadline=None)
@given(configs, steps, st.integers(0, 9))
def test_the_budget_holds_in_any_hour(config: PaceConfig, script: list[Step], seed: int) -> None:
    """No 3,600 seconds hold more sends than the request budget."""
    sends = replayed(config, script, seed).sends
    if config.request_budget:
        for earlier, later in zip(sends, sends[config.request_budget :], strict=False):
            assert later - earlier >= 3600 - 1e-6


@settings(max_examples=100, deadline=None)
@given(configs, steps, st.integers(0, 9))
def test_there_is_always_a_next_send(config: PaceConfig, script: list[Step], seed: int) -> None:
    """Once all is answered, the next send is due within the longest wait that anything can ask for."""
    replay = replayed(config, script, seed)
    while replay.waiting:
        replay.answer_next()
    _, at = decide(replay.state, WantToSend(), replay.now, replay.rng)
    assert at - replay.now <= max(1.06 * max(config.backoff_cap_seconds, 4000), 7200) + replay.state.interval_seconds


@settings(max_examples=60, deadline=None)
@given(configs, steps, st.integers(0, 9))
def test_decide_is_pure(config: PaceConfig, script: list[Step], seed: int) -> None:
    """The same events give the same state, and no state that was seen before has changed."""
    one, other = replayed(config, script, seed), replayed(config, script, seed)
    assert one.state == other.state
    assert hash(one.state) == hash(other.state)


@settings(max_examples=60, deadline=None)
@given(configs, steps, st.integers(0, 9), st.floats(0, 100_000))
def test_a_stored_state_is_never_more_eager_than_the_one_that_was_stored(
    config: PaceConfig, script: list[Step], seed: int, away: float
) -> None:
    """Stored, kept, and used again on another clock: the rate is not higher, and the next send not earlier."""
    replay = replayed(config, script, seed)
    while replay.waiting:
        replay.answer_next()
    _, due = decide(replay.state, WantToSend(), replay.now, replay.rng)
    stored = PaceState.from_json(replay.state.to_json()).under(config)
    start = 5_000_000.0
    resumed, at = decide(stored, Resumed(away), start, replay.rng)
    assert resumed.interval_seconds >= replay.state.interval_seconds * (1 - 1e-9)
    moved = replay.state.learned.window is not None  # its sends are stored by the minute
    assert at - start >= due - replay.now - away - (60 if moved or config.request_budget else 0.5)
    assert resumed.to_json() == PaceState.from_json(resumed.to_json()).to_json()


@given(st.integers(0, 5), st.floats(0, 3), outcomes)
def test_answers_to_nothing_change_nothing(request: int, sent_at: float, outcome: Outcome) -> None:
    """An answer to a request that is not in flight, or a second one to the same, is ignored."""
    rng = random.Random(0)
    state, _ = decide(PaceState(), WantToSend(), 10.0, rng)
    after, _ = decide(state, Answered(request, sent_at, outcome, 100.0), 10.0, rng)
    assert after == state
