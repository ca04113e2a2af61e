"""One holder at a time: taking, renewing, taking over, giving back, with clocks that jump and answers that are lost."""

from __future__ import annotations

import contextlib
import datetime as dt
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from faults.faulty import FAULTS, FaultyStore, SimulatedKill, Trap

from nba_season_backfill.errors import Busy, Fenced, Interrupted
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.lease import Lease, LeaseRecord, acquire_lease, may_take_over, read_lease
from nba_season_backfill.lake.local import LocalStore
from nba_season_backfill.lake.memory import MemoryStore
from nba_season_backfill.lake.store import ObjectInfo, ObjectStore, StoreError

from .conftest import Clock

NAME = "season-2024-25"
KEY = layout.lease_key(NAME)


def take(store: ObjectStore, clock: Clock | None = None, **more: Any) -> Lease:
    if clock is not None:
        more["monotonic"] = clock.monotonic
    lease = acquire_lease(store, NAME, **{"run_id": "r", "on_busy": "fail", **more})
    assert lease is not None
    return lease


def kept_in_memory(clock: Clock) -> MemoryStore:
    return MemoryStore(clock=clock.now)


def passing(clock: Clock, meanwhile: Callable[[], object] = lambda: None) -> Callable[[threading.Event, float], bool]:
    """Waiting is time that passes, and what others do in it."""

    def wait(stop: threading.Event, seconds: float) -> bool:
        clock.advance(seconds)
        meanwhile()
        return stop.is_set()

    return wait


class LocalStoreWithClock(LocalStore):
    """A folder whose machine's clock is moved by hand."""

    def __init__(self, root: Path, clock: Clock) -> None:
        super().__init__(root, sync=lambda _descriptor: None)
        self.clock = clock

    def now(self) -> dt.datetime:
        return self.clock.now()


def test_a_lease_is_held_by_one(store: ObjectStore) -> None:
    """Whoever comes second is told who has it, or steps aside; after it was given back the token has grown."""
    first = take(store, run_id="run-1")
    assert first.ensure_held() == 1
    with pytest.raises(Busy, match="run-1"):
        take(store)
    assert acquire_lease(store, NAME, run_id="x", on_busy="skip") is None
    first.release()
    with pytest.raises(Fenced, match="given back"):
        first.ensure_held()
    second = take(store)
    assert second.token == 2
    second.release()
    assert take(store).token == 3


def test_a_record_says_who_and_until_when(clock: Clock) -> None:
    """Host, process, run, start and end stand in the object; a tombstone is not held."""
    store = kept_in_memory(clock)
    lease = take(store, clock, run_id="run-7", ttl_seconds=60)
    record = read_lease(store, NAME)
    assert record is not None
    assert "pid" in record.holder
    assert (record.run_id, record.token) == ("run-7", 1)
    assert record.expires_at - record.acquired_at == dt.timedelta(seconds=60)
    assert record.held_at(clock.now())
    lease.release()
    record = read_lease(store, NAME)
    assert record is not None
    assert not record.held_at(clock.now())
    assert read_lease(store, "other") is None


def test_an_expired_lease_is_taken_over_and_its_holder_fenced(clock: Clock) -> None:
    """A paused holder that wakes up after its time finds that it lost, before it writes anything."""
    store = kept_in_memory(clock)
    paused = take(store, clock, ttl_seconds=60)
    clock.advance(59)
    with pytest.raises(Busy):
        take(store, clock)
    assert paused.ensure_held() == 1
    clock.advance(4)
    second = take(store, clock, run_id="r2")
    assert second.token == 2
    with pytest.raises(Fenced, match="took it over"):
        paused.ensure_held()
    assert not paused.renew()
    paused.release()
    assert second.renew()
    assert second.ensure_held() == 2


