"""File locks of this machine: the kernel gives them back when their holder dies."""

from __future__ import annotations

import fcntl
import os
import time

from nba_season_backfill.lake.bounded import LeftBehind, SecondsLeft

__all__ = ["Held", "take_lock"]


class Held:
    """A lock of this machine, until it is given back or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


def take_lock(descriptor: int, seconds: float, seconds_left: SecondsLeft | None) -> bool:
    """Lock an open file, waiting for whoever has it; False when that took longer than ``seconds``.

    Raises:
        LeftBehind: no time was left to wait.
    """
    deadline = time.monotonic() + seconds
    pause = 0.0005
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            # A lock lasts a few milliseconds, unless its holder was paused just then.
            if time.monotonic() > deadline:
                return False
            if seconds_left is not None and seconds_left() == 0:
                raise LeftBehind from None
        else:
            return True
        time.sleep(pause)
        pause = min(pause * 2, 0.02)
