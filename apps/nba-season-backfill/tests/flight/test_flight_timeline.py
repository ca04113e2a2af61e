"""The timeline: running totals, few points however long the run, and cheap."""

from __future__ import annotations

import random
import threading
import time
from dataclasses import replace
from itertools import pairwise

from nba_season_backfill.backfill.timeline import COLUMNS, MOST_POINTS, Timeline
from nba_season_backfill.pace import PaceStats

STATS = PaceStats(
    sends=0,
    answers={},
    waited_seconds=0.0,
    interval_seconds=5.0,
    circuit="closed",
    in_flight=0,
    in_flight_limit=4,
    session_generation=0,
)


class Clock:
    """Seconds that a test moves."""

    seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


def test_points_are_running_totals() -> None:
    """Each point has its second, the pace, games and answers by verdict."""
    clock = Clock()
    timeline = Timeline(clock)
    timeline.follow(lambda: replace(STATS, waited_seconds=clock.seconds - 100, interval_seconds=2.5))
    for second in range(1, 4):
        clock.seconds = 100.0 + second
        timeline.judged("ok")
        timeline.judged("throttled" if second == 2 else "ok")
        timeline.game_done()
    timeline.sample()
    document = timeline.to_document()
    assert document["columns"] == list(COLUMNS)
    last = dict(zip(COLUMNS, document["points"][-1], strict=True))
    assert (last["seconds"], last["interval_seconds"], last["waited_seconds"]) == (3.0, 2.5, 3.0)
    assert (last["games_done"], last["ok"], last["throttled"]) == (3, 5, 1)
    assert timeline.counts() == {"ok": 5, "throttled": 1}


def test_a_long_run_has_no_more_points_than_a_short_one() -> None:
    """Five hours, an answer every 2.5 seconds: the points are bounded, in order, even, and end at the end."""
    clock = Clock()
    timeline = Timeline(clock)
    timeline.follow(lambda: STATS)
    for number in range(7200):
        clock.seconds = 100.0 + 2.5 * number
        timeline.judged("ok")
        assert number % 500 or len(timeline.to_document()["points"]) <= MOST_POINTS
    timeline.sample()
    points = timeline.to_document()["points"]
    seconds = [point[0] for point in points]
    assert MOST_POINTS / 3 < len(points) <= MOST_POINTS + 1
    assert seconds == sorted(seconds)
    assert seconds[-1] == 2.5 * 7199
    assert points[-1][COLUMNS.index("ok")] == 7200
    gaps = sorted(later - earlier for earlier, later in pairwise(seconds))
    assert gaps[len(gaps) // 10] * 4 >= gaps[-1]


def test_marks_are_kept_up_to_a_bound() -> None:
    """What was said, and each change of the circuit; beyond the bound they are counted."""
    clock = Clock()
    timeline = Timeline(clock)
    circuits = iter(["closed", "open", "open", "half_open"])
    timeline.follow(lambda: replace(STATS, circuit=next(circuits)))
    for _ in range(3):
        clock.seconds += 1
        timeline.sample()
    assert [(mark["seconds"], mark["what"]) for mark in timeline.to_document()["marks"]] == [
        (1.0, "circuit open"),
        (3.0, "circuit half_open"),
    ]
    for number in range(500):
        timeline.mark(f"notice {number}")
    document = timeline.to_document()
    assert len(document["marks"]) == 100
    assert document["marks_left_out"] == 402


def test_any_number_of_threads_may_tell_it() -> None:
    """No answer is lost between threads."""
    timeline = Timeline(time.monotonic, step_seconds=0.0)
    timeline.follow(lambda: STATS)
    verdicts = ["ok", "absent", "transient"]

    def tell(seed: int) -> None:
        rng = random.Random(seed)
        for _ in range(300):
            timeline.judged(rng.choice(verdicts))

    threads = [threading.Thread(target=tell, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(timeline.counts().values()) == 2400
    assert len(timeline.to_document()["points"]) <= MOST_POINTS


def test_an_answer_costs_next_to_nothing() -> None:
    """A run must not be slower for being watched: some microseconds an answer."""
    clock = Clock()
    timeline = Timeline(clock)
    timeline.follow(lambda: STATS)
    clock.seconds += 0.1
    began = time.perf_counter()
    for _ in range(20_000):
        timeline.judged("ok")
    assert (time.perf_counter() - began) / 20_000 < 50e-6
