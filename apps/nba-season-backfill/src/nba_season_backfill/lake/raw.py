"""The raw archive: every answer, verbatim, gzipped, under the hash of its bytes. Create-only."""

from __future__ import annotations

import datetime as dt
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore, PreconditionFailed, StoreError

__all__ = ["RawArchive", "RawRef"]

_SUFFIX = ".json.gz"
# Twice as fast as zlib's default, and a fifth larger.
_LEVEL = 4


@dataclass(frozen=True, slots=True)
class RawRef:
    """One archived body. ``size`` is of the gzipped object; ``created`` is False when it was there before."""

    key: str
    sha256: str
    size: int
    last_modified: dt.datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    created: bool = False

    @property
    def subject(self) -> str:
        """The game id, or the name of the season-level list."""
        return self.key.split("/")[-2]

    @property
    def fetched_at(self) -> dt.datetime:
        """When it was fetched: from its metadata, else when it was stored."""
        text = self.metadata.get("fetched_at")
        return dt.datetime.fromisoformat(text) if text else self.last_modified


class RawArchive:
    """Archived bodies of a lake. A body is never changed and never deleted."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, endpoint: str, season: str, subject: str, body: bytes, metadata: Mapping[str, str]) -> RawRef:
        """Archive a body; the same body again is a success that creates nothing."""
        sha256 = hashlib.sha256(body).hexdigest()
        key = layout.raw_key(endpoint, season, subject, sha256)
        packed = gzip.compress(body, _LEVEL, mtime=0)
        try:
            info = self._store.put_if_absent(key, packed, metadata=metadata)
        except PreconditionFailed:
            return RawRef(key, sha256, len(packed), self._store.now(), dict(metadata), created=False)
        return RawRef(key, sha256, info.size, info.last_modified, dict(metadata), created=True)

    def get(self, ref: RawRef) -> bytes:
        """The verbatim body.

        Raises:
            StoreError: of kind ``corrupt`` when what is stored is not what was archived; names the object.
        """
        stored = self._store.get(ref.key)
        try:
            body = gzip.decompress(stored.body)
        except (OSError, EOFError, zlib.error) as error:
            raise StoreError(
                f"{self._store.url}/{ref.key}: not readable ({error})", kind="corrupt", key=ref.key
            ) from None
        if hashlib.sha256(body).hexdigest() != ref.sha256:
            raise StoreError(
                f"{self._store.url}/{ref.key}: its content is not what its name says", kind="corrupt", key=ref.key
            )
        return body

    def find(self, endpoint: str, season: str, subject: str) -> list[RawRef]:
        """The bodies of a subject, newest first, with their metadata."""
        refs = [self._whole(info) for info in self._store.list(layout.raw_prefix(endpoint, season, subject))]
        return sorted(refs, key=lambda ref: (ref.fetched_at, ref.sha256), reverse=True)

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

    def _whole(self, info: ObjectInfo) -> RawRef:
        return _ref(self._store.head(info.key))


def _ref(info: ObjectInfo) -> RawRef:
    sha256 = info.key.rpartition("/")[2].removesuffix(_SUFFIX)
    return RawRef(info.key, sha256, info.size, info.last_modified, info.metadata)