def test_a_holder_that_nobody_replaced_goes_on(clock: Clock) -> None:
    """After a long sleep the store confirms that nobody took over, and only then is it held again."""
    store = kept_in_memory(clock)
    lease = take(store, clock, ttl_seconds=60)
    clock.advance(3600)
    assert lease.ensure_held() == 1
    record = read_lease(store, NAME)
    assert record is not None
    assert record.held_at(clock.now())


def test_without_the_store_a_lease_ends_by_our_own_clock(clock: Clock) -> None:
    """Renewals that fail are tried again; once its time is over, the holder is fenced for good."""
    trap = Trap()
    store = FaultyStore(kept_in_memory(clock), trap)
    lease = take(store, clock, ttl_seconds=60)
    for _ in range(3):
        clock.advance(19)
        trap.fault, trap.at = "timeout", trap.count + 1
        assert not lease.renew()
        assert lease.ensure_held() == 1
    clock.advance(4)
    trap.fault, trap.at = "timeout", trap.count + 1
    with pytest.raises(Fenced, match="could not be renewed"):
        lease.ensure_held()
    assert not lease.renew()
    with pytest.raises(Fenced):
        lease.ensure_held()


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_wall_clock_that_jumps_changes_nothing_for_the_holder(clock: Clock, seconds: float) -> None:
    """The holder lives by its monotonic clock."""
    lease = take(kept_in_memory(clock), clock, ttl_seconds=60)
    clock.jump(seconds)
    assert lease.ensure_held() == 1
    assert lease.renew()
    clock.jump(-seconds)
    clock.advance(59)
    assert lease.ensure_held() == 1


def test_a_clock_that_jumped_ahead_does_not_rob_a_live_holder(clock: Clock, tmp_path: Path) -> None:
    """In a folder the holder's file lock shows that it lives: who waits watches it renew, and keeps waiting."""
    store = LocalStoreWithClock(tmp_path, clock)
    holder = take(store, clock, ttl_seconds=60)
    clock.jump(3600)
    with pytest.raises(Busy):
        take(store, clock)
    stop = threading.Event()
    rounds = iter(range(100))

    def meanwhile() -> None:
        if next(rounds) == 90:
            stop.set()
        assert holder.renew()

    with pytest.raises(Interrupted):
        take(store, clock, on_busy="wait", wait=passing(clock, meanwhile), stop=stop)
    assert holder.ensure_held() == 1


@pytest.mark.parametrize("seconds", [3600, -3600])
def test_a_dead_holder_is_replaced_whatever_the_clock_says(clock: Clock, seconds: float) -> None:
    """A record that nobody renews for its time to live is taken over, though its expiry lies an hour ahead."""
    store = kept_in_memory(clock)
    take(store, clock, ttl_seconds=60)
    clock.jump(seconds)
    began = clock.monotonic()
    second = take(store, clock, on_busy="wait", wait=passing(clock), run_id="r2")
    assert second.token == 2
    assert clock.monotonic() - began <= 66


def test_a_paused_holder_is_replaced_in_a_folder(clock: Clock, tmp_path: Path) -> None:
    """It still has the file lock, so it is watched for its time to live; when it wakes it is fenced."""
    store = LocalStoreWithClock(tmp_path, clock)
    paused = take(store, clock, ttl_seconds=60)
    began = clock.monotonic()
    second = take(store, clock, on_busy="wait", wait=passing(clock), run_id="r2")
    assert 60 <= clock.monotonic() - began <= 66
    assert not second.record.locked
    with pytest.raises(Fenced):
        paused.ensure_held()
    paused.release()
    # Nobody has the file lock now. That must not make the second one look dead.
    with pytest.raises(Busy):
        take(store, clock)
    assert second.renew()


def test_a_holder_that_died_on_this_machine_is_replaced_at_once(clock: Clock, tmp_path: Path) -> None:
    """The kernel gave its file lock back."""
    store = LocalStoreWithClock(tmp_path, clock)
    dead = take(store, clock, ttl_seconds=60)
    assert dead._held is not None
    dead._held.release()
    assert take(store, clock).token == 2


