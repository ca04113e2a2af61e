"""A lease: one holder at a time, told apart by a fencing token that only grows.

The lease is an object: created if absent, renewed by compare-and-swap, taken over only when it has expired by the
store's own clock. A release leaves a tombstone, so that the token never goes back. The holder trusts its own
monotonic clock to stop in time: once the time to live has passed since its last good renewal was sent, it is fenced,
whatever the wall clock says.

In a folder, a holder on the same machine also holds a file lock that the kernel gives back when it dies. Who gets that
lock knows that a holder of this machine is dead, and need not wait for its lease to run out. A paused holder keeps the
lock, and a holder on another machine is told by its record: for both only the expiry counts.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import os
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
from nba_season_backfill.lake.store import ObjectMissing, ObjectStore, PreconditionFailed, StoreError

__all__ = ["Lease", "LeaseRecord", "acquire_lease", "read_lease"]

_POLL_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """What the lease object says. ``released`` marks a tombstone."""

    name: str
    token: int
    holder: str
    machine: str
    run_id: str
    acquired_at: dt.datetime
    expires_at: dt.datetime
    released: bool = False

    def held_at(self, now: dt.datetime) -> bool:
        """Whether somebody holds it at that moment of the store's clock."""
        return not self.released and now < self.expires_at

    def to_bytes(self) -> bytes:
        """As JSON."""
        return orjson.dumps(self)

    @classmethod
    def from_bytes(cls, body: bytes) -> LeaseRecord:
        """Read it; a damaged record is a StoreError of kind ``corrupt``."""
        try:
            document = orjson.loads(body)
            document["acquired_at"] = dt.datetime.fromisoformat(document["acquired_at"])
            document["expires_at"] = dt.datetime.fromisoformat(document["expires_at"])
            return cls(**document)
        except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
            raise StoreError(f"a lease that cannot be read ({error}); remove it by hand", kind="corrupt") from None


def read_lease(store: ObjectStore, name: str) -> LeaseRecord | None:
    """Who holds, or last held, the lease of that name."""
    try:
        return LeaseRecord.from_bytes(store.get(layout.lease_key(name)).body)
    except ObjectMissing:
        return None


def acquire_lease(
    store: ObjectStore,
    name: str,
    *,
    run_id: str,
    ttl_seconds: float = 60.0,
    on_busy: str = "wait",
    stop: threading.Event | None = None,
    monotonic: Callable[[], float] = time.monotonic,
    wait: Callable[[threading.Event, float], bool] | None = None,
    on_waiting: Callable[[LeaseRecord], None] | None = None,
) -> Lease | None:
    """Take the lease: a context manager that renews it and gives it back; None when it is busy and ``skip`` is asked.

    Raises:
        Busy: somebody holds it, and ``fail`` is asked.
        Interrupted: ``stop`` was set while waiting.
    """
    stop = stop or threading.Event()
    held = store.hold(name) if isinstance(store, LocalStore) else None
    wait = wait or (lambda event, seconds: event.wait(seconds))
    told = False
    while True:
        began = monotonic()
        if held is None and isinstance(store, LocalStore):
            held = store.hold(name)
        record, etag = _try(store, name, run_id, ttl_seconds, dead_here=held is not None)
        if etag is not None:
            return Lease(store, record, etag, ttl_seconds=ttl_seconds, began=began, monotonic=monotonic, held=held)
        if on_busy in ("skip", "fail") and held is not None:
            held.release()
        if on_busy == "skip":
            return None
        if on_busy == "fail":
            raise Busy(f"{name} is held by {record.holder} (run {record.run_id})", hint="wait for it, or stop it")
        if not told and on_waiting is not None:
            told = True
            on_waiting(record)
        if wait(stop, _POLL_SECONDS):
            if held is not None:
                held.release()
            raise Interrupted(15)


def _try(
    store: ObjectStore, name: str, run_id: str, ttl_seconds: float, *, dead_here: bool
) -> tuple[LeaseRecord, str | None]:
    """One attempt: (the lease as ours, its etag) or (the holder's, None).

    ``dead_here``: a holder on this machine would still have the file lock, and has it not.
    """
    key = layout.lease_key(name)
    while True:
        now = store.now()
        expires = now + dt.timedelta(seconds=ttl_seconds)
        ours = LeaseRecord(name, 1, f"{socket.gethostname()} pid {os.getpid()}", _machine(), run_id, now, expires)
        try:
            stored = store.get(key)
        except ObjectMissing:
            try:
                return ours, store.put_if_absent(key, ours.to_bytes()).etag
            except PreconditionFailed:
                continue
        theirs = LeaseRecord.from_bytes(stored.body)
        if theirs.held_at(now) and not (dead_here and theirs.machine == ours.machine):
            return theirs, None
        ours = replace(ours, token=theirs.token + 1)
        try:
            return ours, store.put_if_match(key, ours.to_bytes(), stored.info.etag).etag
        except PreconditionFailed:
            continue


def _machine() -> str:
    """This boot of this machine: containers on it share it, and a reboot is another one."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text("ascii").strip()
    except OSError:
        return socket.gethostname()


class Lease:
    """A lease that is held. Renewed by a thread of its own every third of its time to live."""

    def __init__(
        self,
        store: ObjectStore,
        record: LeaseRecord,
        etag: str,
        *,
        ttl_seconds: float,
        began: float,
        monotonic: Callable[[], float] = time.monotonic,
        held: Held | None = None,
    ) -> None:
        self._store = store
        self._held = held
        self._record = record
        self._etag = etag
        self._ttl_seconds = ttl_seconds
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
        """The fencing token.

        Raises:
            Fenced: the lease was lost, or could not be renewed within its time to live.
        """
        if self._lost is None and self._monotonic() - self._good_since >= self._ttl_seconds:
            self._lost = f"it could not be renewed for {self._ttl_seconds:.0f} s"
        if self._lost is not None:
            raise Fenced(
                f"the lease {self._record.name} is lost: {self._lost}",
                hint="another run may be at work; nothing more was written by this one",
            )
        return self._record.token

    def renew(self) -> None:
        """Write a later expiry; a store that fails is tried again by the next renewal, until the lease has run out."""
        with self._lock:
            if self._lost is not None or self._done.is_set():
                return
            began = self._monotonic()
            try:
                expires = self._store.now() + dt.timedelta(seconds=self._ttl_seconds)
                record = replace(self._record, expires_at=expires)
                info = self._store.put_if_match(layout.lease_key(record.name), record.to_bytes(), self._etag)
            except PreconditionFailed:
                self._lost = "another run took it over"
                return
            except StoreError:
                return
            self._record, self._etag, self._good_since = record, info.etag, began

    def release(self) -> None:
        """Leave a tombstone, if it is still ours. Never raises for a store that fails: the lease runs out by itself."""
        self._done.set()
        with self._lock:
            if self._lost is None:
                record = replace(self._record, released=True)
                with contextlib.suppress(StoreError):
                    self._store.put_if_match(layout.lease_key(record.name), record.to_bytes(), self._etag)
                self._lost = "it was given back"
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

    def _keep(self) -> None:
        while not self._done.wait(self._ttl_seconds / 3):
            self.renew()
