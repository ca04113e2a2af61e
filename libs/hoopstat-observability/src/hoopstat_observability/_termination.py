"""The message that Kubernetes keeps of a container that ended."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from hoopstat_observability._redaction import redact

__all__ = ["write_termination_message"]


def write_termination_message(
    message: Mapping[str, Any], path: str | Path = "/dev/termination-log", limit: int = 4096
) -> bool:
    """Write JSON of at most ``limit`` bytes where the file exists; whether it did. Never raises for I/O."""
    target = Path(path)
    if not target.exists():
        return False
    body = orjson.dumps(redact(dict(message)), default=str)
    try:
        target.write_bytes(body[:limit])
    except OSError:
        return False
    return True
