"""The message that Kubernetes keeps of a container that ended: JSON, small enough whatever comes in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import orjson

from hoopstat_observability._plain import plain

__all__ = ["write_termination_message"]

_KEPT_CHARACTERS = 40


def write_termination_message(
    message: Mapping[str, Any], path: str | Path = "/dev/termination-log", limit: int = 4096
) -> bool:
    """Write the message as JSON of at most ``limit`` bytes, where the file exists; whether it did.

    Long texts are shortened, longest first; what is still too long is dropped, last field first. Never raises for a
    file that cannot be written.
    """
    target = Path(path)
    if not target.exists():
        return False
    try:
        target.write_bytes(_fitting(plain(dict(message)), limit))
    except OSError:
        return False
    return True


def _fitting(fields: dict[str, Any], limit: int) -> bytes:
    while len(body := orjson.dumps(fields)) > limit:
        texts = [key for key, value in fields.items() if isinstance(value, str) and len(value) > _KEPT_CHARACTERS]
        if texts:
            longest = max(texts, key=lambda key: len(fields[key]))
            keep = max(_KEPT_CHARACTERS - 3, len(fields[longest]) // 2)
            fields[longest] = f"{fields[longest][:keep]}..."
            if len(fields[longest]) > _KEPT_CHARACTERS:
                continue
        elif fields:
            fields.pop(next(reversed(fields)))
        else:
            break
    return body if len(body) <= limit else b"{}"
