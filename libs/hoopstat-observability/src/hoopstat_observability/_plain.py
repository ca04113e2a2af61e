"""Anything as JSON: a log line is never lost because of what somebody put into it."""

from __future__ import annotations

import dataclasses
import datetime as dt
import decimal
import enum
import math
import numbers
import pathlib
import traceback
import uuid
from collections import deque
from collections.abc import Container, Mapping, Sequence, Set
from itertools import islice
from types import TracebackType
from typing import Any

from hoopstat_observability._redaction import MASK, has_aws_key_id, redact_field, redact_text, secret_field

__all__ = ["exception_fields", "free_name", "plain", "plain_name"]

_MOST_CHARACTERS = 16_384
# More than that is looked at, so that a secret that stands across the cut is seen whole.
_MARGIN = 1_024
_MOST_IN_A_NAME = 256
_MOST_ITEMS = 2_000
_MOST_DEPTH = 10
# Of one field, nested values and all.
_MOST_IN_A_FIELD = 262_144
_MOST_FRAMES = 60
_MOST_ERRORS = 30
_INT64 = 2**63


class _Budget:
    """What may still be written of a field."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = _MOST_IN_A_FIELD


def plain(value: Any, key: str = "", *, beside_key_id: bool = False) -> Any:
    """The value as JSON's own types, redacted and bounded. Never raises, whatever an object does when looked at."""
    kind = type(value)
    if kind is str:
        return MASK if key and secret_field(key) else _text(value, key=key, beside_key_id=beside_key_id)
    if value is None or kind is bool:
        return value
    if kind is int and -_INT64 <= value < _INT64:
        return value
    if kind is float and math.isfinite(value):
        return value
    return _value(value, key, 0, (), _Budget(), beside_key_id=beside_key_id)


def plain_name(key: Any) -> str:
    """A key as a text: redacted, bounded. Never raises."""
    try:
        name = key.decode("utf-8", "backslashreplace") if isinstance(key, bytes) else str(key)
    except Exception as error:  # noqa: BLE001  # whatever an object of somebody else's does when it is looked at
        name = _unwritable(key, error)
    return _text(name, most=_MOST_IN_A_NAME)


def free_name(name: str, taken: Container[str]) -> str:
    """The name, or one like it that is not taken: nothing is lost for being called like something else."""
    found, number = name, 2
    while found in taken:
        found, number = f"{name}_{number}", number + 1
    return found


def _unwritable(value: object, error: Exception) -> str:
    return f"<{type(value).__name__}: {type(error).__name__} while it was written>"


def _text(value: str, *, key: str = "", most: int = _MOST_CHARACTERS, beside_key_id: bool = False) -> str:
    length = len(value)
    if length > most:
        value = value[: most + _MARGIN]
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError:
            value = value.encode("utf-8", "backslashreplace").decode()
    value = (
        redact_field(key, value, beside_key_id=beside_key_id) if key == "key" or beside_key_id else redact_text(value)
    )
    if length > most:
        return f"{value[: max(0, min(most, len(value) - _MARGIN))]}... [{length} characters]"
    return value


def _value(
    value: Any, key: str, depth: int, above: tuple[int, ...], budget: _Budget, *, beside_key_id: bool = False
) -> Any:
    try:
        found = _looked_at(value, key, depth, above, budget, beside_key_id=beside_key_id)
    except Exception as error:  # noqa: BLE001  # as above
        found = _unwritable(value, error)
    budget.left -= len(found) + 3 if isinstance(found, str) else 5
    return found


def _looked_at(
    value: Any, key: str, depth: int, above: tuple[int, ...], budget: _Budget, *, beside_key_id: bool
) -> Any:
    if value is None or isinstance(value, bool):
        return None if value is None else bool(value)
    if isinstance(value, enum.Enum):
        return _value(value.value, key, depth + 1, above, budget)
    if isinstance(value, numbers.Number):
        return _number(value)
    if (key and secret_field(key)) or hasattr(type(value), "get_secret_value"):
        return MASK
    if isinstance(value, str):
        return _text(str(value), key=key, beside_key_id=beside_key_id)
    if isinstance(value, bytes | bytearray | memoryview):
        return _bytes(value)
    if isinstance(value, dt.datetime | dt.date | dt.time):
        return value.isoformat()
    if isinstance(value, dt.timedelta):
        return value.total_seconds()
    if isinstance(value, uuid.UUID | pathlib.PurePath):
        return _text(str(value))
    if isinstance(value, BaseException):
        return _text(f"{type(value).__name__}: {value}")
    if id(value) in above:
        return "<the same again>"
    if depth >= _MOST_DEPTH:
        return f"<{type(value).__name__}>"
    above = (*above, id(value))
    if isinstance(value, Mapping):
        return _mapping(value, depth, above, budget)
    if isinstance(value, Set):
        items = _items(value, depth, above, budget)
        return sorted(items, key=repr)
    if isinstance(value, Sequence):
        return _items(value, depth, above, budget)
    fields = _fields(value)
    return _text(repr(value)) if fields is None else _mapping(fields, depth, above, budget)