NOW = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)
HELD = LeaseRecord(
    NAME, 3, "h pid 1", "m", "r", NOW, NOW + dt.timedelta(seconds=60), ttl_seconds=60.0, locked=True, nonce="n"
)


@pytest.mark.parametrize(
    ("record", "later", "watched", "here", "lock_is_ours", "free"),
    [
        pytest.param(HELD, 0, 0, True, None, False, id="just taken"),
        pytest.param(HELD, 61, 0, False, None, False, id="expired, but clocks are read to the second"),
        pytest.param(HELD, 63, 0, False, None, True, id="expired"),
        pytest.param(HELD, 63, 0, False, False, True, id="expired; some process of ours waits, too"),
        pytest.param(HELD, 3600, 0, True, False, False, id="expired, but its holder lives here"),
        pytest.param(HELD, 3600, 62, True, False, True, id="its holder lives, but has not renewed"),
        pytest.param(HELD, -3600, 62, False, None, True, id="watched for its time to live"),
        pytest.param(HELD, -3600, 61, False, None, False, id="not yet watched for long enough"),
        pytest.param(HELD, 0, 0, True, True, True, id="its holder on this machine is dead"),
        pytest.param(HELD, 0, 0, False, True, False, id="the lock says nothing of another machine"),
        pytest.param(replace(HELD, locked=False), 0, 0, True, True, False, id="its holder never had the lock"),
        pytest.param(replace(HELD, released=True), 0, 0, True, False, True, id="given back"),
    ],
)
def test_who_may_take_over(
    record: LeaseRecord, later: float, watched: float, here: bool, lock_is_ours: bool | None, free: bool
) -> None:
    """The rule, case by case."""
    now = NOW + dt.timedelta(seconds=later)
    assert may_take_over(record, now, watched_seconds=watched, here=here, lock_is_ours=lock_is_ours) is free


def test_waiting_is_told_once_and_ends_with_the_signal(clock: Clock) -> None:
    """Who waits says for whom, once; asked to stop, it stops."""
    store = kept_in_memory(clock)
    holder = take(store, clock, run_id="run-1")
    told: list[str] = []
    stop = threading.Event()
    rounds = iter(range(50))

    def meanwhile() -> None:
        holder.renew()
        if next(rounds) == 40:
            stop.set()

    with pytest.raises(Interrupted):
        take(
            store,
            clock,
            on_busy="wait",
            stop=stop,
            wait=passing(clock, meanwhile),
            on_waiting=lambda record: told.append(record.run_id),
        )
    assert told == ["run-1"]


def test_waiting_ends_when_the_lease_is_given_back(clock: Clock) -> None:
    """The next one has it with the next look."""
    store = kept_in_memory(clock)
    holder = take(store, clock)
    assert take(store, clock, on_busy="wait", wait=passing(clock, holder.release)).token == 2


def test_a_renewal_whose_answer_was_lost_is_still_ours(clock: Clock) -> None:
    """The next renewal meets an etag that it does not know, reads it back, and goes on."""
    trap = Trap()
    store = FaultyStore(kept_in_memory(clock), trap)
    lease = take(store, clock, ttl_seconds=60)
    trap.fault, trap.at = "response_lost", trap.count + 1
    clock.advance(20)
    assert not lease.renew()
    clock.advance(20)
    assert lease.renew()
    clock.advance(50)
    assert lease.ensure_held() == 1


def test_tokens_never_fall_behind_a_state(clock: Clock) -> None:
    """After somebody removed the lease by hand its tokens begin anew; they are raised above those already used."""
    store = kept_in_memory(clock)
    lease = take(store, clock)
    assert lease.raise_token(above=0) == 1
    assert lease.raise_token(above=7) == 8
    lease.release()
    assert take(store, clock).token == 9


