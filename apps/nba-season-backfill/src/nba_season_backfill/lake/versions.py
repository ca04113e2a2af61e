"""Which version of a file one is looking at, without reading all of it each time.

A version's etag is the hash of its bytes. Files are never changed in place, only replaced; so what the file system says
of a file (device, inode, size, times) stays true of its bytes, and is looked up before they are hashed again. Times
have a grain: what is younger than that is not remembered, because its successor might look the same.
"""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections import OrderedDict
from io import BufferedReader

__all__ = ["KnownVersions"]

_GRAIN_NANOSECONDS = 2_000_000_000
_KEPT = 4096
_Signature = tuple[int, int, int, int, int]


class KnownVersions:
    """The etags of files that were hashed before. Thread-safe."""

    def __init__(self) -> None:
        self._known: OrderedDict[_Signature, str] = OrderedDict()
        self._lock = threading.Lock()

    def etag(self, file: BufferedReader, status: os.stat_result) -> str:
        """The etag of an open file."""
        signature = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)
        with self._lock:
            known = self._known.get(signature)
            if known is not None:
                self._known.move_to_end(signature)
                return known
        file.seek(0)
        etag = hashlib.file_digest(file, "sha256").hexdigest()
        if time.time_ns() - max(status.st_mtime_ns, status.st_ctime_ns) > _GRAIN_NANOSECONDS:
            with self._lock:
                self._known[signature] = etag
                while len(self._known) > _KEPT:
                    self._known.popitem(last=False)
        return etag
