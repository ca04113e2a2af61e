"""How the pure core paces, backs off and recovers."""

from __future__ import annotations

import itertools
import random
import statistics
from dataclasses import replace
from typing import Any

import pytest

from nba_season_backfill.pace import Answered, Outcome, PaceConfig, PaceState, Sent, WantToSend, decide
from nba_season_backfill.pace.core import in_flight_limit
from nba_stats_emulator.limits import Admission, PenaltyBox, TokenBucket, Unlimited


class Script:
    """Answers with what was written down, then lets everything in."""

    def __init__(self, *refused: int) -> None:
        self.refused = set(refused)
        self.count = -1

    def admit(self, now: float) -> Admission:
        """By number, from 0."""
        del now
        self.count += 1
        return Admission(ok=self.count not in self.refused)

    def sustained_rate(self, now: float) -> float:
        """None in particular."""
        del now
        return 1.0


def one(state: PaceState, now: float, outcome: Outcome, asked: float | None = None) -> tuple[PaceState, float]:
    """Send at the earliest time from ``now`` and get the answer a tenth of a second later."""
    rng = random.Random(1)
    state, at = decide(state, WantToSend(), now, rng)
    now = max(now, at)
    state, _ = decide(state, Sent(int(now * 10)), now, rng)
    return decide(state, Answered(int(now * 10), now, outcome, asked), now + 0.1, rng)


def test_wall_time_is_requests_times_interval(drive: Any) -> None:
    """Over 720 requests the mean distance is the interval within 0.1 %, and jitter stays within its bounds."""
    run = drive(Unlimited()).run(720)
    gaps = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(run.sends)]
    assert statistics.mean(gaps) == pytest.approx(5.0, rel=1e-3)
    assert min(gaps) >= 4.8
    assert max(gaps) <= 5.2
    assert statistics.stdev(gaps) > 0.03


def test_oversleeping_does_not_add_up() -> None:
    """A sender that wakes up to 0.1 s late each time still keeps the mean distance, from the ideal grid."""
    rng = random.Random(3)
    state = PaceState(config=PaceConfig(request_budget=0))
    at, sends = 0.0, []
    for request in range(500):
        now = at + rng.uniform(0, 0.1)
        sends.append(now)
        state, _ = decide(state, Sent(request), now, rng)
        state, at = decide(state, Answered(request, now, Outcome.OK), now + 0.01, rng)
    assert (sends[-1] - sends[0]) / 499 == pytest.approx(5.0, rel=2e-3)


def test_time_without_work_is_not_made_up_for() -> None:
    """After a minute without work the next requests keep the configured distance: the rate is a ceiling."""
    rng = random.Random(3)
    state = PaceState()
    now, sends = 0.0, []
    for request in range(40):
        now += 60.0 if request == 20 else 0.0
        sends.append(now)
        state, _ = decide(state, Sent(request), now, rng)
        state, at = decide(state, Answered(request, now, Outcome.OK), now, rng)
        now = at
    assert sends[-1] - sends[20] >= 19 * 5.0 - 0.3


def test_answers_slower_than_the_interval_do_not_slow_the_sending(drive: Any) -> None:
    """With four requests in flight, answers that take 15 s leave a pace of 5 s as it is."""
    run = drive(Unlimited(), latency=lambda rng: 15.0).run(200)
    assert (run.sends[-1][0] - run.sends[0][0]) / 199 == pytest.approx(5.0, rel=2e-3)


def test_a_refusal_drops_the_requests_in_flight_to_one_and_minutes_bring_them_back(drive: Any) -> None:
    """After a throttle one request at a time; one more for every five minutes in which nothing is refused."""
    run = drive(Script(10)).run(12)
    assert in_flight_limit(run.state) == 1
    assert in_flight_limit(replace(run.state, as_of=run.state.as_of + 301)) == 2
    assert in_flight_limit(replace(run.state, as_of=run.state.as_of + 3000)) == 4


