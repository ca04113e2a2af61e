"""The raw archive: every answer, verbatim, gzipped, under the hash of its bytes. Create-only.

Putting a body that is there already changes nothing, with two exceptions. A damaged object is replaced by what its name
says. And where another body of the same subject was archived since, the metadata is written anew: the answer that came
last must be the newest, even if it came once before.
"""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from isal import igzip

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore, PreconditionFailed, StoredObject, StoreError

__all__ = ["Packed", "RawArchive", "RawRef", "pack"]

_SUFFIX = ".json.gz"
# Of ISA-L, which takes a fifth of zlib's time at its level 4 and leaves a sixth more.
_LEVEL = 2


@dataclass(frozen=True, slots=True)
class RawRef:
    """One archived body. ``size`` is of the gzipped object; ``created`` is False when it was there before.

    ``healed``: what was there before was damaged, and was replaced.
    """

    key: str
    sha256: str
    size: int
    last_modified: dt.datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    created: bool = False
    healed: bool = False

    @property
    def subject(self) -> str:
        """The game id, or the name of the season-level list."""
        return self.key.split("/")[-2]

    @property
    def fetched_at(self) -> dt.datetime:
        """When it was fetched: from its metadata, else when it was stored."""
        text = self.metadata.get("fetched_at")
        return dt.datetime.fromisoformat(text) if text else self.last_modified


@dataclass(frozen=True, slots=True)
class Packed:
    """A body as the archive keeps it: the SHA-256 of its bytes (hex), and the bytes gzipped."""

    sha256: str
    gzipped: bytes


def pack(body: bytes) -> Packed:
    """A body, ready to be archived. Pure: the same body gives the same bytes."""
    return Packed(hashlib.sha256(body).hexdigest(), igzip.compress(body, _LEVEL, mtime=0))


class RawArchive:
    """Archived bodies of a lake. A body is never deleted, and never changed unless it is damaged."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(
        self, endpoint: str, season: str, subject: str, body: bytes | Packed, metadata: Mapping[str, str]
    ) -> RawRef:
        """Archive a body, verbatim; the same body again is a success that creates nothing.

        Args:
            subject: what the body is about, within the endpoint's season.
            body: as received, or packed already.
            metadata: kept beside it; ``fetched_at`` (ISO 8601) says which of several bodies is the newest.
        """
        packed = body if isinstance(body, Packed) else pack(body)
        key = layout.raw_key(endpoint, season, subject, packed.sha256)
        try:
            info = self._store.put_if_absent(key, packed.gzipped, metadata=metadata)
        except PreconditionFailed:
            return self._again(key, packed.sha256, packed.gzipped, metadata)
        return RawRef(key, packed.sha256, info.size, info.last_modified, dict(metadata), created=True)

    def _again(self, key: str, sha256: str, packed: bytes, metadata: Mapping[str, str]) -> RawRef:
        try:
            stored = self._store.get(key)
            self._check(stored, sha256)
        except StoreError as error:
            if error.kind != "corrupt":
                raise
            info = self._store.put(key, packed, metadata=metadata)
            return RawRef(key, sha256, info.size, info.last_modified, dict(metadata), healed=True)
        others = (info for info in self._store.list(key.rpartition("/")[0] + "/") if info.key != key)
        if any(info.last_modified >= stored.info.last_modified for info in others):
            return _ref(self._store.put(key, packed, metadata=metadata))
        return _ref(stored.info)

    def get(self, ref: RawRef | str) -> bytes:
        """The verbatim body of a reference, or of a key.

        Raises:
            ObjectMissing: there is none.
            StoreError: of kind ``corrupt`` when what is stored is not what was archived; names the object.
        """
        key = ref if isinstance(ref, str) else ref.key
        return self._check(self._store.get(key), _sha256_of(key))

    def _check(self, stored: StoredObject, sha256: str) -> bytes:
        where = f"{self._store.url}/{stored.info.key}"
        try:
            # Not by what packed it: a second opinion.
            body = gzip.decompress(stored.body)
        except (OSError, EOFError, zlib.error) as error:
            raise StoreError(f"{where}: not readable ({error})", kind="corrupt", key=stored.info.key) from None
        if hashlib.sha256(body).hexdigest() != sha256:
            raise StoreError(f"{where}: its content is not what its name says", kind="corrupt", key=stored.info.key)
        return body

    def find(self, endpoint: str, season: str, subject: str) -> list[RawRef]:
        """The bodies of a subject, newest first, with their metadata."""
        return self._newest_first(layout.raw_prefix(endpoint, season, subject))

    def newest(self, endpoint: str, season: str) -> dict[str, RawRef]:
        """subject -> its newest body. Metadata is asked for only where a subject has several."""
        by_subject: dict[str, list[RawRef]] = {}
        for ref in self.list_all(endpoint, season):
            by_subject.setdefault(ref.subject, []).append(ref)
        return {
            subject: refs[0] if len(refs) == 1 else self.find(endpoint, season, subject)[0]
            for subject, refs in by_subject.items()
        }

    def list_all(self, endpoint: str, season: str) -> Iterator[RawRef]:
        """Every body of an endpoint's season, without metadata, in key order."""
        for info in self._store.list(layout.raw_prefix(endpoint, season)):
            if info.key.endswith(_SUFFIX):
                yield _ref(info)

    def _newest_first(self, prefix: str) -> list[RawRef]:
        bodies = [info for info in self._store.list(prefix) if info.key.endswith(_SUFFIX)]
        found = [_ref(self._described(info)) for info in bodies]
        return sorted(found, key=lambda ref: (ref.fetched_at, ref.sha256), reverse=True)

    def _described(self, info: ObjectInfo) -> ObjectInfo:
        try:
            return self._store.head(info.key)
        except StoreError as error:
            if error.kind != "corrupt":
                raise
            # Damaged, but there: whoever reads it is told so.
            return info


def _ref(info: ObjectInfo) -> RawRef:
    return RawRef(info.key, _sha256_of(info.key), info.size, info.last_modified, info.metadata)


def _sha256_of(key: str) -> str:
    return key.rpartition("/")[2].removesuffix(_SUFFIX)
