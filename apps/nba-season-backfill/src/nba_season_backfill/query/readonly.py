"""A store that only reads, and tells what each request cost."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator, Mapping
from typing import NoReturn

from nba_season_backfill.lake.store import ObjectInfo, ObjectRange, ObjectStore, StoredObject, StoreError

__all__ = ["ReadOnlyStore"]

_PAGE = 1000

Told = Callable[[str, int], None]


class ReadOnlyStore:
    """Another store, without its writes: every one is refused before the other store hears of it.

    Args:
        told: called after each request with the operation and the bytes of body it brought.
    """

    def __init__(self, inner: ObjectStore, told: Told = lambda _operation, _size: None) -> None:
        self._inner = inner
        self._told = told

    def telling(self, told: Told) -> ReadOnlyStore:
        """The same store for one question, whose requests are counted apart."""
        return ReadOnlyStore(self._inner, told)

    @property
    def url(self) -> str:
        """Where the other store is."""
        return self._inner.url

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object."""
        try:
            found = self._inner.get(key, if_match=if_match)
        except StoreError:
            self._told("get", 0)
            raise
        self._told("get", len(found.body))
        return found

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        """Some bytes of it."""
        try:
            found = self._inner.get_range(key, start, end, if_match=if_match)
        except StoreError:
            self._told("get_range", 0)
            raise
        self._told("get_range", len(found.body))
        return found

    def head(self, key: str) -> ObjectInfo:
        """What is known of it."""
        self._told("head", 0)
        return self._inner.head(key)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """In key order. A page of a listing (1,000 keys) is a request."""
        self._told("list", 0)
        for number, info in enumerate(self._inner.list(prefix)):
            if number and number % _PAGE == 0:
                self._told("list", 0)
            yield info

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Refused."""
        del body, metadata
        self._refuse("put", key)

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Refused."""
        del body, metadata
        self._refuse("put_if_absent", key)

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Refused."""
        del body, etag, metadata
        self._refuse("put_if_match", key)

    def delete(self, key: str) -> None:
        """Refused."""
        self._refuse("delete", key)

    def now(self) -> dt.datetime:
        """The store's clock."""
        return self._inner.now()

    def close(self) -> None:
        """Give connections back."""
        self._inner.close()

    def _refuse(self, operation: str, key: str) -> NoReturn:
        raise StoreError(
            f"{self.url}/{key}: {operation} refused: this store is open for reading only", kind="read_only"
        )
