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

    The longest texts are shortened, wherever they are; if that does not do, fields are dropped, last first. Secrets
    are masked. Never raises for a file that cannot be written.
    """
    target = Path(path)
    try:
        if not target.exists():
            return False
        target.write_bytes(_fitting(plain(dict(message)), limit))
    except OSError:
        return False
    return True


def _fitting(fields: dict[str, Any], limit: int) -> bytes:
    body = orjson.dumps(fields)
    if len(body) <= limit:
        return body
    # The longest texts are cut to a common length, the greatest that fits.
    fitting, too_long = _KEPT_CHARACTERS, limit
    while too_long - fitting > 1:
        middle = (fitting + too_long) // 2
        if len(orjson.dumps(_cut(fields, middle))) <= limit:
            fitting = middle
        else:
            too_long = middle
    shortened = _cut(fields, fitting)
    while shortened and len(orjson.dumps(shortened)) > limit:
        shortened.popitem()
    body = orjson.dumps(shortened)
    return body if len(body) <= limit else b""


def _cut(value: Any, most: int) -> Any:
    """The value with every text in it cut to so many characters."""
    if isinstance(value, str):
        return value if len(value) <= most else f"{value[: most - 3]}..."
    if isinstance(value, list):
        return [_cut(inner, most) for inner in value]
    if isinstance(value, dict):
        return {key: _cut(inner, most) for key, inner in value.items()}
    return value
