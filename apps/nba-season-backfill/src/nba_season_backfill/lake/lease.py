"""A lease: one holder at a time, told apart by a fencing token that only grows.

The lease is an object: created if absent, renewed by compare-and-swap, taken over only when it has expired by the
store's own clock, or when nobody has renewed it for a whole time to live while we watched. A release leaves a
tombstone, so that the token never goes back. The holder trusts its own monotonic clock to stop in time: once the time
to live has passed since its last good renewal was sent, it writes nothing before the store has confirmed, by another
compare-and-swap, that nobody took over.

In a folder, a holder also holds a file lock of its machine that the kernel gives back when it dies. Who gets that lock
knows that a holder of this machine is dead, and need not wait for its lease to run out; who does not get it knows that
the holder lives, so that a clock that jumped makes nobody take over. A paused holder keeps the lock, and a holder on
another machine is told by its record.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime as dt
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType

import orjson

from nba_season_backfill.errors import Busy, Fenced, Interrupted
from nba_season_backfill.lake import layout
from nba_season_backfill.lake.local import Held, LocalStore
from nba_season_backfill.lake.store import ObjectInfo, ObjectMissing, ObjectStore, PreconditionFailed, StoreError

__all__ = ["Lease", "LeaseRecord", "acquire_lease", "may_take_over", "read_lease"]

_POLL_SECONDS = 2.0
# A store's clock is read to the second, and late by an answer's way.
_GRACE_SECONDS = 2.0
# A program that ends must not wait long for a renewal that hangs: the lease then runs out by itself.
_RELEASE_SECONDS = 3.0


def _uptime() -> float:
    """A monotonic clock that goes on while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the lease object says. ``released`` marks a tombstone, ``locked`` a holder that has its machine's file lock.

    ``nonce`` tells two acquisitions apart, whoever made them.
    """

    name: str
    token: int
    holder: str
    machine: str
    run_id: str
    acquired_at: dt.datetime
    expires_at: dt.datetime
    released: bool = False
    ttl_seconds: float = 60.0
    locked: bool = False
    nonce: str = ""

    def held_at(self, now: dt.datetime) -> bool:
        """Whether somebody holds it at that moment of the store's clock."""
        return not self.released and now < self.expires_at

    def to_bytes(self) -> bytes:
        """As JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_bytes(cls, body: bytes) -> LeaseRecord:
        """Read it; a damaged record is a StoreError of kind ``corrupt``. What a newer version added is left out."""
        try:
            document = orjson.loads(body)
            document = {name: document[name] for name in _FIELDS if name in document}
            document["acquired_at"] = dt.datetime.fromisoformat(document["acquired_at"])
            document["expires_at"] = dt.datetime.fromisoformat(document["expires_at"])
            return cls(**document)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"a lease that cannot be read ({error}); remove it by hand", kind="corrupt") from None


_FIELDS = tuple(field.name for field in dataclasses.fields(LeaseRecord))


def read_lease(store: ObjectStore, name: str) -> LeaseRecord | None:
    """Who holds, or last held, the lease of that name."""
    try:
        return LeaseRecord.from_bytes(store.get(layout.lease_key(name)).body)
    except ObjectMissing:
        return None


def may_take_over(
    record: LeaseRecord, now: dt.datetime, *, watched_seconds: float, here: bool, lock_is_ours: bool | None
) -> bool:
    """Whether a lease may be taken from the holder that its record names.

    Args:
        now: the store's clock.
        watched_seconds: for how long this record has stood unchanged before our eyes, by a monotonic clock.
        here: the holder is, or was, on this machine.
        lock_is_ours: whether we have the file lock of this machine; None where there is none.
    """
    if record.released:
        return True
    if here and record.locked and lock_is_ours:
        return True
    if watched_seconds >= record.ttl_seconds + _GRACE_SECONDS:
        # By now its holder has fenced itself, whatever any wall clock says.
        return True
    if here and record.locked and lock_is_ours is False:
        # It lives, or is paused: if the clock says that it has expired, the clock may have jumped. Watching tells.
        return False
    return now >= record.expires_at + dt.timedelta(seconds=_GRACE_SECONDS)


def acquire_lease(
    store: ObjectStore,
    name: str,
    *,
    run_id: str,
    ttl_seconds: float = 60.0,
    on_busy: str = "wait",
    stop: threading.Event | None = None,
    monotonic: Callable[[], float] = _uptime,
    wait: Callable[[threading.Event, float], bool] | None = None,
    on_waiting: Callable[[LeaseRecord], None] | None = None,
) -> Lease | None:
    """Take the lease: a context manager that renews it and gives it back; None when it is busy and ``skip`` is asked.

    Raises:
        Busy: somebody holds it, and ``fail`` is asked.
        Interrupted: ``stop`` was set while waiting.
        StoreError: the store failed, or the lease object is damaged.
    """
    if on_busy not in ("wait", "skip", "fail"):
        raise ValueError(f"on_busy is wait, skip or fail, not {on_busy!r}")
    stop = stop or threading.Event()
    wait = wait or (lambda event, seconds: event.wait(seconds))
    attempt = _Attempt(store, name, run_id, ttl_seconds, monotonic)
    told = False
    try:
        while True:
            lease = attempt.make()
            if isinstance(lease, Lease):
                return lease
            if on_busy == "skip":
                return None
            if on_busy == "fail":
                until = f"until {lease.expires_at:%H:%M:%S} UTC, unless renewed"
                raise Busy(
                    f"{name} is held by {lease.holder} (run {lease.run_id}) {until}", hint="wait for it, or stop it"
                )
            if not told and on_waiting is not None:
                told = True
                on_waiting(lease)
            if wait(stop, _POLL_SECONDS):
                raise Interrupted(15)
    finally:
        attempt.end()


class _Attempt:
    """One wish to hold a lease: what it has seen so far, and the file lock if it has it."""

    def __init__(
        self, store: ObjectStore, name: str, run_id: str, ttl_seconds: float, monotonic: Callable[[], float]
    ) -> None:
        self._store = store
        self._name = name
        self._run_id = run_id
        self._ttl_seconds = ttl_seconds
        self._monotonic = monotonic
        self._nonce = secrets.token_hex(8)
        self._held: Held | None = None
        self._seen: tuple[str, float] = ("", 0.0)

    def end(self) -> None:
        """Give the file lock back, unless a lease has it."""
        if self._held is not None:
            self._held.release()

    def make(self) -> Lease | LeaseRecord:
        """The lease, or the record of who has it."""
        lock_is_ours = None
        if isinstance(self._store, LocalStore):
            self._held = self._held or self._store.hold(self._name)
            lock_is_ours = self._held is not None
        key = layout.lease_key(self._name)
        while True:
            began = self._monotonic()
            try:
                stored = self._store.get(key)
            except ObjectMissing:
                stored = None
            now = self._store.now()
            ours = self._record(now, locked=lock_is_ours is True)
            if stored is not None:
                theirs = LeaseRecord.from_bytes(stored.body)
                if theirs.nonce == self._nonce:
                    # An answer was lost: it is ours already.
                    return self._lease(theirs, stored.info.etag, began)
                if stored.info.etag != self._seen[0]:
                    self._seen = (stored.info.etag, self._monotonic())
                free = may_take_over(
                    theirs,
                    now,
                    watched_seconds=began - self._seen[1],
                    here=theirs.machine == ours.machine,
                    lock_is_ours=lock_is_ours,
                )
                if not free:
                    return theirs
                ours = replace(ours, token=theirs.token + 1)
            try:
                if stored is None:
                    info = self._store.put_if_absent(key, ours.to_bytes())
                else:
                    info = self._store.put_if_match(key, ours.to_bytes(), stored.info.etag)
            except PreconditionFailed:
                # Somebody else was faster: see who.
                continue
            return self._lease(ours, info.etag, began)

    def _record(self, now: dt.datetime, *, locked: bool) -> LeaseRecord:
        return LeaseRecord(
            self._name,
            1,
            f"{socket.gethostname()} pid {os.getpid()}",
            _machine(),
            self._run_id,
            now,
            now + dt.timedelta(seconds=self._ttl_seconds),
            ttl_seconds=self._ttl_seconds,
            locked=locked,
            nonce=self._nonce,
        )

    def _lease(self, record: LeaseRecord, etag: str, began: float) -> Lease:
        held, self._held = self._held, None
        return Lease(self._store, record, etag, began=began, monotonic=self._monotonic, held=held)


def _machine() -> str:
    """This boot of this machine: containers on it share it, and a reboot is another one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return socket.gethostname()


