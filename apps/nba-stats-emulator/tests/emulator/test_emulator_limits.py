"""What the limiter models promise: they are the judges in every simulation, so they are judged first."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nba_stats_emulator.limits import (
    Limiter,
    PenaltyBox,
    SlidingWindow,
    TokenBucket,
    Unlimited,
    VaryingCapacity,
)

gaps = st.lists(st.floats(min_value=0, max_value=5, allow_nan=False), min_size=1, max_size=200)


def arrivals(gaps_seconds: list[float]) -> list[float]:
    times, now = [], 100.0
    for gap in gaps_seconds:
        now += gap
        times.append(now)
    return times


def test_a_bucket_lets_its_burst_through_and_then_one_per_interval() -> None:
    """A full bucket admits its burst at once, then exactly its rate."""
    bucket = TokenBucket(rate_per_second=2.0, burst=3)
    assert [bucket.admit(0.0).ok for _ in range(4)] == [True, True, True, False]
    assert bucket.admit(0.0).retry_after_seconds == pytest.approx(0.5)
    assert bucket.admit(0.5).ok
    assert bucket.admit(0.6).refused


@given(gaps)
def test_a_bucket_never_admits_more_than_burst_plus_rate_times_time(gaps_seconds: list[float]) -> None:
    """Over any span the admitted requests are at most burst + rate x span."""
    bucket = TokenBucket(rate_per_second=1.5, burst=4)
    admitted = [now for now in arrivals(gaps_seconds) if bucket.admit(now).ok]
    for first, start in enumerate(admitted):
        for last in range(first, len(admitted)):
            assert last - first + 1 <= 4 + 1.5 * (admitted[last] - start) + 1e-6


@given(gaps)
def test_a_window_never_holds_more_than_its_limit(gaps_seconds: list[float]) -> None:
    """No window of the given length holds more than `limit` admitted requests."""
    window = SlidingWindow(limit=3, window_seconds=4.0)
    admitted = [now for now in arrivals(gaps_seconds) if window.admit(now).ok]
    assert all(later - earlier >= 4.0 - 1e-6 for earlier, later in zip(admitted, admitted[3:], strict=False))


@given(gaps)
def test_whoever_waits_as_told_is_let_in(gaps_seconds: list[float]) -> None:
    """A refusal's `retry_after_seconds`, waited out in silence, ends in an admission."""
    for limiter in (
        TokenBucket(1.5, 2),
        SlidingWindow(3, 4.0),
        SlidingWindow(3, 4.0, counts_refused=True),
        PenaltyBox(TokenBucket(1.5, 2), 7.0),
    ):
        verdict = None
        for now in arrivals(gaps_seconds):
            verdict = limiter.admit(now)
        if verdict is not None and verdict.refused:
            assert verdict.retry_after == verdict.retry_after_seconds is not None
            assert limiter.admit(now + verdict.retry_after_seconds).ok


def test_a_window_that_counts_refusals_never_lets_a_hammering_caller_in() -> None:
    """Hammering keeps a refusal-counting window full; the plain one lets the caller in again."""
    strict, plain = SlidingWindow(2, 10.0, counts_refused=True), SlidingWindow(2, 10.0)
    times = [float(second) for second in range(60)]
    assert sum(strict.admit(now).ok for now in times) == 2
    assert sum(plain.admit(now).ok for now in times) == 12


def test_a_box_that_extends_itself_opens_for_silence_only() -> None:
    """Each request in a self-extending box starts the penalty anew; a plain one ends on time."""
    extending = PenaltyBox(TokenBucket(1.0, 1), 300.0)
    plain = PenaltyBox(TokenBucket(1.0, 1), 300.0, extends=False)
    for box in (extending, plain):
        assert box.admit(0.0).ok
        assert box.admit(0.1).retry_after_seconds == pytest.approx(300.0)
        assert box.boxed(200.0)
        assert box.admit(200.0).refused
    assert plain.admit(300.2).ok
    assert extending.admit(300.2).refused
    assert extending.admit(600.3).ok


def test_capacity_drops_and_returns_by_the_schedule() -> None:
    """Each limiter of a schedule is in force from its second on, counted from the first request."""
    varying = VaryingCapacity([(0, TokenBucket(1.0, 1)), (100, TokenBucket(0.1, 1)), (200, TokenBucket(1.0, 1))])
    assert varying.admit(1000.0).ok
    assert [varying.admit(1000.0 + second).ok for second in range(1, 100)] == [True] * 99
    assert sum(varying.admit(1000.0 + second).ok for second in range(100, 200)) == 10
    assert sum(varying.admit(1000.0 + second).ok for second in range(200, 300)) == 100
    assert [varying.sustained_rate(1000.0 + second) for second in (50, 150, 250)] == [1.0, 0.1, 1.0]


def test_sustained_rate_is_what_may_go_on_for_ever() -> None:
    """A caller at exactly the sustained rate is never refused."""
    for limiter in (TokenBucket(0.7, 1), SlidingWindow(5, 8.0), PenaltyBox(SlidingWindow(5, 8.0), 300.0)):
        gap = 1 / limiter.sustained_rate(0.0)
        assert all(limiter.admit(count * gap).ok for count in range(500))
    assert Unlimited().sustained_rate(0.0) == math.inf
    assert Unlimited().admit(0.0).ok


def test_every_model_is_a_limiter() -> None:
    """All models share one protocol."""
    for limiter in (Unlimited(), TokenBucket(1, 1), SlidingWindow(1, 1), PenaltyBox(Unlimited(), 1)):
        assert isinstance(limiter, Limiter)


@pytest.mark.parametrize(
    "build",
    [
        lambda: TokenBucket(0, 1),
        lambda: TokenBucket(1, 0.5),
        lambda: SlidingWindow(0, 1),
        lambda: SlidingWindow(1, 0),
        lambda: PenaltyBox(Unlimited(), 0),
        lambda: VaryingCapacity([]),
        lambda: VaryingCapacity([(5, Unlimited())]),
        lambda: VaryingCapacity([(0, Unlimited()), (0, Unlimited())]),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused(build: object) -> None:
    """Impossible limits raise ValueError when they are built."""
    with pytest.raises(ValueError):
        build()  # type: ignore[operator]  # parametrised lambdas
