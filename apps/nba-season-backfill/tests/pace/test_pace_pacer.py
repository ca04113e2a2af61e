"""The shell around the core: threads, stopping, waiting too long, storing."""

from __future__ import annotations

import itertools
import random
import threading
from typing import Any

import pytest

from nba_season_backfill.pace import Outcome, PaceConfig, Pacer, PaceState, PaceStopped, Ticket, WaitTooLong


def paced(clock: Any, config: PaceConfig | None = None, state: PaceState | None = None) -> Pacer:
    """A pacer in virtual time."""
    return Pacer(
        config or PaceConfig(),
        state=state,
        clock=clock.now,
        wall=clock.wall,
        rng=random.Random(7),
        wait=clock.wait,
    )


def send(pacer: Pacer, outcome: Outcome = Outcome.OK, asked: float | None = None) -> Ticket:
    """One request and its answer."""
    ticket = pacer.acquire(threading.Event())
    pacer.report(ticket, outcome, asked)
    return ticket


def test_threads_never_send_closer_than_the_interval_minus_the_jitter(virtual_clock: Any) -> None:
    """Eight threads that ask as fast as they can get their turns one by one."""
    pacer = paced(virtual_clock, PaceConfig(request_budget=0))
    times: list[float] = []
    lock = threading.Lock()

    def work() -> None:
        for _ in range(30):
            ticket = pacer.acquire(threading.Event())
            with lock:
                times.append(ticket.sent_at)
            pacer.report(ticket, Outcome.THROTTLED if ticket.id in (50, 120) else Outcome.OK)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    times.sort()
    assert len(times) == 240
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 4.8 - 1e-9


def test_never_more_in_flight_than_configured(virtual_clock: Any) -> None:
    """A fifth request waits until one of four is answered."""
    pacer = paced(virtual_clock)
    tickets = [pacer.acquire(threading.Event()) for _ in range(4)]
    got: list[Ticket] = []
    thread = threading.Thread(target=lambda: got.append(pacer.acquire(threading.Event())))
    thread.start()
    thread.join(0.2)
    assert thread.is_alive()
    assert not got
    pacer.report(tickets[0], Outcome.OK)
    thread.join(10)
    assert [ticket.id for ticket in got] == [5]
    assert pacer.stats.in_flight == 4


def test_stop_interrupts_a_wait_of_half_an_hour_at_once() -> None:
    """A thread that waits for the circuit to close leaves as soon as the event is set, in real time."""
    waiting = threading.Event()

    def wait(seconds: float, stop: threading.Event) -> None:
        assert seconds > 1500
        waiting.set()
        stop.wait(seconds)

    pacer = Pacer(PaceConfig(), wait=wait)
    send(pacer, Outcome.THROTTLED, 1800.0)
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            pacer.acquire(stop)
        except PaceStopped as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    assert waiting.wait(5)
    stop.set()
    thread.join(5)
    assert not thread.is_alive()
    assert len(raised) == 1


def test_stop_interrupts_the_wait_for_an_answer(virtual_clock: Any) -> None:
    """A thread that waits for a place in flight leaves too."""
    pacer = paced(virtual_clock, PaceConfig(max_in_flight=1))
    pacer.acquire(threading.Event())
    stop = threading.Event()
    raised: list[BaseException] = []

    def work() -> None:
        try:
            pacer.acquire(stop)
        except PaceStopped as error:
            raised.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    stop.set()
    thread.join(5)
    assert len(raised) == 1


def test_a_retry_after_beyond_the_patience_of_the_run_raises(virtual_clock: Any) -> None:
    """An hour asked for, 45 minutes allowed: WaitTooLong says throttled, how long, and what was seen."""
    pacer = paced(virtual_clock)
    send(pacer, Outcome.THROTTLED, 3600.0)
    with pytest.raises(WaitTooLong, match="refused") as caught:
        pacer.acquire(threading.Event())
    assert caught.value.kind == "throttled"
    assert 3600 <= caught.value.foreseen_seconds <= 3800
    assert "2700" in caught.value.what_was_seen


def test_silence_without_end_raises_within_the_patience_of_the_run(virtual_clock: Any) -> None:
    """A service that never answers again is given up as blocked before 45 minutes have passed."""
    pacer = paced(virtual_clock)
    began = virtual_clock.now()

    def insist() -> None:
        for _ in range(20):
            ticket = pacer.acquire(threading.Event())
            virtual_clock.wait(30.0, threading.Event())
            pacer.report(ticket, Outcome.BLOCKED)

    with pytest.raises(WaitTooLong, match="did not answer") as caught:
        insist()
    assert caught.value.kind == "blocked"
    assert virtual_clock.now() - began <= 2700