def _number(value: Any) -> Any:
    if isinstance(value, numbers.Integral):
        whole = int(value)
        if -_INT64 <= whole < _INT64:
            return whole
        # Python refuses to write integers of thousands of digits in decimal.
        return str(whole) if whole.bit_length() < 4_096 else f"<integer of {whole.bit_length()} bits>"
    if isinstance(value, numbers.Real) and not isinstance(value, numbers.Rational):
        number = float(value)
        return number if math.isfinite(number) else str(number)
    if isinstance(value, decimal.Decimal):
        return _text(str(value))
    return _text(repr(value))


def _bytes(value: bytes | bytearray | memoryview) -> str:
    size = value.nbytes if isinstance(value, memoryview) else len(value)
    head = bytes(value[: _MOST_CHARACTERS + _MARGIN]).decode("utf-8", "backslashreplace")
    if size <= _MOST_CHARACTERS:
        return _text(head)
    found = redact_text(head)
    return f"{found[: max(0, min(_MOST_CHARACTERS, len(found) - _MARGIN))]}... [{size} bytes]"


def _fields(value: Any) -> Mapping[str, Any] | None:
    """A dataclass's fields (but those that it hides from its own repr), a pydantic model's; else None."""
    if isinstance(value, type):
        return None
    if dataclasses.is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in dataclasses.fields(value) if field.repr}
    if hasattr(type(value), "model_fields") and hasattr(type(value), "model_dump"):
        shown = type(value).model_fields
        return {name: inner for name, inner in vars(value).items() if getattr(shown.get(name), "repr", True)}
    return None


def _items(value: Sequence[Any] | Set[Any], depth: int, above: tuple[int, ...], budget: _Budget) -> list[Any]:
    items = list(islice(value, _MOST_ITEMS))
    beside = any(has_aws_key_id(inner) for inner in items)
    found: list[Any] = []
    for inner in items:
        if budget.left <= 0:
            break
        found.append(_value(inner, "", depth + 1, above, budget, beside_key_id=beside))
    if len(found) < len(value):
        found.append(f"... [{len(value)} items]")
    return found


def _mapping(value: Mapping[Any, Any], depth: int, above: tuple[int, ...], budget: _Budget) -> dict[str, Any]:
    found: dict[str, Any] = {}
    items = list(islice(value.items(), _MOST_ITEMS))
    beside = any(has_aws_key_id(inner) for _, inner in items)
    for key, inner in items:
        if budget.left <= 0:
            break
        name = free_name(plain_name(key), found)
        budget.left -= len(name)
        found[name] = _value(inner, key if type(key) is str else name, depth + 1, above, budget, beside_key_id=beside)
    if len(found) < len(value):
        found[free_name("...", found)] = f"[{len(value)} items]"
    return found


def exception_fields(error: BaseException) -> dict[str, Any]:
    """``error_type``, ``error_message`` and ``traceback``: the error, then what caused it, each with its frames.

    Frames have file, line and function, and no local variables. The errors of a group stand under ``exceptions``.
    """
    chain = _chain(error, set(), 0)
    return {"error_type": chain[0]["error_type"], "error_message": chain[0]["error_message"], "traceback": chain}


def _chain(error: BaseException, seen: set[int], depth: int) -> list[dict[str, Any]]:
    chain: list[dict[str, Any]] = []
    current: BaseException | None = error
    while current is not None and id(current) not in seen and len(seen) < _MOST_ERRORS:
        seen.add(id(current))
        link: dict[str, Any] = {"error_type": type(current).__name__, "error_message": _message(current)}
        if notes := getattr(current, "__notes__", None):
            link["notes"] = plain(notes)
        if isinstance(current, BaseExceptionGroup) and depth < _MOST_DEPTH:
            link["exceptions"] = [each for inner in current.exceptions for each in _chain(inner, seen, depth + 1)]
        chain.append({**link, "frames": _frames(current.__traceback__)})
        current = current.__cause__ or (None if current.__suppress_context__ else current.__context__)
    return chain


def _message(error: BaseException) -> str:
    try:
        return _text(str(error))
    except Exception as raised:  # noqa: BLE001  # as above
        return _unwritable(error, raised)


def _frames(trace: TracebackType | None) -> list[dict[str, Any]]:
    frames = deque(traceback.walk_tb(trace), maxlen=_MOST_FRAMES)
    return [
        {"file": frame.f_code.co_filename, "line": line, "function": frame.f_code.co_qualname} for frame, line in frames
    ]
