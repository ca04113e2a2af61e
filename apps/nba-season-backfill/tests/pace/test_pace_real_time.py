"""The pace in real time, with threads and a transport that takes time to answer."""

from __future__ import annotations

import itertools
import threading
import time

import pytest

from nba_season_backfill.pace import Outcome, PaceConfig, Pacer


def paced_in_real_time(interval: float, requests: int, latency: float, threads: int) -> list[float]:
    """When the requests left, by the clock of this machine."""
    pacer = Pacer(
        PaceConfig(interval_seconds=interval, floor_seconds=0.0, request_budget=0, max_in_flight=threads),
    )
    stop = threading.Event()
    sent: list[float] = []
    left = iter(range(requests))
    lock = threading.Lock()

    def work() -> None:
        while True:
            with lock:
                if next(left, None) is None:
                    return
            ticket = pacer.acquire(stop)
            with lock:
                sent.append(time.monotonic())
            stop.wait(latency)
            pacer.report(ticket, Outcome.OK)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(120)
    return sorted(sent)


def test_a_short_run_in_real_time_keeps_its_pace() -> None:
    """Forty requests at 20 ms, answers after 60 ms: never closer than 15 ms, and the whole within a tenth."""
    sent = paced_in_real_time(0.02, 40, 0.06, 4)
    assert len(sent) == 40
    assert sent[-1] - sent[0] >= 39 * 0.02 * 0.97
    assert sent[-1] - sent[0] <= 39 * 0.02 * 1.5


@pytest.mark.slow
@pytest.mark.parametrize("share", [0.2, 3.0])
def test_wall_time_is_requests_times_interval_within_one_per_cent(share: float) -> None:
    """Sixty requests at 0.25 s, with answers of 0.2 and of 3 intervals, by four threads."""
    interval = 0.25
    sent = paced_in_real_time(interval, 60, share * interval, 4)
    assert sent[-1] - sent[0] == pytest.approx(59 * interval, rel=0.01)
    assert min(later - earlier for earlier, later in itertools.pairwise(sent)) >= interval * 0.75 - 0.005