def test_waiting_for_the_budget_is_no_reason_to_give_up(virtual_clock: Any) -> None:
    """Fifty requests an hour at 2 s: the pacer sleeps for most of the hour and goes on."""
    pacer = paced(virtual_clock, PaceConfig(interval_seconds=2.0, request_budget=50, max_wait_seconds=60.0))
    times = [send(pacer).sent_at for _ in range(110)]
    assert times[50] - times[0] >= 3600
    assert times[100] - times[50] >= 3600


def test_the_next_run_keeps_what_was_learned_and_what_is_still_to_be_waited_for(virtual_clock: Any) -> None:
    """An open circuit, a lower pace and the session generation survive a snapshot, on another clock."""
    pacer = paced(virtual_clock)
    for _ in range(20):
        send(pacer)
    send(pacer, Outcome.THROTTLED, 900.0)
    text = pacer.snapshot().to_json()
    assert len(text) < 4000
    virtual_clock.wait(100.0, threading.Event())

    other = type(virtual_clock)()
    offset = virtual_clock.wall() - other.wall()
    resumed = Pacer(
        PaceConfig(),
        state=PaceState.from_json(text),
        clock=other.now,
        wall=lambda: other.wall() + offset,
        wait=other.wait,
    )
    began = other.now()
    assert resumed.stats.interval_seconds > 6
    assert resumed.stats.session_generation == 1
    ticket = resumed.acquire(threading.Event())
    assert 799 <= ticket.sent_at - began <= 860


def test_a_state_from_the_future_does_not_shorten_a_wait(virtual_clock: Any) -> None:
    """A wall clock that was set back counts as no time away."""
    pacer = paced(virtual_clock)
    send(pacer, Outcome.THROTTLED, 900.0)
    state = PaceState.from_json(pacer.snapshot().to_json())
    other = type(virtual_clock)()
    resumed = Pacer(PaceConfig(), state=state, clock=other.now, wall=lambda: 1.0, wait=other.wait)
    assert resumed.acquire(threading.Event()).sent_at - 1000.0 >= 899


def test_text_that_is_no_state_is_refused() -> None:
    """Garbage, other formats and missing fields are ValueErrors, not surprises."""
    for text in ("", "[]", "{}", '{"format": 99}', '{"format": 1}', "null"):
        with pytest.raises(ValueError, match=r".+"):
            PaceState.from_json(text)


def test_a_ticket_is_reported_once(virtual_clock: Any) -> None:
    """A second report of the same ticket counts nothing and frees nothing."""
    pacer = paced(virtual_clock)
    ticket = send(pacer)
    pacer.report(ticket, Outcome.THROTTLED, 500.0)
    assert pacer.stats.refusals == 0
    assert pacer.stats.circuit == "closed"
    assert pacer.stats.in_flight == 0


def test_the_session_is_renewed_after_each_refusal(virtual_clock: Any) -> None:
    """Tickets carry a generation that grows with each throttle or block, and with nothing else."""
    pacer = paced(virtual_clock)
    assert send(pacer).session_generation == 0
    assert send(pacer, Outcome.BLOCKED).session_generation == 0
    assert send(pacer, Outcome.NEUTRAL).session_generation == 1
    assert send(pacer, Outcome.THROTTLED).session_generation == 1
    assert send(pacer).session_generation == 2


def test_statistics_say_what_happened(virtual_clock: Any) -> None:
    """Sends, answers by outcome, seconds waited, interval and circuit are there for progress lines and metrics."""
    pacer = paced(virtual_clock)
    for _ in range(10):
        send(pacer)
    send(pacer, Outcome.THROTTLED)
    stats = pacer.stats
    assert stats.sends == 11
    assert stats.answers == {Outcome.OK: 10, Outcome.THROTTLED: 1}
    assert stats.refusals == 1
    assert stats.waited_seconds == pytest.approx(50.0, abs=0.3)
    assert stats.circuit == "open"
    assert stats.in_flight_limit == 1


def test_off_never_waits(virtual_clock: Any) -> None:
    """On the loopback a thousand requests take no time, refused or not."""
    pacer = paced(virtual_clock, PaceConfig.off())
    for number in range(1000):
        send(pacer, Outcome.THROTTLED if number % 10 == 0 else Outcome.OK, 60.0)
    assert virtual_clock.waits == []
    assert pacer.stats.refusals == 100
