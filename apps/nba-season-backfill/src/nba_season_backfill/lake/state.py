"""A JSON document kept by compare-and-swap: one writer at a time, never torn, never silently older.

The object is an envelope around the content: ``format``, ``generation`` (strictly increasing, so that an ETag that
comes back is not mistaken for a version that did), ``crc`` of the content's bytes, ``fencing_token``, ``run_id`` and
``written_at``. Each commit swaps the document and then leaves a copy under ``generations/``: a crash in between leaves
a document that is good, and copies that are one behind.
"""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from nba_season_backfill.errors import Fenced
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, PreconditionFailed, StoredObject

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
    """

    def __init__(self, store: ObjectStore, key: str, *, generations_prefix: str, keep: int = 5) -> None:
        self._store = store
        self._key = key
        self._generations_prefix = generations_prefix
        self._keep = keep
        self._etag: str | None = None
        self._generation = 0
        self._token = 0

    def load(self) -> LoadedState | None:
        """The document, or None where there is none.

        Raises:
            StateFormatUnknown: it was written by another version.
            StateCorrupt: it is damaged, and so is every generation.
        """
        try:
            stored = self._store.get(self._key)
        except ObjectMissing:
            self._etag, self._generation = None, self._newest_generation()
            if self._generation:
                raise StateCorrupt(
                    f"the document is gone, but its generations up to {self._generation} are there"
                ) from None
            return None
        self._etag = stored.info.etag
        try:
            loaded = _open(stored)
            self._generation = loaded.generation
        except _Damaged as damage:
            loaded = self._recover(str(damage))
            # The damaged document may have been one ahead of its copies: that number is not given again.
            self._generation = loaded.generation + 1
        self._token = loaded.fencing_token
        return loaded

    def commit(self, content: Mapping[str, Any] | orjson.Fragment, *, token: int, run_id: str) -> int:
        """Swap the document for this content (an object, or its JSON); gives its generation.

        Raises:
            Fenced: another writer has a higher fencing token, or changed the document since it was loaded.
        """
        if token < self._token:
            raise Fenced(
                f"{self._store.url}/{self._key}: fencing token {token} is behind {self._token}",
                hint="another run took over and is at work; nothing was written",
            )
        generation = self._generation + 1
        payload = orjson.dumps(content)
        body = _seal(payload, generation, token, run_id, self._store.now().isoformat(timespec="milliseconds"))
        try:
            if self._etag is None:
                info = self._store.put_if_absent(self._key, body)
            else:
                info = self._store.put_if_match(self._key, body, self._etag)
        except PreconditionFailed:
            raise Fenced(
                f"{self._store.url}/{self._key} was changed by another run",
                hint="it is at work; nothing more was written by this one",
            ) from None
        self._etag, self._generation, self._token = info.etag, generation, token
        self._store.put(self._copy_key(generation), body)
        self._retain(generation)
        return generation

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
        found = [f"document: {damage}"]
        for generation, key in reversed(self._copies()):
            try:
                loaded = _open(self._store.get(key))
            except _Damaged as error:
                found.append(f"generation {generation}: {error}")
                continue
            return LoadedState(
                loaded.content,
                loaded.generation,
                loaded.fencing_token,
                loaded.run_id,
                loaded.written_at,
                recovered_from=loaded.generation,
            )
        raise StateCorrupt("; ".join(found))

    def _retain(self, newest: int) -> None:
        # Only the one that falls out now: listing at every commit would cost a request each.
        if newest > self._keep:
            self._store.delete(self._copy_key(newest - self._keep))


class _Damaged(Exception):
    """A document that cannot be trusted."""


def _seal(payload: bytes, generation: int, token: int, run_id: str, written_at: str) -> bytes:
    envelope = {
        "format": FORMAT,
        "generation": generation,
        "crc": f"{zlib.crc32(payload):08x}",
        "fencing_token": token,
        "run_id": run_id,
        "written_at": written_at,
    }
    # The content goes in as the very bytes that were summed.
    return orjson.dumps(envelope)[:-1] + b',"content":' + payload + b"}"


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
    marker = body.find(b',"content":')
    payload = body[marker + len(b',"content":') : -1]
    if marker < 0 or f"{zlib.crc32(payload):08x}" != document.get("crc"):
        raise _Damaged("its checksum does not fit its content")
    content = document["content"]
    if not isinstance(content, dict):
        raise _Damaged("its content is not an object")
    return LoadedState(
        content,
        int(document["generation"]),
        int(document["fencing_token"]),
        str(document["run_id"]),
        str(document["written_at"]),
    )
