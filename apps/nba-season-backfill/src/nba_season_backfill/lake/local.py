"""A folder as an object store: atomic, conditional, durable in order.

A write goes to a hidden temporary file, and a rename (or, to create only, a hard link) makes it visible. Conditional
replacement is serialised across processes by a lock file. Metadata lives in a hidden sidecar, written before the body:
an object without its sidecar cannot be seen, the other way round is harmless. Hidden names are invisible to ``list``
and to Hive readers.

Data is synced to disk in groups: a write below ``_state/`` is the barrier. Before it, every file and folder written
since the last one is synced, and then the state itself; so no crash keeps a checkpoint and loses what it names.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import fcntl
import hashlib
import os
import secrets
import threading
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import orjson

from nba_season_backfill.lake.store import ObjectInfo, ObjectMissing, PreconditionFailed, StoredObject, StoreError

__all__ = ["Held", "LocalStore"]

_BARRIER = "_state/"
_SYNCS_AT_ONCE = 16
_KINDS = {
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EROFS: "read_only",
    errno.EACCES: "access_denied",
    errno.EPERM: "access_denied",
    errno.ENOTDIR: "read_only",
    errno.EEXIST: "read_only",
}


class Held:
    """A lock of this machine, until it is given back or the process ends."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def release(self) -> None:
        """Give it back. Idempotent."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor >= 0:
            os.close(descriptor)


class LocalStore:
    """Objects as files below ``root``, which is made with the first write.

    Args:
        sync: what makes a file descriptor durable; injected by tests that watch the order.
    """

    def __init__(self, root: Path, *, sync: Callable[[int], None] = os.fsync) -> None:
        self._root = Path(root).expanduser().absolute()
        self._sync = sync
        self._unsynced: dict[Path, None] = {}
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """The folder's absolute path."""
        return str(self._root)

    def get(self, key: str, *, if_match: str | None = None) -> StoredObject:
        """The whole object: one open file is one version, whatever is renamed over it meanwhile."""
        path = self._path(key)
        try:
            with path.open("rb") as file:
                status = os.fstat(file.fileno())
                body = file.read()
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            raise ObjectMissing(f"{self.url}/{key}: no such object", key=key) from None
        except OSError as error:
            raise self._failure("read", key, error) from error
        info = ObjectInfo(key, len(body), _etag(body), _time(status), self._metadata(path))
        if if_match is not None and info.etag != if_match:
            raise PreconditionFailed(f"{self.url}/{key}: another version is there", key=key)
        return StoredObject(info, body)

    def head(self, key: str) -> ObjectInfo:
        """What is known of it."""
        return self.get(key).info

    def put(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Write or replace, atomically."""
        return self._write(key, body, metadata, os.replace)

    def put_if_absent(self, key: str, body: bytes, *, metadata: Mapping[str, str] | None = None) -> ObjectInfo:
        """Create; a hard link fails where a file is, so two processes cannot both succeed."""
        if self._path(key).exists():
            raise PreconditionFailed(f"{self.url}/{key}: exists already", key=key)
        return self._write(key, body, metadata, _link)

    def put_if_match(
        self, key: str, body: bytes, etag: str, *, metadata: Mapping[str, str] | None = None
    ) -> ObjectInfo:
        """Replace that version: compared and replaced under the lock that every process of this folder takes."""
        with self._exclusive(key):
            try:
                found = self.get(key).info.etag
            except ObjectMissing:
                found = None
            if found != etag:
                raise PreconditionFailed(f"{self.url}/{key}: not the version expected", key=key)
            return self._write(key, body, metadata, os.replace)

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """In key order. The etag is not computed (it would need every body): it is of size and time."""
        folder = self._root / prefix.rpartition("/")[0] if "/" in prefix else self._root
        found: list[tuple[str, Path]] = []
        for where, folders, names in os.walk(folder):
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
                tag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
                yield ObjectInfo(key, status.st_size, tag, _time(status))

    def delete(self, key: str) -> None:
        """Remove body, then sidecar."""
        path = self._path(key)
        try:
            path.unlink(missing_ok=True)
            _sidecar(path).unlink(missing_ok=True)
        except NotADirectoryError:
            return
        except OSError as error:
            raise self._failure("delete", key, error) from error

    def now(self) -> dt.datetime:
        """This machine's clock: a folder has no other."""
        return dt.datetime.now(dt.UTC)

    def close(self) -> None:
        """Make everything durable."""
        with contextlib.suppress(OSError):
            self._make_durable()

    def _write(
        self,
        key: str,
        body: bytes,
        metadata: Mapping[str, str] | None,
        publish: Callable[[Path, Path], None],
    ) -> ObjectInfo:
        path = self._path(key)
        barrier = key.startswith(_BARRIER)
        try:
            if barrier:
                self._make_durable()
            path.parent.mkdir(parents=True, exist_ok=True)
            if metadata:
                self._publish(_sidecar(path), orjson.dumps(dict(metadata)), os.replace, sync=barrier)
            self._publish(path, body, publish, sync=barrier)
            if not metadata:
                # What an earlier version of the object, or a crash before one, may have left.
                _sidecar(path).unlink(missing_ok=True)
            if barrier:
                self._sync_path(path.parent)
            else:
                with self._lock:
                    self._unsynced[path] = None
            status = path.stat()
        except FileExistsError:
            raise PreconditionFailed(f"{self.url}/{key}: exists already", key=key) from None
        except OSError as error:
            raise self._failure("write", key, error) from error
        return ObjectInfo(key, len(body), _etag(body), _time(status), dict(metadata or {}))

    def _publish(self, path: Path, body: bytes, publish: Callable[[Path, Path], None], *, sync: bool) -> None:
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
        try:
            with temporary.open("xb") as file:
                file.write(body)
                if sync:
                    file.flush()
                    self._sync(file.fileno())
            publish(temporary, path)
        except BaseException:
            with contextlib.suppress(OSError):
                temporary.unlink()
            raise

    def _make_durable(self) -> None:
        """Sync what was written since the last barrier: files first, then their folders."""
        with self._lock:
            paths, self._unsynced = list(self._unsynced), {}
        if not paths:
            return
        files = [file for path in paths for file in (_sidecar(path), path)]
        folders = {parent for path in paths for parent in path.parents if parent.is_relative_to(self._root)}
        try:
            # The disk takes many syncs at once in little more time than one.
            with ThreadPoolExecutor(_SYNCS_AT_ONCE) as pool:
                list(pool.map(self._sync_path, files))
                list(pool.map(self._sync_path, folders))
        except OSError:
            with self._lock:
                self._unsynced = {**dict.fromkeys(paths), **self._unsynced}
            raise

    def _sync_path(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)

    def hold(self, name: str) -> Held | None:
        """A lock of this machine that its holder's death gives back; None while another process has it.

        Beside a lease it tells at once that a holder on this machine is dead, before the lease has run out.
        """
        folder = self._root / "_state" / "leases"
        try:
            folder.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(folder / f".{name}.held", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._failure("lock", name, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(descriptor)
            return None
        return Held(descriptor)

    @contextlib.contextmanager
    def _exclusive(self, key: str) -> Iterator[None]:
        """The folder's lock; the kernel gives it back when its holder dies."""
        try:
            self._root.mkdir(parents=True, exist_ok=True)
            descriptor = os.open(self._root / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise self._failure("lock", key, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _metadata(self, path: Path) -> dict[str, str]:
        try:
            document = orjson.loads(_sidecar(path).read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, orjson.JSONDecodeError) as error:
            raise StoreError(f"{_sidecar(path)}: unreadable ({error})", kind="corrupt") from error
        return {str(name): str(value) for name, value in document.items()}

    def _path(self, key: str) -> Path:
        parts = key.split("/")
        if not key or any(part in ("", ".", "..") or part.startswith(".") for part in parts) or "\0" in key:
            raise ValueError(f"not a key: {key!r}")
        return self._root.joinpath(*parts)

    def _failure(self, verb: str, key: str, error: OSError) -> StoreError:
        kind = _KINDS.get(error.errno or 0, "other")
        return StoreError(f"cannot {verb} {self.url}/{key}: {error.strerror or error}", kind=kind, key=key)


def _link(temporary: Path, path: Path) -> None:
    os.link(temporary, path)
    temporary.unlink()


def _sidecar(path: Path) -> Path:
    return path.with_name(f".{path.name}.meta.json")


def _etag(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def _time(status: os.stat_result) -> dt.datetime:
    return dt.datetime.fromtimestamp(status.st_mtime, dt.UTC)