def test_a_token_cannot_be_raised_by_one_who_lost(clock: Clock) -> None:
    """Raising is a compare-and-swap as well."""
    store = kept_in_memory(clock)
    lost = take(store, clock, ttl_seconds=60)
    clock.advance(63)
    second = take(store, clock)
    with pytest.raises(Fenced):
        lost.raise_token(above=50)
    assert second.renew()
    assert second.token == 2


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b'{"name":1}'])
def test_a_damaged_lease_is_named(body: bytes) -> None:
    """It is not taken for a free one."""
    store = MemoryStore()
    store.put(KEY, body)
    with pytest.raises(StoreError, match="lease") as caught:
        take(store)
    assert caught.value.kind == "corrupt"


def test_what_a_newer_version_adds_does_not_matter() -> None:
    """Fields that are not known are left out."""
    body = HELD.to_bytes()
    assert LeaseRecord.from_bytes(body[:-1] + b',"new":1}') == HELD
    assert LeaseRecord.from_bytes(body) == HELD


def test_an_unknown_way_of_waiting_is_refused() -> None:
    """A slip of the pen must not wait for ever."""
    with pytest.raises(ValueError, match="patiently"):
        acquire_lease(MemoryStore(), NAME, run_id="r", on_busy="patiently")


class HangingStore(MemoryStore):
    """A store whose conditional writes hang when they are told to."""

    def __init__(self) -> None:
        super().__init__()
        self.hang = False
        self.hanging = threading.Event()
        self.go_on = threading.Event()

    def put_if_match(self, key: str, body: bytes, etag: str, **more: Any) -> ObjectInfo:
        if self.hang:
            self.hanging.set()
            self.go_on.wait(20)
        return super().put_if_match(key, body, etag, **more)


def test_a_hanging_renewal_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """Giving back waits a moment for it, no longer; the lease runs out by itself."""
    monkeypatch.setattr("nba_season_backfill.lake.lease._RELEASE_SECONDS", 0.05)
    store = HangingStore()
    lease = take(store)
    store.hang = True
    renewing = threading.Thread(target=lease.renew)
    renewing.start()
    assert store.hanging.wait(5)
    lease.release()
    store.go_on.set()
    renewing.join(5)
    record = read_lease(store, NAME)
    assert record is not None
    assert not record.released


def test_the_keeper_renews_until_the_end() -> None:
    """As a context manager the lease is renewed by itself, and given back in the end."""
    store = MemoryStore()
    renewed = threading.Event()

    class Watching(MemoryStore):
        def put_if_match(self, key: str, body: bytes, etag: str, **more: Any) -> ObjectInfo:
            renewed.set()
            return store.put_if_match(key, body, etag, **more)

        put_if_absent = store.put_if_absent
        get = store.get

    with take(Watching(), ttl_seconds=0.03):
        assert renewed.wait(5)
    record = read_lease(store, NAME)
    assert record is not None
    assert record.released


@pytest.mark.parametrize("fault", FAULTS)
def test_every_fault_at_every_operation_leaves_one_holder(fault: str) -> None:
    """Take, renew and give back with one fault: the next one gets it in time, and tokens never repeat."""
    for at in range(1, 6):
        clock = Clock()
        store = kept_in_memory(clock)
        take(store, clock).release()
        trap = Trap(fault, at)
        first: Lease | None = None
        with contextlib.suppress(SimulatedKill, StoreError):
            first = take(FaultyStore(store, trap), clock, run_id="r1", ttl_seconds=60)
            clock.advance(20)
            first.renew()
            clock.advance(20)
            assert first.renew() or fault in ("error_500", "timeout", "response_lost")
            assert first.ensure_held() == 2
            first.release()
        began = clock.monotonic()
        second = take(store, clock, run_id="r2", on_busy="wait", wait=passing(clock))
        assert clock.monotonic() - began <= 66, f"{fault} at {at}"
        assert second.token in (2, 3)
        assert second.token == 3 or first is None
        if first is not None:
            # Had it only been paused, it would find out before it writes anything.
            trap.dead = False
            clock.advance(61)
            with pytest.raises(Fenced):
                first.ensure_held()
        assert second.renew()
