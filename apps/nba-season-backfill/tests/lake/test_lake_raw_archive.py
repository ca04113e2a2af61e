"""Bodies verbatim under the hash of their bytes: never lost, never half, damage found by name."""

from __future__ import annotations

import contextlib
import datetime as dt
import gzip
import hashlib
from pathlib import Path

import pytest
from faults.faulty import FAULTS, FaultyStore, SimulatedKill, Trap

from nba_season_backfill.lake import layout
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.raw import RawArchive, RawRef
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, StoreError

from .conftest import Clock

ENDPOINT, SEASON, GAME = "playbyplayv3", "2024-25", "0022400061"


def fetched(minute: int, **more: str) -> dict[str, str]:
    at = dt.datetime(2025, 1, 1, 12, minute, tzinfo=dt.UTC).isoformat(timespec="milliseconds")
    return {"url": "http://127.0.0.1/stats/x?GameID=1", "status": "200", "fetched_at": at, "run_id": "r", **more}


def put(archive: RawArchive, body: bytes, minute: int = 0, subject: str = GAME) -> RawRef:
    return archive.put(ENDPOINT, SEASON, subject, body, fetched(minute))


def test_a_body_comes_back_verbatim(store: ObjectStore) -> None:
    """Byte for byte, whatever it is, under the hash of its bytes, with its metadata."""
    archive = RawArchive(store)
    body = b'{ "a":1.0, "\xc3\xa9": []}\n'
    metadata = fetched(1, parameters='{"Season Type":"Säsong"}')
    ref = archive.put(ENDPOINT, SEASON, GAME, body, metadata)
    assert ref.created
    assert ref.key == f"_raw/{ENDPOINT}/season={SEASON}/{GAME}/{hashlib.sha256(body).hexdigest()}.json.gz"
    assert archive.get(ref) == archive.get(ref.key) == body
    (found,) = archive.find(ENDPOINT, SEASON, GAME)
    assert dict(found.metadata) == metadata
    assert (found.subject, found.fetched_at.minute, found.sha256) == (GAME, 1, ref.sha256)
    assert [each.key for each in archive.list_all(ENDPOINT, SEASON)] == [ref.key]


def test_the_same_body_again_creates_nothing(store: ObjectStore) -> None:
    """It says so, and what is there keeps its metadata."""
    archive = RawArchive(store)
    assert put(archive, b"x", 1).created
    again = put(archive, b"x", 2)
    assert not again.created
    assert again.fetched_at.minute == 1
    assert len(archive.find(ENDPOINT, SEASON, GAME)) == 1


def test_packing_is_deterministic() -> None:
    """The same body gives the same object, whenever it is packed."""
    stores = [MemoryStore(), MemoryStore()]
    packed = {each.get(put(RawArchive(each), b"{}" * 100).key).body for each in stores}
    assert len(packed) == 1
    assert packed.pop()[4:8] == b"\0\0\0\0"


def test_several_bodies_of_a_subject_come_newest_first(clock: Clock) -> None:
    """By when they were fetched; each subject has its own."""
    archive = RawArchive(MemoryStore(clock=clock.now))
    for minute, body in ((1, b"one"), (3, b"three"), (2, b"two")):
        put(archive, body, minute)
        clock.advance(1)
    put(archive, b"other", 5, subject="regular-season")
    assert [archive.get(ref) for ref in archive.find(ENDPOINT, SEASON, GAME)] == [b"three", b"two", b"one"]
    newest = archive.newest(ENDPOINT, SEASON)
    assert {subject: archive.get(ref) for subject, ref in newest.items()} == {
        GAME: b"three",
        "regular-season": b"other",
    }


def test_an_answer_that_comes_back_is_the_newest_again(clock: Clock) -> None:
    """First A, then B, then A again: A is what the upstream says now."""
    archive = RawArchive(MemoryStore(clock=clock.now))
    for minute, body in ((1, b"A"), (2, b"B"), (3, b"A")):
        put(archive, body, minute)
        clock.advance(60)
    assert archive.get(archive.newest(ENDPOINT, SEASON)[GAME]) == b"A"
    assert len(archive.find(ENDPOINT, SEASON, GAME)) == 2


def damages(good: bytes) -> dict[str, bytes]:
    flipped = bytearray(good)
    flipped[len(good) // 2] ^= 1
    return {
        "empty": b"",
        "cut": good[: len(good) // 2],
        "flipped": bytes(flipped),
        "another body": gzip.compress(b"another"),
        "not packed": b"{}",
    }


@pytest.mark.parametrize("damage", ["empty", "cut", "flipped", "another body", "not packed"])
def test_a_damaged_body_is_named_and_heals(store: ObjectStore, damage: str) -> None:
    """Reading it names the object; archiving the same answer again puts it right, and says so."""
    archive = RawArchive(store)
    ref = put(archive, b'{"a": "body"}' * 20)
    good = store.get(ref.key).body
    store.put(ref.key, damages(good)[damage])
    with pytest.raises(StoreError, match=ref.sha256) as caught:
        archive.get(ref)
    assert caught.value.kind == "corrupt"
    again = put(archive, b'{"a": "body"}' * 20, 4)
    assert again.healed
    assert not again.created
    assert archive.get(ref) == b'{"a": "body"}' * 20
    assert not put(archive, b'{"a": "body"}' * 20).healed


def test_a_flipped_byte_on_disk_is_named(tmp_path: Path) -> None:
    """Also when somebody else damaged the file; finding still lists it, reading refuses it, archiving heals it."""
    archive = RawArchive(LocalStore(tmp_path))
    ref = put(archive, b'{"a": "body"}' * 20)
    file = tmp_path / ref.key
    packed = bytearray(file.read_bytes())
    packed[-1] ^= 1
    file.write_bytes(packed)
    assert [found.key for found in archive.find(ENDPOINT, SEASON, GAME)] == [ref.key]
    with pytest.raises(StoreError, match=ref.sha256):
        archive.get(ref)
    assert put(archive, b'{"a": "body"}' * 20).healed


def test_what_is_not_archived_is_missing() -> None:
    """Not empty, not None."""
    archive = RawArchive(MemoryStore())
    with pytest.raises(ObjectMissing):
        archive.get(layout.raw_key(ENDPOINT, SEASON, GAME, "0" * 64))
    assert archive.find(ENDPOINT, SEASON, GAME) == []


def work(archive: RawArchive) -> None:
    put(archive, b"A", 1)
    put(archive, b"A", 2)
    put(archive, b"B", 3)
    put(archive, b"A", 4)


def operations() -> int:
    trap = Trap()
    work(RawArchive(FaultyStore(MemoryStore(), trap)))
    return trap.count


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_at_every_operation_is_survived(fault: str) -> None:
    """Whatever is archived is whole, and doing it again ends as if nothing had happened."""
    for at in range(1, operations() + 1):
        clock = Clock()
        store = MemoryStore(clock=clock.now)
        with contextlib.suppress(SimulatedKill, StoreError):
            work(RawArchive(FaultyStore(store, Trap(fault, at))))
        archive = RawArchive(store)
        for ref in archive.list_all(ENDPOINT, SEASON):
            assert archive.get(ref) in (b"A", b"B")
        clock.advance(60)
        put(archive, b"B", 5)
        clock.advance(60)
        put(archive, b"A", 6)
        assert [archive.get(ref) for ref in archive.find(ENDPOINT, SEASON, GAME)] == [b"A", b"B"], f"{fault} at {at}"
