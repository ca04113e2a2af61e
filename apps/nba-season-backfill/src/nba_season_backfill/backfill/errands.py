"""Work that may hang, done beside what matters and waited for no longer than a bound."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

from hoopstat_observability import carry_context, redact

__all__ = ["Errand", "Patience"]

_Result = TypeVar("_Result")


class Patience:
    """A time that is shared by everything that waits within it; it shrinks when somebody is in a hurry.

    Args:
        seconds: in all, from now on.
        hurry: once it is set, no more than ``hurried_seconds`` are left.
    """

    def __init__(
        self,
        seconds: float,
        hurry: threading.Event,
        hurried_seconds: float,
        *,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._monotonic = monotonic
        self._until = monotonic() + seconds
        self._hurry = hurry
        self._hurried_seconds = hurried_seconds
        self._hurried = False

    def left_seconds(self) -> float:
        """What is left of it."""
        now = self._monotonic()
        if self._hurry.is_set() and not self._hurried:
            self._hurried = True
            self._until = min(self._until, now + self._hurried_seconds)
        return max(0.0, self._until - now)

    def wait_for(self, done: threading.Event, most_seconds: float | None = None) -> bool:
        """Wait until it is set; False when the patience (or ``most_seconds`` of it) is at its end before."""
        until = None if most_seconds is None else self._monotonic() + most_seconds
        while True:
            left = self.left_seconds()
            if until is not None:
                left = min(left, until - self._monotonic())
            # In steps, so that a hurry is noticed.
            if done.wait(max(0.0, min(left, 0.1))):
                return True
            if left <= 0:
                return False


class Errand(Generic[_Result]):
    """Something done in a thread of its own that nobody needs to wait for: it dies with the process.

    The function is given an event that is set once it is too late: it should do nothing more that others see.
    """

    def __init__(self, name: str, function: Callable[[threading.Event], _Result]) -> None:
        self.name = name
        self.result: _Result | None = None
        self.problem = ""
        self._function = function
        self._too_late = threading.Event()
        self._done = threading.Event()
        threading.Thread(target=carry_context(self._run), name=name, daemon=True).start()

    def _run(self) -> None:
        try:
            self.result = self._function(self._too_late)
        except Exception as error:  # noqa: BLE001  # the boundary of a thread: whoever waits is told
            self.problem = f"{type(error).__name__}: {redact(str(error))}"
        finally:
            self._done.set()

    def finished(self, patience: Patience) -> bool:
        """Wait for it; False when the patience is at its end before. Then it is told that it is too late."""
        if patience.wait_for(self._done):
            return True
        self._too_late.set()
        return False
