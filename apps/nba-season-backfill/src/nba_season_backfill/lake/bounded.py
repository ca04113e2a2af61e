"""Calls that may hang, made so that they can be left behind."""

from __future__ import annotations

import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

__all__ = ["LeftBehind", "SecondsLeft", "within"]

SecondsLeft = Callable[[], float | None]
"""How long a call may still take; None: as long as it likes. May shrink while one is under way."""

_Result = TypeVar("_Result")

# How soon it is noticed that there is less time than there was.
_LOOK_SECONDS = 0.2


class LeftBehind(Exception):
    """There was no time left for the call: it was not made, or nobody waited for its end."""


def within(seconds_left: SecondsLeft, call: Callable[[], _Result]) -> _Result:
    """Make the call in a thread that dies with the process, and give what it gives or raise what it raises.

    Raises:
        LeftBehind: no time is left. What the call was doing may still happen, as after a crash.
    """
    if seconds_left() == 0:
        raise LeftBehind
    results: list[_Result] = []
    errors: list[BaseException] = []

    def work() -> None:
        try:
            results.append(call())
        except BaseException as error:  # noqa: BLE001  # the boundary of a thread: the caller raises it again
            errors.append(error)

    thread = threading.Thread(
        target=contextvars.copy_context().run, args=(work,), name=threading.current_thread().name, daemon=True
    )
    thread.start()
    while True:
        left = seconds_left()
        thread.join(_LOOK_SECONDS if left is None else min(left, _LOOK_SECONDS))
        if not thread.is_alive():
            break
        if left == 0:
            raise LeftBehind
    if errors:
        raise errors[0]
    return results[0]
