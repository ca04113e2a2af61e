"""Types of values that a batch job's configuration has and pydantic reads too loosely: dates and lengths of time."""

from __future__ import annotations

import datetime as dt
import re
from typing import Annotated, Any

from pydantic import BeforeValidator, PlainSerializer, WithJsonSchema

_UNIT_SECONDS = {
    "ms": 0.001,
    "s": 1,
    "sec": 1,
    "second": 1,
    "seconds": 1,
    "m": 60,
    "min": 60,
    "minute": 60,
    "minutes": 60,
    "h": 3600,
    "hour": 3600,
    "hours": 3600,
    "d": 86400,
    "day": 86400,
    "days": 86400,
}
_NUMBER = re.compile(r"\d+(?:\.\d+)?", re.ASCII)
_PART = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([a-z]+)\s*", re.ASCII)
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LOOSE_DATE = re.compile(r"(\d{4})[-/. ]?(\d{1,2})[-/. ]?(\d{1,2})", re.ASCII)


def parse_duration(value: Any) -> dt.timedelta:
    """Read a length of time: ``45m``, ``1h30m``, ``90 s``, ``500ms``; a bare number is seconds.

    Raises:
        ValueError: in one sentence that says how it is written.
    """
    if isinstance(value, dt.timedelta):
        return value
    text = value.strip().lower() if isinstance(value, str) else str(value)
    try:
        return dt.timedelta(seconds=_seconds(text))
    except OverflowError:
        raise ValueError("too long a time") from None


def _seconds(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    seconds, position = 0.0, 0
    for part in _PART.finditer(text):
        if part.start() != position or part[2] not in _UNIT_SECONDS:
            break
        seconds += float(part[1]) * _UNIT_SECONDS[part[2]]
        position = part.end()
    if position != len(text) or not text:
        raise ValueError("not a length of time; write 45m, 1h30m, 90s, or a number of seconds")
    return seconds


def format_duration(value: dt.timedelta) -> str:
    """The shortest form that :func:`parse_duration` reads back: ``45m``, ``1h30m``, ``0.2s``."""
    if value < dt.timedelta(0):
        raise ValueError("a length of time is not negative")
    minutes, seconds = divmod(value.seconds, 60)
    hours, minutes = divmod(minutes, 60)
    fraction = f"{seconds + value.microseconds / 1e6:.6f}".rstrip("0").rstrip(".")
    parts = [(str(value.days), "d"), (str(hours), "h"), (str(minutes), "m"), (fraction, "s")]
    return "".join(number + unit for number, unit in parts if number != "0") or "0s"


def _iso_date(value: Any) -> Any:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    text = value.strip() if isinstance(value, str) else str(value)
    if _ISO_DATE.fullmatch(text):
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            raise ValueError("no such day; a date is written YYYY-MM-DD") from None
    guess = _LOOSE_DATE.fullmatch(text)
    if guess is not None:
        try:
            day = dt.date(int(guess[1]), int(guess[2]), int(guess[3]))
        except ValueError:
            pass
        else:
            raise ValueError(f"not a date (YYYY-MM-DD); did you mean {day}?")
    raise ValueError("not a date; write YYYY-MM-DD, for instance 2024-10-22")


Duration = Annotated[
    dt.timedelta,
    BeforeValidator(parse_duration),
    PlainSerializer(format_duration, return_type=str, when_used="json"),
    WithJsonSchema(
        {
            "anyOf": [{"type": "string"}, {"type": "number", "minimum": 0}],
            "examples": ["45m", "1h30m", "90s", 2700],
        }
    ),
]
"""A field of this type holds a ``timedelta`` and is written ``45m``, ``1h30m``, or as a number of seconds."""

IsoDate = Annotated[dt.date, BeforeValidator(_iso_date)]
"""A field of this type holds a ``date`` and is written YYYY-MM-DD, nothing else: ``20241022`` is no timestamp here."""