class Lease:
    """A lease that is held. As a context manager it is renewed every third of its time to live, and given back."""

    def __init__(
        self,
        store: ObjectStore,
        record: LeaseRecord,
        etag: str,
        *,
        began: float,
        monotonic: Callable[[], float] = _uptime,
        held: Held | None = None,
    ) -> None:
        self._store = store
        self._held = held
        self._record = record
        self._etag = etag
        self._good_since = began
        self._monotonic = monotonic
        self._lock = threading.Lock()
        self._done = threading.Event()
        self._lost: str | None = None
        self._keeper: threading.Thread | None = None

    @property
    def token(self) -> int:
        """The fencing token."""
        return self._record.token

    @property
    def record(self) -> LeaseRecord:
        """The lease as last written."""
        return self._record

    def ensure_held(self) -> int:
        """The fencing token. Asks the store only if the lease was not renewed within its time to live.

        Raises:
            Fenced: another run took over, or the store could not confirm that none did.
        """
        if self._lost is None and self._has_run_out():
            self.renew()
            if self._lost is None and self._has_run_out():
                self._lost = f"it could not be renewed for {self._record.ttl_seconds:.0f} s"
        if self._lost is not None:
            raise Fenced(
                f"the lease {self._record.name} is lost: {self._lost}",
                hint="another run may be at work; nothing more was written by this one",
            )
        return self._record.token

    def renew(self) -> bool:
        """Write a later expiry; False if that failed: the next renewal tries again."""
        with self._lock:
            return self._rewrite(self._record)

    def raise_token(self, above: int) -> int:
        """Make the token greater than one that a state carries; gives it.

        Tokens only grow, unless somebody removed the lease object by hand; what was written under a greater one than
        ours was then written before.

        Raises:
            Fenced: the lease is lost, or the store could not confirm that it is not.
        """
        if self._record.token <= above:
            with self._lock:
                if not self._rewrite(replace(self._record, token=above + 1)) and self._lost is None:
                    self._lost = "its token could not be raised"
        return self.ensure_held()

    def release(self) -> None:
        """Leave a tombstone, if it is still ours. Never raises for a store that fails: the lease runs out by itself."""
        self._done.set()
        if self._lock.acquire(timeout=_RELEASE_SECONDS):
            try:
                if self._lost is None:
                    with contextlib.suppress(StoreError):
                        self._swap(replace(self._record, released=True))
            finally:
                self._lock.release()
        self._lost = self._lost or "it was given back"
        if self._held is not None:
            self._held.release()

    def __enter__(self) -> Lease:
        self._keeper = threading.Thread(target=self._keep, name=f"lease-{self._record.name}", daemon=True)
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.release()

    def _has_run_out(self) -> bool:
        return self._monotonic() - self._good_since >= self._record.ttl_seconds

    def _rewrite(self, record: LeaseRecord) -> bool:
        if self._lost is not None or self._done.is_set():
            return False
        began = self._monotonic()
        try:
            record = replace(record, expires_at=self._store.now() + dt.timedelta(seconds=record.ttl_seconds))
            info = self._swap(record)
        except PreconditionFailed:
            self._lost = "another run took it over"
            return False
        except StoreError:
            return False
        self._record, self._etag, self._good_since = record, info.etag, began
        return True

    def _swap(self, record: LeaseRecord) -> ObjectInfo:
        key = layout.lease_key(record.name)
        try:
            return self._store.put_if_match(key, record.to_bytes(), self._etag)
        except PreconditionFailed:
            # An earlier renewal may have arrived though its answer did not.
            stored = self._store.get(key)
            if LeaseRecord.from_bytes(stored.body).nonce != record.nonce:
                raise
            return self._store.put_if_match(key, record.to_bytes(), stored.info.etag)

    def _keep(self) -> None:
        ttl_seconds = self._record.ttl_seconds
        pause = ttl_seconds / 3
        while not self._done.wait(pause):
            began = self._monotonic()
            renewed = self.renew()
            took = self._monotonic() - began
            # Counted from when it was sent, because so is the lease; after a failure there is no time to lose.
            pause = max(0.0, ttl_seconds / 3 - took) if renewed else ttl_seconds / 12
