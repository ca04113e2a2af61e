"""What an open lake knows from before: listings, checkpoints, footers and columns, each under the version it is of.

What is kept under a version never becomes wrong. Which version is the newest does: that is believed for so many
seconds, and then asked again.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any

__all__ = ["Memory"]


class Memory:
    """Thread-safe.

    Args:
        max_age_seconds: how long a listing, a checkpoint and a partition's version are believed without asking.
        limit_bytes: how much of columns and footers is kept; what was used longest ago goes first.
        monotonic: the clock by which things age.
    """

    def __init__(
        self, *, max_age_seconds: float, limit_bytes: int, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._max_age_seconds = max_age_seconds
        self._limit_bytes = limit_bytes
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._facts: dict[Hashable, tuple[float, Any]] = {}
        self._content: OrderedDict[Hashable, tuple[int, Any]] = OrderedDict()
        self._bytes = 0

    def believe(self, name: Hashable, fact: Any) -> None:
        """Remember what was just seen."""
        with self._lock:
            self._facts[name] = self._monotonic(), fact

    def believed(self, name: Hashable) -> Any:
        """What was seen no longer ago than is believed; None if nothing was."""
        with self._lock:
            seen_at, fact = self._facts.get(name, (None, None))
            return fact if seen_at is not None and self._monotonic() - seen_at <= self._max_age_seconds else None

    def doubt(self, name: Hashable = None) -> None:
        """Ask again for this, or (None) for everything."""
        with self._lock:
            if name is None:
                self._facts.clear()
            else:
                self._facts.pop(name, None)

    def keep(self, name: Hashable, content: Any, size: int) -> None:
        """Keep the content of a version."""
        with self._lock:
            before = self._content.pop(name, None)
            self._bytes += size - (before[0] if before is not None else 0)
            self._content[name] = size, content
            while self._bytes > self._limit_bytes:
                _, (gone, _content) = self._content.popitem(last=False)
                self._bytes -= gone

    def kept(self, name: Hashable) -> Any:
        """The content of a version, or None."""
        with self._lock:
            found = self._content.get(name)
            if found is None:
                return None
            self._content.move_to_end(name)
            return found[1]
