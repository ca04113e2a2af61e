"""Settings as a person or a program wants to read them."""

from __future__ import annotations

import datetime as dt
import json
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import PurePath
from typing import TYPE_CHECKING, Any, TypeAlias

from pydantic import SecretStr

from hoopstat_config._declaration import Declared, as_text
from hoopstat_config._origin import MASK, Origin, OriginKind, mask_urls, printable
from hoopstat_config._values import format_duration

if TYPE_CHECKING:
    from hoopstat_config._settings import Settings

JSON: TypeAlias = "bool | int | float | str | list[JSON] | dict[str, JSON] | None"
"""What JSON can hold."""


@dataclass(frozen=True, slots=True)
class Described:
    """One setting as it stands: field, JSON-safe value (secrets masked), origin, heading and purpose."""

    name: str
    value: JSON
    origin: Origin
    group: str = ""
    help: str = ""
    secret: bool = False

    @property
    def text(self) -> str:
        """The value as the user would write it; ``-`` for none."""
        return printable(as_text(self.value)) or "-"


def jsonable(value: Any, *, secret: bool = False) -> JSON:
    """``value`` in a form that JSON can hold and a file can give back, user information in URLs masked."""
    match value:
        case None:
            return None
        case _ if secret or isinstance(value, SecretStr):
            return MASK
        case Enum():
            return jsonable(value.value)
        case bool() | int():
            return value
        case float():
            return value if math.isfinite(value) else str(value)
        case str():
            return _encodable(mask_urls(value))
        case PurePath():
            return _encodable(str(value))
        case dt.timedelta() if value >= dt.timedelta(0):
            return format_duration(value)
        case dt.date() | dt.time():
            return value.isoformat()
        case tuple() | list():
            return [jsonable(item) for item in value]
        case set() | frozenset():
            return sorted((jsonable(item) for item in value), key=str)
        case Mapping():
            return {str(key): jsonable(item) for key, item in value.items()}
        case _:
            return mask_urls(str(value))


def _encodable(text: str) -> str:
    # A path that is no UTF-8 has surrogates in it, which no stream takes.
    return text.encode("utf-8", "backslashreplace").decode()


def described(
    declared: Iterable[Declared], values: Mapping[str, Any], origin: Callable[[str], Origin]
) -> tuple[Described, ...]:
    """Every declared setting with its value."""
    return tuple(
        Described(
            name=item.field,
            value=jsonable(values[item.field], secret=item.secret),
            origin=origin(item.field),
            group=item.option.group,
            help=item.help,
            secret=item.secret,
        )
        for item in declared
    )


def render_text(settings: Settings | Iterable[Described]) -> str:
    """A table for people: name, value and origin, under the headings of the declaration."""
    rows = _rows(settings)
    names = max((len(row.name) for row in rows), default=0)
    # One long value shall not push every origin off the screen.
    values = min(max((len(row.text) for row in rows), default=0), 40)
    groups: dict[str, list[str]] = {}
    for row in rows:
        line = f"  {row.name:<{names}}  {row.text:<{values}}  {row.origin}"
        groups.setdefault(row.group, []).append(line.rstrip())
    return "\n\n".join("\n".join([f"{group}:", *lines]) for group, lines in groups.items())


def render_json(settings: Settings | Iterable[Described], *, indent: int | None = 2) -> str:
    """An object for programs: by field the value, the layer it came from and what it is called there."""
    return json.dumps({row.name: _record(row) for row in _rows(settings)}, indent=indent, ensure_ascii=False)


def _record(row: Described) -> dict[str, JSON]:
    record: dict[str, JSON] = {"value": row.value, "origin": str(row.origin.kind)}
    if row.origin.kind is not OriginKind.DEFAULT:
        record["name"] = row.origin.name
    if row.origin.file is not None:
        record["file"] = row.origin.file
    return record


def _rows(settings: Settings | Iterable[Described]) -> tuple[Described, ...]:
    describe = getattr(settings, "describe", None)
    rows: tuple[Described, ...] = tuple(settings) if describe is None else describe()  # type: ignore[arg-type]  # Described, by then
    return rows
