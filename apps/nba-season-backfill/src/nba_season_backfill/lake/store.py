"""The object store protocol: what the lake needs of a bucket, no more.

Both stores (local folder, S3) and the in-memory one pass one contract-test suite. Keys are relative to the lake's
root, use ``/``, never start with it and never contain ``..``; no part of a key starts with a dot, because such names
are hidden from the readers of a lake.
"""

from __future__ import annotations

import base64
import datetime as dt
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

__all__ = [
    "METADATA_BYTES",
    "ObjectInfo",
    "ObjectMissing",
    "ObjectRange",
    "ObjectStore",
    "PreconditionFailed",
    "StoreError",
    "StoredObject",
    "check_key",
    "check_metadata",
    "check_prefix",
    "check_range",
    "decode_value",
    "encode_value",
    "resolve_range",
]

METADATA_BYTES = 1800
"""What an object's metadata may take, names and values as they are sent: S3 allows 2 KB, some of it is the store's."""

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_ENCODED = "=?UTF-8?B?"


class StoreError(Exception):
    """A store could not do what it was asked: says which operation, which key and what the store said.

    ``kind`` is one of ``missing_bucket``, ``access_denied``, ``credentials``, ``expired`` (credentials that were good),
    ``full``, ``read_only``, ``throttled``, ``unreachable``, ``left_behind`` (there was no time to wait for an answer:
    whether it was done is not known), ``corrupt`` (a body whose checksum is not the one stored with it) and ``other``.
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


@dataclass(frozen=True, slots=True)
class ObjectRange:
    """Some bytes of one version of an object: ``info`` is of the whole of it, ``start`` is where ``body`` begins."""

    info: ObjectInfo
    start: int
    body: bytes


class ObjectStore(Protocol):
    """A flat, strongly consistent key-value store with conditional writes. Thread-safe.

    Every write is atomic: a reader, or a crash, meets the version before or the one after it. Durability is promised
    where it matters. A write below ``_state/`` is durable when it returns, and so is every write and delete that had
    returned before it began; whatever replaces an object is durable before the object it replaces is gone. A new object
    elsewhere may be lost by a crash of the machine (not of the process) until the next write below ``_state/``. So no
    state survives a crash that loses what it names. (In S3 every write is durable when it returns.)

    Metadata names are lower-case snake_case, values any text; together they are limited to ``METADATA_BYTES``.
    """

    @property
    def url(self) -> str:
        """Where this is, for people and for messages: ``s3://bucket/prefix`` or a folder's absolute path."""

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object. Raises ObjectMissing; PreconditionFailed if its etag is not ``if_match``."""

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        """Bytes ``start`` to ``end`` (not included; None = the last one), all of one version.

        A negative ``start`` counts from the end. What lies outside the object is left out. To read more of the same
        version pass its etag as ``if_match``. A part cannot be compared with the checksum of the whole.

        Raises:
            ObjectMissing: no object has that key.
            PreconditionFailed: its etag is not ``if_match``.
            ValueError: the range cannot be one.
        """

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
        """Every object whose key starts with ``prefix``, in key order. ``metadata`` is empty, and ``etag`` may be."""

    def delete(self, key: str) -> None:
        """Remove; a key that does not exist is no error."""

    def now(self) -> dt.datetime:
        """The store's own clock (UTC): by it leases expire."""

    def close(self) -> None:
        """Give connections back. Idempotent."""


def check_key(key: str) -> None:
    """Refuse what is not a key: empty, absolute, with empty or hidden parts, leading out, or with control characters.

    Raises:
        ValueError: says which key.
    """
    if not _is_key(key):
        raise ValueError(f"not a key: {key!r}")


def check_prefix(prefix: str) -> None:
    """Refuse what no key can start with. The last part may be cut off anywhere, even before its first letter.

    Raises:
        ValueError: says which prefix.
    """
    if prefix and not _is_key(f"{prefix}x"):
        raise ValueError(f"not a prefix of keys: {prefix!r}")


def check_metadata(metadata: Mapping[str, str] | None) -> None:
    """Refuse metadata that some store could not keep as it is.

    Raises:
        ValueError: a name is not lower-case letters, digits and underscores, or it is too much.
    """
    size = 0
    for name, value in (metadata or {}).items():
        if not _NAME.fullmatch(name):
            raise ValueError(f"not a name for metadata: {name!r}")
        size += len(name) + len(encode_value(value))
    if size > METADATA_BYTES:
        raise ValueError(f"{size} bytes of metadata, {METADATA_BYTES} are allowed: {', '.join(metadata or {})}")


def resolve_range(start: int, end: int | None, size: int) -> tuple[int, int]:
    """The first byte, and the one behind the last, of a range in an object of that size."""
    first = max(0, size + start) if start < 0 else min(start, size)
    return first, size if end is None else max(first, min(end, size))


def check_range(start: int, end: int | None) -> None:
    """Refuse what no object could have: an end before the start, or an end together with a start from the end.

    Raises:
        ValueError: says which range.
    """
    if end is not None and (start < 0 or end <= start):
        raise ValueError(f"not a range: {start} to {end}")


def encode_value(value: str) -> str:
    """The value as text that an HTTP header carries unchanged: RFC 2047 where it is empty or not printable ASCII."""
    plain = bool(value) and value.isascii() and value.isprintable() and value == value.strip()
    if plain and not value.startswith(_ENCODED):
        return value
    return f"{_ENCODED}{base64.b64encode(value.encode()).decode()}?="


def decode_value(text: str) -> str:
    """What ``encode_value`` was given."""
    if not text.startswith(_ENCODED) or not text.endswith("?="):
        return text
    try:
        return base64.b64decode(text[len(_ENCODED) : -2], validate=True).decode()
    except ValueError:
        return text


def _is_key(key: str) -> bool:
    return key.isprintable() and "\\" not in key and all(part and not part.startswith(".") for part in key.split("/"))
