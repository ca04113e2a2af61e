"""What a folder's store still owes to the disk, and the barrier that pays it."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

__all__ = ["Unsynced"]

_AT_ONCE = 8


class Unsynced:
    """Files and folders that were written and not yet synced. Thread-safe.

    Args:
        sync: makes a file descriptor durable.
    """

    def __init__(self, sync: Callable[[int], None] = os.fsync) -> None:
        self._sync = sync
        self._lock = threading.Lock()
        self._under_way = threading.Lock()
        self._files: dict[Path, None] = {}
        self._folders: dict[Path, None] = {}
        self._broken: OSError | None = None
        self._threads: ThreadPoolExecutor | None = None

    def add(self, files: Iterable[Path], folders: Iterable[Path]) -> None:
        """To be synced at the next barrier: new files, and the folders in which an entry changed."""
        with self._lock:
            self._files.update(dict.fromkeys(files))
            self._folders.update(dict.fromkeys(folders))

    def barrier(self) -> None:
        """Sync all that was added before: files first, then their folders.

        Raises:
            OSError: the disk refused, now or at an earlier barrier: a second sync would report success for what the
                first one lost.
        """
        # One at a time: who comes second must not go on while the first one's files are still on their way.
        with self._under_way:
            with self._lock:
                files, self._files = list(self._files), {}
                folders, self._folders = list(self._folders), {}
            if self._broken is not None:
                raise self._broken
            try:
                self.sync_now(files)
                self.sync_now(folders)
            except OSError as error:
                self._broken = error
                raise

    def write_new(self, path: Path, body: bytes, *, sync: bool) -> None:
        """Make a file of these bytes; ``sync``: durable when this returns.

        Raises:
            OSError: it could not be made, or not whole; what there is of it is left to the caller.
        """
        # Without Python's file object, which asks the system three more questions for each.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o666)
        try:
            left = memoryview(body)
            while left:
                left = left[os.write(descriptor, left) :]
            if sync:
                self._sync(descriptor)
        finally:
            os.close(descriptor)

    def sync_now(self, paths: Sequence[Path]) -> None:
        """Sync these; those that are gone need none."""
        if len(paths) <= 2:
            for path in paths:
                self._sync_path(path)
            return
        # The disk takes many syncs at once in little more time than one.
        if self._threads is None:
            self._threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="sync")
        shares = [paths[start::_AT_ONCE] for start in range(min(_AT_ONCE, len(paths)))]
        failed = [error for error in self._threads.map(self._sync_paths, shares) if error is not None]
        if failed:
            raise failed[0]

    def close(self) -> None:
        """End the threads; those of a later sync are new ones."""
        threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown()

    def _sync_paths(self, paths: Sequence[Path]) -> OSError | None:
        """Sync one after the other; gives what went wrong, so that nobody goes on before every thread is done."""
        try:
            for path in paths:
                self._sync_path(path)
        except OSError as error:
            return error
        return None

    def _sync_path(self, path: Path) -> None:
        try:
            descriptor = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return
        try:
            self._sync(descriptor)
        finally:
            os.close(descriptor)
