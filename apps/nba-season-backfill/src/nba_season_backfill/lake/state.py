"""A JSON document kept by compare-and-swap: one writer at a time, never torn, never silently older.

The object is an envelope around the content: ``format``, ``generation`` (strictly increasing, so that an ETag that
comes back is not mistaken for a version that did), ``fencing_token``, ``run_id``, ``written_at``, and ``crc`` over all
of that and the content's bytes. Each commit swaps the document and then leaves a copy under ``generations/``: a crash
in between leaves a document that is good, and copies that are one behind.

A commit whose answer was lost is not mistaken for somebody else's: a refusal is read back, and what this run wrote
under this token with the generation that was next is its own.
"""

from __future__ import annotations

import contextlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

import orjson

from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake.store import (
    ObjectInfo,
    ObjectMissing,
    ObjectStore,
    PreconditionFailed,
    StoredObject,
    StoreError,
)

__all__ = ["LoadedState", "StateCorrupt", "StateFile", "StateFormatUnknown"]

FORMAT = 1


class StateCorrupt(Exception):
    """Neither the document nor any of its generations can be trusted; says what was found in each."""


class StateFormatUnknown(Exception):
    """The document was written by another version of this program."""


@dataclass(frozen=True, slots=True)
class LoadedState:
    """The content, and the envelope's facts. ``recovered_from``: the generation used in place of a damaged document."""

    content: Mapping[str, Any]
    generation: int
    fencing_token: int
    run_id: str
    written_at: str
    recovered_from: int | None = None


class StateFile:
    """One document. An instance belongs to one thread.

    Args:
        key: where it is kept.
        generations_prefix: where the last ``keep`` versions are kept, ``<n>.json`` each.
        before_commit: called before each swap: makes durable what the document names, where another store holds that.
    """

    def __init__(
        self,
        store: ObjectStore,
        key: str,
        *,
        generations_prefix: str,
        keep: int = 5,
        before_commit: Callable[[], object] | None = None,
    ) -> None:
        self._store = store
        self._key = key
        self._generations_prefix = generations_prefix
        self._keep = keep
        self._before_commit = before_commit
        self._etag: str | None = None
        self._generation = 0
        self._token = 0
        self._tidied = False

    def load(self) -> LoadedState | None:
        """The document, or None where there is none.

        Raises:
            StateFormatUnknown: it was written by another version.
            StateCorrupt: it is damaged, and so is every generation.
        """
        try:
            stored = self._find()
            if stored is None:
                self._etag, self._generation = None, 0
                return None
            loaded = _open(stored)
            self._etag, self._generation = stored.info.etag, loaded.generation
        except (StoreError, _Damaged) as damage:
            if isinstance(damage, StoreError) and damage.kind != "corrupt":
                raise
            loaded = self._recover(str(damage))
        self._token = loaded.fencing_token
        return loaded

    def commit(self, content: Mapping[str, Any] | orjson.Fragment, *, token: int, run_id: str) -> int:
        """Swap the document for this content (an object, or its JSON); gives its generation.

        After a StoreError nothing is known: the document may be swapped or not. Committing again settles it.

        Raises:
            Fenced: another writer has a higher fencing token, or changed the document since it was loaded.
            StoreError: the store failed.
        """
        if token < self._token:
            raise Fenced(
                f"{self._store.url}/{self._key}: fencing token {token} is behind {self._token}",
                hint="another run took over and is at work; nothing was written",
            )
        if self._before_commit is not None:
            self._before_commit()
        payload = orjson.dumps(content)
        written_at = self._store.now().isoformat(timespec="milliseconds")
        generation = self._generation + 1
        body = _seal(payload, generation, token, run_id, written_at)
        try:
            info = self._swap(body)
        except PreconditionFailed:
            ours = self._ours(generation, token, run_id)
            if ours is None:
                raise self._fenced() from None
            info = ours.info
            if ours.body != body:
                # An earlier commit of ours arrived, its answer did not: this one comes after it.
                self._etag, self._generation = info.etag, generation
                generation += 1
                body = _seal(payload, generation, token, run_id, written_at)
                try:
                    info = self._swap(body)
                except PreconditionFailed:
                    raise self._fenced() from None
        self._etag, self._generation, self._token = info.etag, generation, token
        self._store.put(self._copy_key(generation), body)
        self._retain(generation)
        return generation

    def _find(self) -> StoredObject | None:
        """The document as it is stored, or None where there is none and never was one."""
        with contextlib.suppress(ObjectMissing):
            return self._store.get(self._key)
        newest = self._newest_generation()
        if not newest:
            return None
        try:
            # A run that took over from us may have made both between the two looks.
            return self._store.get(self._key)
        except ObjectMissing:
            self._etag, self._generation = None, newest
            raise StateCorrupt(f"the document is gone, but its generations up to {newest} are there") from None

    def _swap(self, body: bytes) -> ObjectInfo:
        if self._etag is None:
            return self._store.put_if_absent(self._key, body)
        return self._store.put_if_match(self._key, body, self._etag)

    def _ours(self, generation: int, token: int, run_id: str) -> StoredObject | None:
        """The document, if it is the generation that this run wrote, or tried to write, next."""
        try:
            stored = self._store.get(self._key)
            loaded = _open(stored)
        except (ObjectMissing, _Damaged, StateFormatUnknown):
            return None
        is_ours = (loaded.generation, loaded.fencing_token, loaded.run_id) == (generation, token, run_id)
        return stored if is_ours else None

    def _fenced(self) -> Fenced:
        return Fenced(
            f"{self._store.url}/{self._key} was changed by another run",
            hint="it is at work; nothing more was written by this one",
        )

    def _copy_key(self, generation: int) -> str:
        return f"{self._generations_prefix}{generation:08d}.json"

    def _copies(self) -> list[tuple[int, str]]:
        found = []
        for info in self._store.list(self._generations_prefix):
            name = info.key.rpartition("/")[2].removesuffix(".json")
            if name.isdigit():
                found.append((int(name), info.key))
        return sorted(found)

    def _newest_generation(self) -> int:
        copies = self._copies()
        return copies[-1][0] if copies else 0

    def _recover(self, damage: str) -> LoadedState:
        # The damaged document may have been one ahead of its copies: that number is not given again.
        self._etag, self._generation = self._store.head(self._key).etag, self._newest_generation() + 1
        found = [f"document: {damage}"]
        for generation, key in reversed(self._copies()):
            try:
                loaded = _open(self._store.get(key))
            except (_Damaged, StateFormatUnknown, StoreError) as error:
                if isinstance(error, StoreError) and error.kind != "corrupt":
                    raise
                found.append(f"generation {generation}: {error}")
                continue
            return replace(loaded, recovered_from=loaded.generation)
        raise StateCorrupt("; ".join(found))

    def _retain(self, newest: int) -> None:
        if newest <= self._keep:
            return
        if self._tidied:
            # Only the one that falls out now: listing at every commit would cost a request each.
            self._store.delete(self._copy_key(newest - self._keep))
            return
        for generation, key in self._copies():
            if generation <= newest - self._keep:
                self._store.delete(key)
        self._tidied = True


