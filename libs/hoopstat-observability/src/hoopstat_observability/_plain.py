"""Anything as JSON: a log line is never lost because of what somebody put into it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
import pathlib
import traceback
import uuid
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from hoopstat_observability._redaction import _KEY_SHAPED, MASK, redact_text, secret_key

__all__ = ["exception_fields", "plain"]

_MOST_CHARACTERS = 16_384
_MOST_ITEMS = 2_000
_MOST_DEPTH = 10
_MOST_FRAMES = 60
_INT64 = 2**63


def plain(value: Any, key: str = "", depth: int = 0, above: tuple[int, ...] = ()) -> Any:
    """The value as JSON's own types, redacted and bounded. Never raises, whatever an object does when looked at."""
    kind = type(value)
    if kind is str:
        if key and secret_key(key):
            return MASK
        return MASK if key == "key" and _KEY_SHAPED.fullmatch(value) else _text(value)
    if value is None or kind is bool:
        return value
    if kind is int:
        return value if -_INT64 <= value < _INT64 else str(value)
    if kind is float:
        return value if math.isfinite(value) else str(value)
    if key and secret_key(key) and not isinstance(value, int | float):
        return MASK
    try:
        return _other(value, depth, above)
    except Exception as error:  # noqa: BLE001  # whatever an object of somebody else's does when it is looked at
        return f"<{kind.__name__}: {type(error).__name__} while it was written>"


def _text(value: str) -> str:
    if len(value) > _MOST_CHARACTERS:
        value = f"{value[:_MOST_CHARACTERS]}... [{len(value)} characters]"
    try:
        value.encode()
    except UnicodeEncodeError:
        value = value.encode("utf-8", "backslashreplace").decode()
    return redact_text(value)


def _other(value: Any, depth: int, above: tuple[int, ...]) -> Any:
    if hasattr(type(value), "get_secret_value"):
        return MASK
    if isinstance(value, enum.Enum):
        return plain(value.value, "", depth + 1, above)
    if isinstance(value, str):
        return _text(str(value))
    if isinstance(value, bool | int | float):
        return plain(float(value) if isinstance(value, float) else int(value))
    if isinstance(value, bytes | bytearray | memoryview):
        return _text(bytes(value[:_MOST_CHARACTERS]).decode("utf-8", "backslashreplace"))
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, decimal.Decimal | uuid.UUID | pathlib.PurePath):
        return _text(str(value))
    if isinstance(value, BaseException):
        return _text(f"{type(value).__name__}: {value}")
    if id(value) in above:
        return "<the same again>"
    if depth >= _MOST_DEPTH:
        return f"<{type(value).__name__}>"
    above = (*above, id(value))
    if isinstance(value, Mapping):
        return _mapping(value, depth, above)
    if isinstance(value, set | frozenset):
        value = sorted(value, key=repr)
    if isinstance(value, list | tuple):
        found = [plain(inner, "", depth + 1, above) for inner in value[:_MOST_ITEMS]]
        return [*found, f"... [{len(value)} items]"] if len(value) > _MOST_ITEMS else found
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _mapping(fields, depth, above)
    return _text(repr(value))


def _mapping(value: Mapping[Any, Any], depth: int, above: tuple[int, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, (key, inner) in enumerate(value.items()):
        if number == _MOST_ITEMS:
            found["..."] = f"[{len(value)} items]"
            break
        name = key if type(key) is str else _name(key)
        found[_text(name)] = plain(inner, name, depth + 1, above)
    return found


def _name(key: Any) -> str:
    if isinstance(key, bytes):
        return key.decode("utf-8", "backslashreplace")
    try:
        return str(key)
    except Exception:  # noqa: BLE001  # as above
        return f"<{type(key).__name__}>"


def exception_fields(error: BaseException) -> dict[str, Any]:
    """``error_type``, ``error_message`` and ``traceback``: frames without local variables, causes included."""
    chain: list[dict[str, Any]] = []
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(chain) < 10:
        seen.add(id(current))
        chain.append(
            {
                "error_type": type(current).__name__,
                "error_message": plain(current).partition(": ")[2],
                "frames": _frames(current.__traceback__),
            }
        )
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return {"error_type": chain[0]["error_type"], "error_message": chain[0]["error_message"], "traceback": chain}


def _frames(trace: TracebackType | None) -> list[dict[str, Any]]:
    frames = traceback.extract_tb(trace)[-_MOST_FRAMES:]
    return [{"file": frame.filename, "line": frame.lineno, "function": frame.name} for frame in frames]