def test_refusals_of_one_epoch_cut_once() -> None:
    """Four requests in flight refused together are one refusal: one cut, one new session."""
    rng = random.Random(0)
    state = PaceState()
    now = 0.0
    for request in range(4):
        state, at = decide(state, WantToSend(), now, rng)
        now = max(now, at)
        state, _ = decide(state, Sent(request), now, rng)
    states = []
    for request, (_, sent_at) in enumerate(state.outstanding):
        state, _ = decide(state, Answered(request, sent_at, Outcome.THROTTLED), now + 1 + request, rng)
        states.append(state)
    assert {each.session_generation for each in states} == {1}
    assert {each.interval_seconds for each in states} == {states[0].interval_seconds}
    assert states[0].interval_seconds > 6


def test_an_open_circuit_lets_one_probe_out_and_an_answer_closes_it() -> None:
    """Open, then half open with one probe, then closed; nothing else leaves meanwhile."""
    rng = random.Random(0)
    state, at = one(PaceState(), 0.0, Outcome.THROTTLED)
    assert state.circuit.status == "open"
    assert at >= 100
    state, _ = decide(state, Sent(99), at, rng)
    assert state.circuit.status == "half_open"
    assert decide(state, WantToSend(), at + 3600, rng)[1] == float("inf")
    state, _ = decide(state, Answered(99, at, Outcome.OK), at + 1, rng)
    assert state.circuit.status == "closed"
    assert decide(state, WantToSend(), at + 1, rng)[1] < at + 20


def test_a_refused_probe_multiplies_the_wait_and_half_an_hour_is_outlasted_with_three_probes() -> None:
    """The third probe comes after more than 1,800 s of silence, and within the 2,700 s that a run waits."""
    state, at = one(PaceState(), 0.0, Outcome.THROTTLED)
    waits = [at]
    for _ in range(2):
        sent = at
        state, at = one(state, at, Outcome.THROTTLED)
        waits.append(at - sent)
    assert waits[0] < waits[1] < waits[2]
    assert waits[2] > 1800
    assert sum(waits) < 2600


@pytest.mark.parametrize("seed", range(8))
def test_jitter_of_a_wait_is_positive_only(seed: int) -> None:
    """What Retry-After asks for is never shortened."""
    rng = random.Random(seed)
    state, _ = decide(PaceState(), Sent(1), 0.0, rng)
    _, at = decide(state, Answered(1, 0.0, Outcome.THROTTLED, 1000.0), 2.0, rng)
    assert 1002.0 <= at <= 1002.0 + 51


def test_one_silence_costs_no_rate_and_two_do(drive: Any) -> None:
    """A single unanswered request may be a fault on the way; the second in a row lowers the pace."""
    once = drive(Script(30), refusal=Outcome.BLOCKED).run(40)
    assert once.state.interval_seconds == 5.0
    assert once.state.session_generation == 1
    twice = drive(Script(30, 31), refusal=Outcome.BLOCKED).run(40)
    assert twice.state.interval_seconds > 6.0


def test_a_passing_fault_changes_nothing_and_many_open_the_circuit() -> None:
    """One 502 leaves pace and session alone; four in a row rest the service for a while."""
    state, now = PaceState(), 0.0
    for _ in range(3):
        state, now = one(state, now, Outcome.TRANSIENT)
    assert state.circuit.status == "closed"
    assert state.interval_seconds == 5.0
    assert state.session_generation == 0
    state, at = one(state, now, Outcome.TRANSIENT)
    assert state.circuit.status == "open"
    assert at - now > 90


def test_passing_faults_among_good_answers_are_forgiven(drive: Any) -> None:
    """Fifteen per cent of passing faults, spread out, never open the circuit."""
    refused = range(0, 300, 7)
    run = drive(Script(*refused), refusal=Outcome.TRANSIENT).run(200)
    assert run.state.session_generation == 0


def test_a_neutral_probe_keeps_the_circuit_open_and_asks_again_soon() -> None:
    """An answer that says nothing about the pace neither closes the circuit nor lengthens the wait."""
    state, at = one(PaceState(), 0.0, Outcome.THROTTLED)
    probed = at
    state, at = one(state, at, Outcome.NEUTRAL)
    assert state.circuit.status == "open"
    assert at - probed < 20


