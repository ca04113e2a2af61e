"""The quarantine: bodies that were refused, verbatim, each with the reason; and objects that had no business where they
lay. Create-only: putting the same body again changes nothing.

Beside a body stands its acceptance, once a person has taken it as it is: a small JSON document of its own, so that no
body is ever rewritten. Knows no NBA.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, PreconditionFailed, StoreError, encode_value

__all__ = ["Acceptance", "Quarantine", "QuarantineEntry"]

_BODY = ".json.gz"
_ACCEPTED = ".accepted.json"
_LEVEL = 4
# Room for what else a store must keep beside it: the address may be long too.
_LONGEST = {"reason": 700, "url": 500}


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Why, when and in which run a person took a body as it is."""

    reason: str
    accepted_at: str
    run_id: str


@dataclass(frozen=True, slots=True)
class QuarantineEntry:
    """One refused body, named by endpoint, season, subject (a game id) and the hash of its verbatim bytes."""

    key: str
    size: int
    stored_at: dt.datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    acceptance: Acceptance | None = None

    @property
    def endpoint(self) -> str:
        """Who gave it."""
        return self.key.split("/")[1]

    @property
    def season(self) -> str:
        """The season it is of."""
        return self.key.split("/")[2].removeprefix("season=")

    @property
    def subject(self) -> str:
        """What it is about: a game id."""
        return self.key.split("/")[3]

    @property
    def sha256(self) -> str:
        """The hash of its verbatim bytes."""
        return self.key.rpartition("/")[2].removesuffix(_BODY)

    @property
    def reason(self) -> str:
        """Why it was refused."""
        return self.metadata.get("reason", "")


class Quarantine:
    """Refused bodies of a lake, and what was decided about them."""

    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def put(self, endpoint: str, season: str, subject: str, body: bytes, *, reason: str, **metadata: str) -> str:
        """Keep a body, verbatim, with the reason it was refused for; gives its key. Idempotent.

        Args:
            metadata: kept beside it: ``run_id``, ``fetched_at``, ``dataset``...
        """
        key = layout.quarantine_key(endpoint, season, subject, hashlib.sha256(body).hexdigest())
        described = {"reason": " ".join(reason.split()), **metadata}
        for name, longest in _LONGEST.items():
            while len(encode_value(described.get(name, ""))) > longest:
                described[name] = f"{described[name][: len(described[name]) * 3 // 4]}..."
        try:
            self._store.put_if_absent(key, gzip.compress(body, _LEVEL, mtime=0), metadata=described)
        except PreconditionFailed:
            # The same bytes were refused before: the first reason stays.
            return key
        return key

    def body(self, entry: QuarantineEntry) -> bytes:
        """The verbatim body.

        Raises:
            StoreError: of kind ``corrupt`` when it is not what its name says.
        """
        stored = self._store.get(entry.key).body
        where = f"{self._store.url}/{entry.key}"
        try:
            body = gzip.decompress(stored)
        except (OSError, EOFError, zlib.error) as error:
            raise StoreError(f"{where}: not readable ({error})", kind="corrupt", key=entry.key) from None
        if hashlib.sha256(body).hexdigest() != entry.sha256:
            raise StoreError(f"{where}: its content is not what its name says", kind="corrupt", key=entry.key)
        return body

    def entries(self, season: str, subject: str | None = None) -> list[QuarantineEntry]:
        """Every body of a season (or of one subject in it), in key order, with reason and decision."""
        infos = {info.key: info for info in self._store.list("_quarantine/")}
        found = []
        for key, info in infos.items():
            parts = key.split("/")
            if len(parts) != 5 or parts[2] != f"season={season}" or not key.endswith(_BODY):
                continue
            if subject is not None and parts[3] != subject:
                continue
            accepted = f"{key.removesuffix(_BODY)}{_ACCEPTED}"
            found.append(
                QuarantineEntry(
                    key,
                    info.size,
                    info.last_modified,
                    self._store.head(key).metadata,
                    self._acceptance(accepted) if accepted in infos else None,
                )
            )
        return found

    def accept(self, entry: QuarantineEntry, *, reason: str, run_id: str, now: dt.datetime) -> Acceptance:
        """Write down that this body is taken as it is, and why. The first decision stays."""
        key = f"{entry.key.removesuffix(_BODY)}{_ACCEPTED}"
        document = {"reason": reason, "accepted_at": now.isoformat(timespec="seconds"), "run_id": run_id}
        try:
            self._store.put_if_absent(key, orjson.dumps(document))
        except PreconditionFailed:
            return self._acceptance(key)
        return Acceptance(**document)

    def acceptances(self, season: str) -> dict[tuple[str, str, str], str]:
        """(endpoint, subject, SHA-256) -> the reason, for every body of a season that was accepted. One listing."""
        found = {}
        for info in self._store.list("_quarantine/"):
            parts = info.key.split("/")
            if len(parts) == 5 and parts[2] == f"season={season}" and info.key.endswith(_ACCEPTED):
                sha256 = parts[4].removesuffix(_ACCEPTED)
                found[parts[1], parts[3], sha256] = self._acceptance(info.key).reason
        return found

    def _acceptance(self, key: str) -> Acceptance:
        try:
            document = orjson.loads(self._store.get(key).body)
            return Acceptance(str(document["reason"]), str(document["accepted_at"]), str(document["run_id"]))
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise StoreError(
                f"{self._store.url}/{key}: not an acceptance ({error!r})", kind="corrupt", key=key
            ) from None

    def release(self, entry: QuarantineEntry) -> None:
        """Forget a body and what was decided about it. Idempotent."""
        self._store.delete(f"{entry.key.removesuffix(_BODY)}{_ACCEPTED}")
        self._store.delete(entry.key)

    def set_aside(self, key: str) -> str | None:
        """Move an object here, whatever it is; gives its new key, None where it is gone already. Idempotent.

        Nothing is lost at any moment: it is deleted only after it stands here.
        """
        try:
            stored = self._store.get(key)
            body, metadata = stored.body, stored.info.metadata
        except ObjectMissing:
            return None
        digest = hashlib.sha256(body).hexdigest()[:12]
        kept = f"_quarantine/_objects/{key}.{digest}"
        with contextlib.suppress(PreconditionFailed):
            self._store.put_if_absent(kept, body, metadata=metadata)
        self._store.delete(key)
        return kept

    def objects(self) -> Iterator[str]:
        """The keys of what was set aside."""
        for info in self._store.list("_quarantine/_objects/"):
            yield info.key
