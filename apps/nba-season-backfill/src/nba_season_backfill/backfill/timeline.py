"""A run over time in a few hundred points: what the pace did and what the answers were. Pure but for the clock given.

Every number is a running total (but the interval, which is the one then in force), so points can be left out without
anything being lost but detail. When there are too many, every other one is: the timeline of five minutes and that of
five hours take the same room.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

from nba_season_backfill.pace import PaceStats
from nba_season_backfill.source.verdict import VerdictKind

__all__ = ["COLUMNS", "MOST_POINTS", "Timeline"]

_VERDICTS = tuple(kind.value for kind in VerdictKind)
COLUMNS = ("seconds", "interval_seconds", "waited_seconds", "games_done", *_VERDICTS)
"""What a point is made of: seconds since the start, the pace, games settled, answers by verdict."""

MOST_POINTS = 480
_MOST_MARKS = 100


class Timeline:
    """Collects points; thread-safe and cheap: most answers only count.

    Args:
        clock: monotonic seconds.
        step_seconds: points are no closer than that to begin with.
    """

    def __init__(self, clock: Callable[[], float], *, step_seconds: float = 0.5) -> None:
        self._clock = clock
        self._began = clock()
        self._step_seconds = step_seconds
        self._next_at = self._began
        self._points: list[tuple[float, ...]] = []
        self._marks: list[dict[str, Any]] = []
        self._marks_left_out = 0
        self._verdicts: Counter[str] = Counter()
        self._games_done = 0
        self._stats: Callable[[], PaceStats] | None = None
        self._circuit = ""
        self._lock = threading.Lock()

    def follow(self, stats: Callable[[], PaceStats]) -> None:
        """From here on ask this for what the pace does."""
        self._stats = stats
        self.sample()

    def judged(self, verdict: str) -> None:
        """An answer."""
        with self._lock:
            self._verdicts[verdict] += 1
        if self._clock() >= self._next_at:
            self.sample()

    def game_done(self) -> None:
        """A game is settled."""
        with self._lock:
            self._games_done += 1

    def mark(self, what: str) -> None:
        """Something that happened at a moment, in a few words."""
        with self._lock:
            if len(self._marks) < _MOST_MARKS:
                self._marks.append({"seconds": self._seconds(), "what": what[:500]})
            else:
                self._marks_left_out += 1

    def sample(self) -> None:
        """Take a point now."""
        # Before the lock: the pace has one of its own.
        stats = self._stats() if self._stats is not None else None
        with self._lock:
            pace = (0.0, 0.0) if stats is None else (stats.interval_seconds, stats.waited_seconds)
            numbers = (*(round(each, 2) for each in pace), self._games_done)
            self._points.append((self._seconds(), *numbers, *(self._verdicts[name] for name in _VERDICTS)))
            if len(self._points) > MOST_POINTS:
                # The newest stays: it is where the run is.
                self._points = [*self._points[:-1:2], self._points[-1]]
                # As far apart as those that are left are now; answers may come more seldom than the step.
                self._step_seconds = max(2 * self._step_seconds, 2 * self._seconds() / MOST_POINTS)
            self._next_at = self._clock() + self._step_seconds
        circuit = stats.circuit if stats is not None else ""
        if circuit != self._circuit:
            if self._circuit:
                self.mark(f"circuit {circuit}")
            self._circuit = circuit

    def counts(self) -> dict[str, int]:
        """verdict -> answers so far; those that there were."""
        with self._lock:
            return {name: number for name, number in self._verdicts.items() if number}

    @property
    def games_done(self) -> int:
        """Games settled so far."""
        return self._games_done

    def to_document(self) -> dict[str, Any]:
        """As JSON: ``columns`` and, for each of the ``points``, their numbers; ``marks`` with their seconds."""
        with self._lock:
            return {
                "columns": list(COLUMNS),
                "points": [list(point) for point in self._points],
                "marks": list(self._marks),
                "marks_left_out": self._marks_left_out,
            }

    def _seconds(self) -> float:
        return round(self._clock() - self._began, 1)
