"""Hidden limits are found from a handful of refusals, whatever they are."""

from __future__ import annotations

import itertools
import random
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nba_season_backfill.pace import PaceConfig
from nba_season_backfill.pace.explain import Evidence, Refusal, explain
from nba_stats_emulator.limits import Limiter, PenaltyBox, SlidingWindow, TokenBucket, VaryingCapacity


def seen(limiter: Limiter, rates: list[float], seed: int) -> tuple[list[float], list[Refusal]]:
    """What a client sees that sends a hundred requests at each of ``rates``, resting 100 s after a refusal."""
    rng = random.Random(seed)
    now = 0.0
    accepted: list[float] = []
    refusals: list[Refusal] = []
    for rate in rates:
        for _ in range(100):
            if limiter.admit(now).ok:
                accepted.append(now)
                now += (1 + rng.uniform(-0.02, 0.02)) / rate
            else:
                probe = bool(refusals) and (not accepted or refusals[-1].at > accepted[-1])
                refusals.append(Refusal(now, probe))
                now += 100.0
                break
    return accepted, refusals


@settings(max_examples=60, deadline=None)
@given(
    rate=st.floats(0.02, 0.18),
    burst=st.integers(1, 40),
    share=st.lists(st.floats(0.8, 1.6), min_size=4),
    seed=st.integers(0, 99),
)
def test_the_true_token_bucket_is_among_the_explanations(
    rate: float, burst: int, share: list[float], seed: int
) -> None:
    """Whatever a bucket let in and refused, the bracket that explains it holds the bucket's rate."""
    accepted, refusals = seen(TokenBucket(rate, burst), [0.2, *(rate * part for part in share)], seed)
    bracket = explain(accepted, refusals, Evidence(), 0.2, guesses=(rate,))
    if sum(not refusal.probe for refusal in refusals) >= 2:
        assert bracket is not None
        assert bracket.lower * 0.99 <= rate <= bracket.upper * 1.01


@settings(max_examples=60, deadline=None)
@given(
    limit=st.integers(2, 60),
    seconds=st.sampled_from([60.0, 300.0, 600.0, 1800.0, 3600.0]),
    share=st.lists(st.floats(0.8, 1.6), min_size=4),
    seed=st.integers(0, 99),
)
def test_the_true_sliding_window_is_among_the_explanations(
    limit: int, seconds: float, share: list[float], seed: int
) -> None:
    """Whatever a sliding window let in and refused, the bracket that explains it holds the window's rate."""
    rate = limit / seconds
    if not 0.01 <= rate <= 0.19:
        return
    accepted, refusals = seen(SlidingWindow(limit, seconds), [0.2, *(rate * part for part in share)], seed)
    bracket = explain(accepted, refusals, Evidence(), 0.2)
    if len(refusals) >= 2:
        assert bracket is not None
        assert bracket.lower * 0.99 <= rate <= bracket.upper * 1.01


def test_one_refusal_alone_explains_nothing() -> None:
    """Every limit explains a single refusal: there is no bracket yet."""
    assert explain([0.0, 5.0, 10.0], [Refusal(15.0, False)], Evidence(), 0.2) is None


LIMITS: dict[str, Limiter] = {
    "bucket": TokenBucket(0.12, 10),
    "bucket of one": TokenBucket(0.15, 1),
    "slow bucket": TokenBucket(0.04, 30),
    "minute": SlidingWindow(7, 60.0),
    "half hour": SlidingWindow(150, 1800.0),
    "hour": SlidingWindow(500, 3600.0),
    "unusual window": SlidingWindow(70, 700.0),
    "window that counts what it refused": SlidingWindow(120, 900.0, counts_refused=True),
}


