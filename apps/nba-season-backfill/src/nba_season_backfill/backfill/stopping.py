"""Being asked to stop: one object that a signal handler sets and everything that waits listens to."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

__all__ = ["STORE_SECONDS", "Stop"]

STORE_SECONDS = 5.5
"""So long after a signal the store is still waited for: answers, the last commit and the leases have to fit in.

Record, alert and heartbeat have three seconds more, and the process ends within ten.
"""


class Stop:
    """A request to stop, and by which signal. Safe to use from a signal handler: it takes no lock of ours."""

    def __init__(self, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self.event = threading.Event()
        self.signal_number: int | None = None
        self._monotonic = monotonic
        self._store_until: float | None = None
        self._wake: list[Callable[[], None]] = []

    def on_request(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` (which must be reentrant) as soon as a stop is requested."""
        self._wake.append(wake)

    def request(self, signal_number: int) -> None:
        """Ask everything to stop. The first signal counts."""
        if self.signal_number is None:
            self._store_until = self._monotonic() + STORE_SECONDS
            self.signal_number = signal_number
        self.event.set()
        for wake in self._wake:
            wake()

    def seconds_left(self) -> float | None:
        """How long the store is still waited for; None as long as no signal came."""
        return None if self._store_until is None else max(0.0, self._store_until - self._monotonic())

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self.event.is_set()