class _Damaged(Exception):
    """A document that cannot be trusted."""


_CRC = b',"crc":"'
_CONTENT = b'","content":'


def _seal(payload: bytes, generation: int, token: int, run_id: str, written_at: str) -> bytes:
    envelope = {
        "format": FORMAT,
        "generation": generation,
        "fencing_token": token,
        "run_id": run_id,
        "written_at": written_at,
    }
    head = orjson.dumps(envelope)[:-1]
    # The content goes in as the very bytes that were summed.
    return head + _CRC + _sum(head, payload) + _CONTENT + payload + b"}"


def _sum(head: bytes, payload: bytes) -> bytes:
    return b"%08x" % zlib.crc32(payload, zlib.crc32(head))


def _open(stored: StoredObject) -> LoadedState:
    body = stored.body
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _Damaged(f"not JSON ({error}), {len(body)} bytes") from None
    if not isinstance(document, dict) or "format" not in document:
        raise _Damaged("not a state document (it has no format)")
    if document["format"] != FORMAT:
        raise StateFormatUnknown(f"its format is {document['format']!r}, known here is {FORMAT}")
    # No text within the envelope can contain these: its quotes would be escaped.
    head, _, rest = body.partition(_CRC)
    crc, _, payload = rest.partition(_CONTENT)
    if not payload or crc != _sum(head, payload[:-1]):
        raise _Damaged("its checksum does not fit its content")
    return LoadedState(
        document["content"],
        document["generation"],
        document["fencing_token"],
        document["run_id"],
        document["written_at"],
    )
