"""Files that are replaced at once, and what must not be replaced by one."""

from __future__ import annotations

import os
import stat
from contextlib import suppress
from pathlib import Path

__all__ = ["file_to_replace", "kind_of", "replace_file"]

_KINDS = {
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a FIFO",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFSOCK: "a socket",
}


def kind_of(mode: int) -> str:
    """What else than a regular file has this mode; empty for a regular file."""
    return "" if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "something else than a file")


def file_to_replace(path: Path) -> Path:
    """Where a new version of the file goes: the path, with links followed. There need not be a file yet.

    Raises:
        OSError: something else than a regular file is there (a rename would take its place, a reader could wait for
            it forever), or it cannot be looked at.
    """
    target = Path(os.path.realpath(path))
    # Both: /dev/stdout leads to what has no name of its own, and "missing/.." to a folder that only the second finds.
    for each in (path, target):
        with suppress(FileNotFoundError):
            if kind := kind_of(each.stat().st_mode):
                raise OSError(f"{str(path)!r} is {kind}, which no file may replace: name a regular file")
    return target


def replace_file(path: Path, body: bytes) -> None:
    """Replace the file at once: no reader finds half of it. Its folders are made, and a link to it stays.

    Raises:
        OSError: it cannot be written, or something else than a regular file is there.
    """
    target = file_to_replace(path)
    target.parent.mkdir(parents=True, exist_ok=True)
    # Of chance: containers that share a folder have the same process ids. Node-exporter reads no such name.
    draft = target.with_name(f".{target.name}.{os.urandom(6).hex()}.tmp")
    try:
        with draft.open("xb") as file:
            file.write(body)
        draft.replace(target)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)
