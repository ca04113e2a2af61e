"""A store that fails at one operation of a run, in one way: what fault suites put between the code and its store."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from nba_season_backfill.lake.store import (
    ObjectInfo,
    ObjectRange,
    ObjectStore,
    PreconditionFailed,
    StoredObject,
    StoreError,
)

__all__ = ["FAULTS", "FaultyStore", "SimulatedKill", "Trap"]

FAULTS = ("killed_before", "killed_after", "response_lost", "duplicated", "error_500", "timeout")


class SimulatedKill(BaseException):
    """The process is gone: not an Exception, so that nothing in it can be caught by mistake."""


@dataclass
class Trap:
    """One fault at the ``at``-th operation (1 = the first; 0 = never), counted over everything that shares the trap.

    A store and a source may share one: then every operation of a run is a place where it can fail.
    """

    fault: str = ""
    at: int = 0
    count: int = 0
    sprung: bool = False
    dead: bool = False
    lock: threading.Lock = field(default_factory=threading.Lock)

    def step(self) -> str:
        """Count an operation; gives the fault that it suffers, or nothing.

        Raises:
            SimulatedKill: the process is dead, or is killed before this operation.
        """
        with self.lock:
            if self.dead:
                raise SimulatedKill
            self.count += 1
            if self.count != self.at:
                return ""
            self.sprung = True
            if self.fault == "killed_before":
                self.dead = True
                raise SimulatedKill
            return self.fault

    def die(self) -> None:
        """The process ends right here."""
        with self.lock:
            self.dead = True
        raise SimulatedKill

    def set(self, fault: str, *, after: int = 1) -> None:
        """Fail from here on counted: 1 = the very next operation."""
        with self.lock:
            self.fault, self.at, self.sprung = fault, self.count + after, False


class FaultyStore:
    """A store of which one operation fails as its trap says. Thread-safe.

    ``killed_before``, ``killed_after``: SimulatedKill, and from every operation that follows: a dead process writes
    nothing. ``response_lost``: done, but reported as unreachable. ``duplicated``: done twice, the first answer counts.
    ``error_500``, ``timeout``: not done, reported as unreachable. Counted are the gets, head, the puts, list
    and delete; the clock and ``close`` are not.
    """

    def __init__(self, inner: ObjectStore, trap: Trap | None = None) -> None:
        self.inner = inner
        self.trap = trap or Trap()

    @property
    def url(self) -> str:
        return self.inner.url

    def _do(self, name: str, key: str, *arguments: Any, **keywords: Any) -> Any:
        fault = self.trap.step()
        if fault in ("error_500", "timeout"):
            raise StoreError(f"{key}: {fault}", kind="unreachable", key=key)
        operation = getattr(self.inner, name)
        result = operation(key, *arguments, **keywords)
        if name == "list":
            # Whole before the answer is lost: a listing must not be done later, when the process is dead.
            result = list(result)
        if fault == "killed_after":
            self.trap.die()
        if fault == "response_lost":
            raise StoreError(f"{key}: the answer was lost", kind="unreachable", key=key)
        if fault == "duplicated":
            with contextlib.suppress(PreconditionFailed):
                operation(key, *arguments, **keywords)
        return result

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        found: StoredObject = self._do("get", key, if_match=if_match)
        return found

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        found: ObjectRange = self._do("get_range", key, start, end, if_match=if_match)
        return found

    def head(self, key: str) -> ObjectInfo:
        found: ObjectInfo = self._do("head", key)
        return found

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        found: ObjectInfo = self._do("put", key, body, metadata=metadata)
        return found

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        found: ObjectInfo = self._do("put_if_absent", key, body, metadata=metadata)
        return found

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        found: ObjectInfo = self._do("put_if_match", key, body, etag, metadata=metadata)
        return found

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        return iter(self._do("list", prefix))

    def delete(self, key: str) -> None:
        self._do("delete", key)

    def now(self) -> dt.datetime:
        return self.inner.now()

    def close(self) -> None:
        self.inner.close()