@pytest.mark.parametrize("retry_after", [False, True], ids=["silent about it", "with Retry-After"])
@pytest.mark.parametrize("name", LIMITS)
def test_a_hidden_limit_is_used_but_not_met(drive: Any, name: str, retry_after: bool) -> None:
    """In 1,500 requests at most ten are refused, and the last 600 use 85 % of what the limit allows."""
    limiter = LIMITS[name]
    fresh = type(limiter)(**{f: getattr(limiter, f) for f in _parameters(limiter)})
    run = drive(fresh, retry_after=retry_after).run(1500)
    rate = min(0.2, limiter.sustained_rate(0.0))
    assert len(run.refused_at) <= 10
    assert 600 / (run.sends[-1][0] - run.sends[-600][0]) >= 0.85 * rate


def _parameters(limiter: Limiter) -> list[str]:
    if isinstance(limiter, TokenBucket):
        return ["rate_per_second", "burst"]
    return ["limit", "window_seconds", "counts_refused"]


@pytest.mark.parametrize("seed", range(3))
def test_a_known_limit_is_left_alone_longer_and_longer(drive: Any, seed: int) -> None:
    """Between the tries at a limit that does not move, more time passes each time."""
    run = drive(TokenBucket(0.1, 10), seed=seed).run(2500)
    starts = [at for at in run.refused_at if at > 2000]
    gaps = [later - earlier for earlier, later in itertools.pairwise(starts)]
    assert len(run.refused_at) <= 9
    assert gaps == sorted(gaps)


def test_capacity_that_falls_and_returns_is_followed(drive: Any) -> None:
    """A limit that falls to a third for two hours costs few refusals, and the full pace comes back."""
    limiter = VaryingCapacity(
        [(0.0, TokenBucket(0.3, 5)), (3600.0, TokenBucket(0.07, 5)), (10_800.0, TokenBucket(0.3, 5))]
    )
    run = drive(limiter).run(3000)
    assert len(run.refused_at) <= 9
    late = [at for at, _ in run.sends if at > 17_000]
    assert (late[-1] - late[0]) / (len(late) - 1) == pytest.approx(5.0, rel=0.01)


@pytest.mark.parametrize("away", [20.0, 3600.0, 40_000.0])
@pytest.mark.parametrize("name", ["bucket", "hour", "box"])
def test_a_resumed_run_is_refused_at_most_once_in_its_first_ten_minutes(drive: Any, name: str, away: float) -> None:
    """What was learned is used by the next run, whenever the last one ended."""
    limits: dict[str, Limiter] = {
        "bucket": TokenBucket(0.11, 8),
        "hour": SlidingWindow(400, 3600.0),
        "box": PenaltyBox(TokenBucket(0.11, 8), 300.0),
    }
    run = drive(limits[name], seed=int(away)).run(350).resume(away)
    start = run.now
    run.run(150)
    assert sum(start <= at < start + 600 for at in run.refused_at) <= 1


def test_a_slower_configuration_is_obeyed_by_a_stored_state(drive: Any) -> None:
    """What was learned under 5 s never makes a run configured for 10 s faster."""
    run = drive(TokenBucket(0.15, 8)).run(300)
    run.config = PaceConfig(interval_seconds=10.0, request_budget=0)
    start = len(run.sends)
    run.resume(10.0).run(50)
    times = [at for at, _ in run.sends[start:]]
    assert all(later - earlier >= 9.8 - 1e-9 for earlier, later in itertools.pairwise(times))


def test_a_known_window_is_not_overfilled_after_a_resumption(drive: Any) -> None:
    """Sends before the pause still fill the service's window: the next run waits for them to leave it."""
    run = drive(SlidingWindow(100, 1800.0)).run(300).resume(30.0)
    start = run.now
    run.run(100)
    assert not [at for at in run.refused_at if start <= at < start + 900]


@pytest.mark.slow
def test_the_benchmark_meets_its_goals_for_two_seeds() -> None:
    """``python -m benchmarks.pace --quick`` exits with 0: every goal is met."""
    checkout = Path(__file__).parents[4]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pace", "--quick"], cwd=checkout, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
