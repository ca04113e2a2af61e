"""The object store protocol: what the lake needs of a bucket, no more.

Both stores (local folder, S3) and the in-memory one pass one contract-test suite. Keys are relative to the lake's
root, use ``/``, never start with it and never contain ``..``.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = ["ObjectInfo", "ObjectMissing", "ObjectStore", "PreconditionFailed", "StoreError", "StoredObject"]


class StoreError(Exception):
    """A store could not do what it was asked: says which operation, which key and what the store said.

    ``kind`` is one of ``missing_bucket``, ``access_denied``, ``credentials``, ``full``, ``read_only``, ``unreachable``,
    ``corrupt`` (a body whose checksum is not the one stored with it) and ``other``.
    """

    def __init__(self, message: str, *, kind: str = "other", key: str | None = None) -> None:
        super().__init__(message)
        self.kind = kind
        self.key = key


class ObjectMissing(StoreError):
    """No object has that key."""


class PreconditionFailed(StoreError):
    """The object is not in the state that a conditional write demanded; nothing was written."""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object without its body. ``etag`` is opaque: compare it, never parse it."""

    key: str
    size: int
    etag: str
    last_modified: dt.datetime
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object, whole: a body is never returned in part, nor as a mixture of two versions."""

    info: ObjectInfo
    body: bytes


class ObjectStore(Protocol):
    """A flat, strongly consistent key-value store with conditional writes. Thread-safe.

    Every write is atomic and, once it has returned, durable in the order of the calls: no later write can survive a
    crash that loses an earlier one. Metadata keys are lower-case ASCII, values are text of at most 2 KB altogether.
    """

    @property
    def url(self) -> str:
        """Where this is, for people and for messages: ``s3://bucket/prefix`` or a folder's absolute path."""

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object. Raises ObjectMissing; PreconditionFailed if its etag is not ``if_match``."""

    def head(self, key: str) -> ObjectInfo:
        """What is known of the object, metadata included. Raises ObjectMissing."""

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Write or replace, atomically."""

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Create. Raises PreconditionFailed if the key exists: the object there is untouched."""

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Replace the version named by ``etag``. Raises PreconditionFailed if it is another one, or none."""

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Every object whose key starts with ``prefix``, in key order. ``metadata`` is empty."""

    def delete(self, key: str) -> None:
        """Remove; a key that does not exist is no error."""

    def now(self) -> dt.datetime:
        """The store's own clock (UTC): by it leases expire."""

    def close(self) -> None:
        """Give connections back. Idempotent."""
