"""Stores that lie about conditional writes are found out, whatever the lie."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import pytest
from faults.faulty import FAULTS, FaultyStore, SimulatedKill, Trap

from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.probe import probe_conditional_writes
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore, PreconditionFailed, StoreError

from .conftest import MakeLyingStore


class CreatesAgain(MemoryStore):
    """Takes If-None-Match, and ignores it."""

    def put_if_absent(self, key: str, body: bytes, **more: Any) -> ObjectInfo:
        return self.put(key, body, **more)


class ReplacesAnything(MemoryStore):
    """Takes If-Match, and ignores it."""

    def put_if_match(self, key: str, body: bytes, etag: str, **more: Any) -> ObjectInfo:
        return self.put(key, body, **more)


class ReplacesNothing(MemoryStore):
    """Refuses every If-Match."""

    def put_if_match(self, key: str, body: bytes, etag: str, **more: Any) -> ObjectInfo:
        raise PreconditionFailed(key)


@pytest.mark.parametrize(
    ("store", "detail"),
    [
        (CreatesAgain(), "created an object that was there"),
        (ReplacesAnything(), "replaced a version that was not there any more"),
        (ReplacesNothing(), "would not replace the version that was there"),
    ],
)
def test_a_lie_is_named(store: MemoryStore, detail: str) -> None:
    """The result says which write should have been refused; nothing is left behind."""
    found = probe_conditional_writes(store)
    assert not found.honest
    assert detail in found.detail
    assert list(store.list()) == []


def test_it_is_cheap() -> None:
    """Five operations."""
    trap = Trap()
    assert probe_conditional_writes(FaultyStore(MemoryStore(), trap)).honest
    assert trap.count == 5


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_makes_no_honest_store_a_liar(fault: str) -> None:
    """It is a StoreError or the right answer; only a kill or a lost delete can leave the throw-away object behind."""
    for at in range(1, 6):
        store = MemoryStore()
        with contextlib.suppress(StoreError, SimulatedKill):
            found = probe_conditional_writes(FaultyStore(store, Trap(fault, at)))
            assert found.honest or fault == "duplicated"
        left = [info.key for info in store.list() if not info.key.startswith("_state/probe/")]
        assert left == []
        if fault == "response_lost":
            assert list(store.list()) == []


@pytest.mark.servers
def test_what_a_lying_server_breaks(make_lying_store: MakeLyingStore) -> None:
    """rclone's S3 server keeps objects, and of the conditions none: that is why it is refused."""
    store: ObjectStore = make_lying_store()
    assert store.put("k", b"1").size == 1
    assert store.get("k").body == b"1"
    kept = {}
    first = store.head("k")
    attempts: dict[str, Callable[[], ObjectInfo]] = {
        "create only": lambda: store.put_if_absent("k", b"2"),
        "compare and swap": lambda: store.put_if_match("k", b"3", first.etag),
    }
    for promise, attempt in attempts.items():
        try:
            attempt()
        except PreconditionFailed:
            kept[promise] = True
        else:
            kept[promise] = False
    assert kept == {"create only": False, "compare and swap": False}
    found = probe_conditional_writes(store)
    assert not found.honest
    assert [info.key for info in store.list()] == ["k"]
