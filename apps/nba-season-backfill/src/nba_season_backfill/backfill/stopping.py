"""Being asked to stop: one object that a signal handler sets and everything that waits listens to."""

from __future__ import annotations

import threading
from collections.abc import Callable

__all__ = ["Stop"]


class Stop:
    """A request to stop, and by which signal. Safe to use from a signal handler: it takes no lock of ours."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.signal_number: int | None = None
        self._wake: list[Callable[[], None]] = []

    def on_request(self, wake: Callable[[], None]) -> None:
        """Call ``wake`` (which must be reentrant) as soon as a stop is requested."""
        self._wake.append(wake)

    def request(self, signal_number: int) -> None:
        """Ask everything to stop. The first signal counts."""
        if self.signal_number is None:
            self.signal_number = signal_number
        self.event.set()
        for wake in self._wake:
            wake()

    @property
    def requested(self) -> bool:
        """Whether somebody asked."""
        return self.event.is_set()
