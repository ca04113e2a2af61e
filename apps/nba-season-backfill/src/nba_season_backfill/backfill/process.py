"""Which process a run is, and whether that process is gone: as far as this machine can tell."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

__all__ = ["LOST_AFTER_SECONDS", "is_gone", "is_lost", "this_process"]

LOST_AFTER_SECONDS = 210.0
"""A run writes its record once a minute. One that was not written for so long is taken for dead."""


def this_process() -> dict[str, Any]:
    """This process among all: machine (this boot of it), process id, when that id was given, and in which namespace."""
    return {
        "host": socket.gethostname(),
        "machine": _read(Path("/proc/sys/kernel/random/boot_id")),
        "namespace": _namespace(),
        "pid": os.getpid(),
        "started": _started(os.getpid()),
    }


def is_gone(process: Mapping[str, Any]) -> bool | None:
    """Whether the process that ``this_process`` once described has ended; None where this machine cannot tell."""
    here = this_process()
    if not here["machine"] or any(process.get(name) != here[name] for name in ("machine", "namespace")):
        return None
    pid = process.get("pid")
    return not isinstance(pid, int) or not process.get("started") or _started(pid) != process["started"]


def is_lost(process: Mapping[str, Any], silent_seconds: float) -> bool:
    """Whether a run can write nothing more: its process is gone, or could be and has been silent for too long."""
    gone = is_gone(process)
    return gone if gone is not None else silent_seconds > LOST_AFTER_SECONDS


def _read(path: Path) -> str:
    try:
        return path.read_text("ascii").strip()
    except (OSError, ValueError):
        return ""


def _namespace() -> str:
    try:
        return str(Path("/proc/self/ns/pid").readlink())
    except OSError:
        return ""


def _started(pid: int) -> str:
    """In ticks since boot, so that an id that is given again is told from the first; empty where there is no such."""
    try:
        # The name in parentheses may have spaces, and parentheses.
        status = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")[2].split()
    except OSError:
        return ""
    # A zombie has ended; only its parent has not looked yet.
    return status[19] if len(status) > 19 and status[0] not in "ZX" else ""
