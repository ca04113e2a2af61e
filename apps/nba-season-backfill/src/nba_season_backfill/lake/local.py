"""A folder as an object store: atomic, conditional, durable in order.

A write goes to a hidden temporary file, and a rename (or, to create only, a hard link) makes it visible. Every write
takes a lock file, so conditions hold across processes; the kernel gives the lock back when its holder dies. Each folder
of the lake's first level has one of its own: archiving does not wait for a commit to reach the disk.
What a killed process left in a folder is swept by the next write there.

Metadata lives in a hidden sidecar, written before the body: for each version (the old one and the new) what belongs to
it, under the hash of its bytes. So a crash between the two leaves the old version with its own metadata, no reader
meets a mixture, and a damaged body is found, because it is none of the versions.

Data is synced to disk in groups: a write below ``_state/`` is the barrier. Before it, every new file and every folder
written since the last one is synced, and then the state itself; so no crash keeps a checkpoint and loses what it names.
What replaces an object is synced before the object it replaces is gone.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import hashlib
import os
import re
import secrets
import stat
import threading
from collections.abc import Callable, Iterator, Mapping
from io import BufferedReader
from pathlib import Path

import orjson

from nba_season_backfill.lake.bounded import LeftBehind, SecondsLeft
from nba_season_backfill.lake.durability import Unsynced
from nba_season_backfill.lake.locking import Held, take_lock
from nba_season_backfill.lake.store import (
    ObjectInfo,
    ObjectMissing,
    ObjectRange,
    PreconditionFailed,
    StoredObject,
    StoreError,
    check_key,
    check_metadata,
    check_prefix,
    check_range,
    resolve_range,
)
from nba_season_backfill.lake.versions import KnownVersions

__all__ = ["Held", "LocalStore"]

_LOCK_SECONDS = 30.0
_READS = 4
_TEMPORARY = re.compile(r"\..+\.[0-9a-f]{12}\.tmp")
_KINDS = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "access_denied",
    errno.EPERM: "access_denied",
    errno.ENOTDIR: "read_only",
    errno.EEXIST: "read_only",
    errno.ELOOP: "read_only",
    errno.ENAMETOOLONG: "read_only",
}
# Not every file system has hard links; there the lock alone keeps creators apart.
_NO_LINKS = {errno.EPERM, errno.EOPNOTSUPP, errno.ENOSYS, errno.EMLINK, errno.EXDEV}


class LocalStore:
    """Objects as files below ``root``, which is made with the first write.

    Args:
        barrier: keys that start with it are durable when their write returns, and all that was written before them.
            Empty: every write is.
        sync: what makes a file descriptor durable; injected by tests that watch the order.
        seconds_left: how long another process that has a lock may still be waited for.
    """

    def __init__(
        self,
        root: Path,
        *,
        barrier: str = "_state/",
        sync: Callable[[int], None] = os.fsync,
        seconds_left: SecondsLeft | None = None,
    ) -> None:
        self._root = Path(root).expanduser().absolute()
        self._barrier = barrier
        self._seconds_left = seconds_left
        self._unsynced = Unsynced(sync)
        self._swept: set[Path] = set()
        self._in_place: set[Path] = set()
        # First part of a key -> whose turn it is: threads of one process need not poll for what they can wait for.
        self._turns: dict[str, threading.Lock] = {}
        self._known = KnownVersions()

    @property
    def url(self) -> str:
        """The folder's absolute path."""
        return str(self._root)

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object: one open file is one version, whatever is renamed over it meanwhile."""

        def whole(file: BufferedReader, _status: os.stat_result) -> tuple[str, bytes]:
            body = file.read()
            return _etag(body), body

        info, body = self._read(key, whole, if_match)
        return StoredObject(info, body)

    def get_range(self, key: str, start: int, end: int | None = None, *, if_match: str | None = None) -> ObjectRange:
        """Some bytes of it. To know the version all of it is hashed, once."""
        check_range(start, end)

        def part(file: BufferedReader, status: os.stat_result) -> tuple[str, bytes]:
            etag = self._known.etag(file, status)
            first, last = resolve_range(start, end, status.st_size)
            file.seek(first)
            return etag, file.read(last - first)

        info, body = self._read(key, part, if_match)
        return ObjectRange(info, resolve_range(start, end, info.size)[0], body)

    def _read(
        self, key: str, read: Callable[[BufferedReader, os.stat_result], tuple[str, bytes]], if_match: str | None
    ) -> tuple[ObjectInfo, bytes]:
        """What ``read`` gives (etag, bytes) of one version, its metadata with it."""
        path = self._path(key)
        try:
            for _ in range(_READS):
                with path.open("rb") as file:
                    status = os.fstat(file.fileno())
                    etag, body = read(file, status)
                versions = _versions(path)
                if not versions or etag in versions:
                    break
            else:
                # Replaced again and again while we looked is the other way to get here, but not four times.
                raise StoreError(
                    f"{self.url}/{key}: its content is not what was stored (SHA-256 differs)", kind="corrupt", key=key
                )
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise ObjectMissing(f"{self.url}/{key}: no such object", key=key) from None
        except OSError as error:
            raise self._failure("read", key, error) from error
        if if_match is not None and etag != if_match:
            raise PreconditionFailed(f"{self.url}/{key}: another version is there", key=key)
        return ObjectInfo(key, status.st_size, etag, _time(status), versions.get(etag, {})), body

    def head(self, key: str) -> ObjectInfo:
        """What is known of it."""
        return self.get(key).info

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Write or replace, atomically."""
        return self._write(key, body, metadata, lambda _path: True, os.replace)

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Create. Under the lock; and a hard link fails where a file is, should a file system have no locks."""
        return self._write(key, body, metadata, lambda path: not os.path.lexists(path), _link)

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Replace that version: compared and replaced under the lock that every process of this folder takes."""
        return self._write(key, body, metadata, lambda path: _etag_of(path) == etag, os.replace)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """In key order. ``etag`` is empty: it would need every body."""
        check_prefix(prefix)
        folder = self._root / prefix.rpartition("/")[0]
        found: list[tuple[str, Path]] = []

        def unreadable(error: OSError) -> None:
            if not isinstance(error, FileNotFoundError | NotADirectoryError):
                raise self._failure("list", prefix, error) from error

        for where, folders, names in os.walk(folder, onerror=unreadable):
            folders[:] = [name for name in folders if not name.startswith(".")]
            base = Path(where).relative_to(self._root).as_posix()
            stem = "" if base == "." else f"{base}/"
            found += [(stem + name, Path(where, name)) for name in names if not name.startswith(".")]
        for key, path in sorted(found):
            if key.startswith(prefix):
                try:
                    status = path.stat()
                except FileNotFoundError:
                    continue
                yield ObjectInfo(key, status.st_size, "", _time(status))

    def delete(self, key: str) -> None:
        """Remove body, then sidecar, then the folders that are empty now."""
        path = self._path(key)
        if not os.path.lexists(path):
            return
        try:
            with self._exclusive(key):
                path.unlink(missing_ok=True)
                _sidecar(path).unlink(missing_ok=True)
                folder = path.parent
                with contextlib.suppress(OSError):
                    while folder != self._root:
                        folder.rmdir()
                        folder = folder.parent
                self._unsynced.add((), (folder,))
        except OSError as error:
            raise self._failure("delete", key, error) from error

    def now(self) -> dt.datetime:
        """This machine's clock: a folder has no other."""
        return dt.datetime.now(dt.UTC)

    def sync(self) -> None:
        """Make every write and delete that has returned durable.

        Raises:
            StoreError: the disk refused, now or earlier: what was written since the last barrier may be lost.
        """
        try:
            self._unsynced.barrier()
        except OSError as error:
            raise self._failure("sync", "", error) from error

    def close(self) -> None:
        """Make everything durable, if the disk lets us."""
        with contextlib.suppress(StoreError):
            self.sync()
        self._unsynced.close()

    def hold(self, name: str) -> Held | None:
        """A lock of this machine that its holder's death gives back; None while another process has it.

        Beside a lease it tells at once that a holder on this machine is dead, before the lease has run out.
        """
        folder = self._root / "_state" / "leases"
        try:
            _make(folder)
            descriptor = os.open(folder / f".{name}.held", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._failure("lock", name, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return Held(descriptor)

    def _write(
        self,
        key: str,
        body: bytes,
        metadata: Mapping[str, str] | None,
        condition: Callable[[Path], bool],
        publish: Callable[[Path, Path], None],
    ) -> ObjectInfo:
        path = self._path(key)
        check_metadata(metadata)
        barrier = key.startswith(self._barrier)
        if barrier:
            self.sync()
        try:
            with self._exclusive(key):
                if not condition(path):
                    raise PreconditionFailed(f"{self.url}/{key}: not in the state expected", key=key)
                changed = [path.parent, *self._make_folder(path.parent)]
                replaced = path.exists()
                now = barrier or replaced
                files = [] if now else [path]
                sidecar = _sidecar(path)
                etag = _etag(body)
                if metadata or sidecar.exists():
                    old = {at: _versions(path).get(at, {}) for at in (_etag_of(path),)} if replaced else {}
                    document = orjson.dumps({"versions": {**old, etag: dict(metadata or {})}})
                    self._publish(sidecar, document, os.replace, sync=now)
                    files += [] if now else [sidecar]
                self._publish(path, body, publish, sync=now)
                status = path.stat()
                if barrier:
                    self._unsynced.sync_now(changed)
                else:
                    self._unsynced.add(files, changed)
        except FileExistsError:
            raise PreconditionFailed(f"{self.url}/{key}: exists already", key=key) from None
        except OSError as error:
            raise self._failure("write", key, error) from error
        return ObjectInfo(key, len(body), etag, _time(status), dict(metadata or {}))

    def _publish(self, path: Path, body: bytes, publish: Callable[[Path, Path], None], *, sync: bool) -> None:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        published = False
        try:
            self._unsynced.write_new(temporary, body, sync=sync)
            publish(temporary, path)
            published = True
        finally:
            if not published:
                with contextlib.suppress(OSError):
                    temporary.unlink()

    def _make_folder(self, folder: Path) -> tuple[Path, ...]:
        """Make it, or sweep it at the first visit; gives the folders above that got an entry."""
        if folder in self._swept and folder.is_dir():
            return ()
        above = []
        at = folder
        while not at.is_dir():
            above.append(at.parent)
            at = at.parent
        if above:
            _make(folder)
        else:
            # Under the lock nobody else is writing here: what looks unfinished was left by a process that is gone.
            for entry in os.scandir(folder):
                if _TEMPORARY.fullmatch(entry.name):
                    Path(entry.path).unlink(missing_ok=True)
        self._swept.add(folder)
        return tuple(above)

    @contextlib.contextmanager
    def _exclusive(self, key: str) -> Iterator[None]:
        """The lock of what the key is part of; the kernel gives it back when its holder dies."""
        part = key.partition("/")[0]
        where = f"{self._root}/.{part}.lock"
        turn = self._turns.setdefault(part, threading.Lock())
        if not turn.acquire(timeout=_LOCK_SECONDS):
            raise _locked(where, key)
        try:
            descriptor = self._open_lock(where)
            try:
                self._take(descriptor, where, key)
                yield
            finally:
                os.close(descriptor)
        finally:
            turn.release()

    def _open_lock(self, where: str) -> int:
        try:
            return os.open(where, os.O_RDWR | os.O_CREAT, 0o644)
        except (FileNotFoundError, NotADirectoryError):
            _make(self._root)
            return os.open(where, os.O_RDWR | os.O_CREAT, 0o644)

    def _take(self, descriptor: int, where: str, key: str) -> None:
        try:
            taken = take_lock(descriptor, _LOCK_SECONDS, self._seconds_left)
        except LeftBehind:
            message = f"{where}: another process has it, and no time was left to wait for it"
            raise StoreError(message, kind="left_behind", key=key) from None
        if not taken:
            raise _locked(where, key)

    def _path(self, key: str) -> Path:
        check_key(key)
        path = Path(f"{self._root}/{key}")
        try:
            self._must_be_in_place(path.parent, key)
            if path.is_symlink():
                self._must_not_lead_out(path, key)
        except OSError as error:
            raise self._failure("reach", key, error) from error
        return path

    def _must_be_in_place(self, folder: Path, key: str) -> None:
        """Follow a folder once: following every part of a path costs more than writing a small file does."""
        if folder in self._in_place or folder == self._root:
            return
        self._must_be_in_place(folder.parent, key)
        try:
            kind = folder.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return
        if stat.S_ISLNK(kind):
            self._must_not_lead_out(folder, key)
        elif stat.S_ISDIR(kind):
            self._in_place.add(folder)

    def _must_not_lead_out(self, path: Path, key: str) -> None:
        root = os.path.realpath(self._root)
        if os.path.realpath(path) != str(Path(root, path.relative_to(self._root))):
            raise StoreError(
                f"{self.url}/{key}: a symbolic link leads out of its place; mount the other disk there instead",
                kind="access_denied",
                key=key,
            )

    def _failure(self, verb: str, key: str, error: OSError) -> StoreError:
        kind = _KINDS.get(error.errno or 0, "other")
        return StoreError(f"cannot {verb} {self.url}/{key}: {error.strerror or error}", kind=kind, key=key)


def _locked(where: str, key: str) -> StoreError:
    message = f"{where}: another process has held it for {_LOCK_SECONDS:.0f} s; is it paused?"
    return StoreError(message, kind="unreachable", key=key)


def _make(folder: Path) -> None:
    """Make a folder and those above it; a file in its place is no folder, and not an object that exists already."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:
        raise NotADirectoryError(errno.ENOTDIR, "a file is in the way of a folder", str(folder)) from None


def _link(temporary: Path, path: Path) -> None:
    try:
        os.link(temporary, path)
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        temporary.replace(path)
        return
    temporary.unlink()


def _sidecar(path: Path) -> Path:
    return path.with_name(f".{path.name}.meta.json")


def _versions(path: Path) -> dict[str, dict[str, str]]:
    """Hash of a version's bytes -> its metadata; empty where there is no sidecar."""
    try:
        return dict(orjson.loads(_sidecar(path).read_bytes())["versions"])
    except FileNotFoundError:
        return {}
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{_sidecar(path)}: unreadable ({error})", kind="corrupt") from error


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _etag_of(path: Path) -> str:
    try:
        return _etag(path.read_bytes())
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return ""


def _time(status: os.stat_result) -> dt.datetime:
    return dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
