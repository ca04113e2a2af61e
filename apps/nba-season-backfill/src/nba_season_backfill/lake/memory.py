"""A store in memory: for tests, and the reference of what the protocol means."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping

from nba_season_backfill.lake.store import (
    ObjectInfo,
    ObjectMissing,
    ObjectRange,
    PreconditionFailed,
    StoredObject,
    check_key,
    check_metadata,
    check_prefix,
    check_range,
    resolve_range,
)

__all__ = ["MemoryStore"]


class MemoryStore:
    """Objects in a dict. Thread-safe; gone with the process.

    Args:
        clock: the store's clock, in UTC.
    """

    def __init__(self, *, clock: Callable[[], dt.datetime] = lambda: dt.datetime.now(dt.UTC)) -> None:
        self._objects: dict[str, StoredObject] = {}
        self._lock = threading.RLock()
        self._clock = clock

    @property
    def url(self) -> str:
        """``memory:``."""
        return "memory:"

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object."""
        check_key(key)
        with self._lock:
            found = self._objects.get(key)
        if found is None:
            raise ObjectMissing(f"{key}: no such object", key=key)
        if if_match is not None and found.info.etag != if_match:
            raise PreconditionFailed(f"{key}: another version is there", key=key)
        return found

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        """Some bytes of it."""
        check_range(start, end)
        found = self.get(key, if_match=if_match)
        first, last = resolve_range(start, end, found.info.size)
        return ObjectRange(found.info, first, found.body[first:last])

    def head(self, key: str) -> ObjectInfo:
        """What is known of it."""
        return self.get(key).info

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Write or replace."""
        check_key(key)
        check_metadata(metadata)
        etag = hashlib.sha256(body).hexdigest()[:32]
        with self._lock:
            info = ObjectInfo(key, len(body), etag, self._clock(), dict(metadata or {}))
            self._objects[key] = StoredObject(info, bytes(body))
            return info

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Create."""
        check_key(key)
        with self._lock:
            if key in self._objects:
                raise PreconditionFailed(f"{key}: exists already", key=key)
            return self.put(key, body, metadata=metadata)

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Replace that version."""
        check_key(key)
        with self._lock:
            found = self._objects.get(key)
            if found is None or found.info.etag != etag:
                raise PreconditionFailed(f"{key}: not the version expected", key=key)
            return self.put(key, body, metadata=metadata)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """In key order."""
        check_prefix(prefix)
        with self._lock:
            found = [stored.info for key, stored in sorted(self._objects.items()) if key.startswith(prefix)]
        for info in found:
            yield ObjectInfo(info.key, info.size, info.etag, info.last_modified)

    def delete(self, key: str) -> None:
        """Remove."""
        check_key(key)
        with self._lock:
            self._objects.pop(key, None)

    def now(self) -> dt.datetime:
        """The injected clock."""
        return self._clock()

    def close(self) -> None:
        """Nothing to give back."""