def test_a_self_extending_penalty_of_half_an_hour_is_no_livelock(drive: Any) -> None:
    """Twenty outages of a box that every request in it extends: each later one is left with one probe."""
    run = drive(PenaltyBox(TokenBucket(0.1, 5), 1800.0, extends=True)).run(400)
    assert len(run.refused_at) <= 8
    assert run.state.circuit.status == "closed"


def test_the_silence_that_worked_is_remembered(drive: Any) -> None:
    """The second outage of the same penalty is waited out at once, without a refused probe."""
    limiter = PenaltyBox(TokenBucket(10.0, 1), 1000.0, extends=True)
    run = drive(limiter).run(5)
    limiter.inner = TokenBucket(0.0001, 1)
    run.run(2)
    limiter.inner = TokenBucket(10.0, 1)
    probes = len(run.refused_at)
    run.run(5)
    limiter.inner = TokenBucket(0.0001, 1)
    run.run(2)
    limiter.inner = TokenBucket(10.0, 1)
    run.run(5)
    assert probes >= 2
    assert len(run.refused_at) - probes <= probes


def test_the_pace_does_not_grow_while_the_work_is_the_limit() -> None:
    """With ``auto``, an hour of requests that come one a minute teaches nothing: the interval stays."""
    rng = random.Random(0)
    state = PaceState(config=PaceConfig(auto=True, request_budget=0))
    for request in range(60):
        now = 60.0 * request
        state, _ = decide(state, Sent(request), now, rng)
        state, _ = decide(state, Answered(request, now, Outcome.OK), now + 1, rng)
    assert state.interval_seconds == 5.0


def test_auto_finds_the_fastest_sustainable_rate_and_never_passes_the_floor(drive: Any) -> None:
    """From 5 s, against a hidden 1.1 a second: within 10 % of it after 2,000 requests, with few refusals."""
    run = drive(TokenBucket(1.1, 20), PaceConfig(auto=True, request_budget=0)).run(2000)
    assert 1.0 <= 1 / run.state.interval_seconds <= 1.15
    assert len(run.refused_at) <= 6
    assert run.closest_seconds >= 0.6 - 1e-9
    unlimited = drive(Unlimited(), PaceConfig(auto=True, request_budget=0)).run(1500)
    assert unlimited.state.interval_seconds == pytest.approx(0.6)
    assert unlimited.closest_seconds >= 0.6 - 1e-9


def test_off_never_waits_but_bounds_what_is_in_flight() -> None:
    """On the loopback nothing is paced, whatever the answers; four requests at a time."""
    rng = random.Random(0)
    state = PaceState(config=PaceConfig.off())
    for request in range(4):
        state, at = decide(state, WantToSend(), 0.0, rng)
        assert at <= 0.0
        state, _ = decide(state, Sent(request), 0.0, rng)
    assert decide(state, WantToSend(), 0.0, rng)[1] == float("inf")
    state, at = decide(state, Answered(0, 0.0, Outcome.THROTTLED, 60.0), 0.1, rng)
    assert at <= 0.1


def test_a_budget_below_the_pace_is_kept_across_a_resumption(drive: Any) -> None:
    """Requests sent before a pause still count in the hour: no hour holds more than the budget, to the minute."""
    config = PaceConfig(interval_seconds=2.0, request_budget=100)
    run = drive(Unlimited(), config).run(80).resume(30.0).run(120)
    sends = [at for at, _ in run.sends]
    assert all(later - earlier >= 3540 for earlier, later in zip(sends, sends[100:], strict=False))


@pytest.mark.parametrize(
    "wrong",
    [
        {"interval_seconds": 0.0, "floor_seconds": 0.0},
        {"interval_seconds": -1.0},
        {"jitter_seconds": float("nan")},
        {"max_in_flight": 0},
        {"request_budget": -1},
        {"backoff_cap_seconds": 60.0},
    ],
)
def test_a_configuration_that_makes_no_sense_is_refused(wrong: dict[str, Any]) -> None:
    """Zero or negative intervals, budgets and caps are errors that name the field."""
    with pytest.raises(ValueError, match=next(iter(wrong))):
        PaceConfig(**wrong)
