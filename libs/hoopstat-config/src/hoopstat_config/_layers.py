"""The layers of a configuration: what each says about which field, and in which words."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from hoopstat_config._declaration import Declared, as_text, item_text, nearest
from hoopstat_config._origin import MASK, Origin, OriginKind, Problem, mask_urls

_TRUE = frozenset({"true", "1", "yes", "on", "t", "y"})
_FALSE = frozenset({"false", "0", "no", "off", "f", "n"})
_EMPTY = "empty; give it a value, or leave it out"


@dataclass(frozen=True, slots=True)
class Given:
    """A value somebody gave: what validation shall see, its origin, and what is already known to be wrong with it.

    ``items`` are the texts of the single items of a repeatable setting, for errors that mean one of them.
    """

    value: Any
    origin: Origin
    items: tuple[str, ...] = ()
    fault: str = ""


class Layer(PydanticBaseSettingsSource):
    """One layer, in the form in which pydantic-settings merges them."""

    def __init__(self, settings_cls: type[BaseSettings], given: Mapping[str, Given]) -> None:
        super().__init__(settings_cls)
        self.given = given

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:  # noqa: ARG002  # inherited
        """The layer's value of a field."""
        given = self.given.get(field_name)
        return (None if given is None else given.value), field_name, False

    def __call__(self) -> dict[str, Any]:
        """All values of the layer, by field."""
        return {field: given.value for field, given in self.given.items()}


def from_command_line(declared: Mapping[str, Declared], values: Mapping[str, object]) -> dict[str, Given]:
    """What the user wrote on the command line; ``None`` and ``()`` mean that an option was not given."""
    _refuse_strangers(declared, values)
    layer: dict[str, Given] = {}
    for field, value in values.items():
        if value is None or value == ():
            continue
        item = declared[field]
        name = item.public_name
        if item.is_flag and isinstance(value, bool):
            names = item.on_names if value else item.off_names
            layer[field] = Given(value, Origin(OriginKind.COMMAND_LINE, names[0] if names else name))
        else:
            layer[field] = _given(item, value, Origin(OriginKind.COMMAND_LINE, name))
    return layer


def from_environment(declared: Mapping[str, Declared], environ: Mapping[str, str]) -> dict[str, Given]:
    """What the environment says; an empty variable is one that is not set."""
    layer: dict[str, Given] = {}
    for item in declared.values():
        if item.env is None or not (text := environ.get(item.env, "").strip()):
            continue
        value: object = _split(text) if item.multiple else text
        if value != []:
            layer[item.field] = _given(item, value, Origin(OriginKind.ENVIRONMENT, item.env), raw=text)
    return layer


def from_file(
    declared: Mapping[str, Declared], file: str, table: Mapping[Any, Any]
) -> tuple[dict[str, Given], list[Problem]]:
    """What a file says, and its keys that name nothing; ``null`` means that a setting is not given."""
    names = {key: (item, negated) for item in declared.values() for key, negated in item.file_keys()}
    layer: dict[str, Given] = {}
    problems: list[Problem] = []
    for key, value in table.items():
        written = str(key)
        origin = Origin(OriginKind.FILE, written, file=file)
        if written not in names:
            problems.append(Problem(written, _unknown(written, declared.values()), origin))
            continue
        item, negated = names[written]
        if value is None:
            continue
        if item.field in layer:
            message = f"the same setting as key {layer[item.field].origin.name}; leave one of them out"
            problems.append(Problem(item.public_name, message, origin, item.field))
            continue
        raw = as_text(value)
        if negated:
            value = _negated(value)
        elif item.multiple and isinstance(value, str):
            value = _split(value)
        layer[item.field] = _given(item, value, origin, raw=raw)
    return layer, problems


def from_code(
    declared: Mapping[str, Declared], values: Mapping[str, object], kind: OriginKind = OriginKind.CODE
) -> dict[str, Given]:
    """What a program says, to the class itself."""
    _refuse_strangers(declared, values)
    return {
        field: _given(declared[field], value, Origin(kind, field if kind is OriginKind.CODE else ""))
        for field, value in values.items()
    }


def near_misses(declared: Iterable[Declared], environ: Mapping[str, str]) -> tuple[str, ...]:
    """Variables that look as if they were meant for us but have no name of ours."""
    ours = {item.env: item for item in declared if item.env is not None}
    guesses = {
        item.env_derived: item.env for item in ours.values() if item.env_derived and item.env_derived != item.env
    }
    found: list[str] = []
    for name in sorted(environ):
        if name in ours or not environ[name].strip():
            continue
        meant = guesses.get(name)
        if meant is None and len(name) > 4:
            close = [known for known in ours if known[:4] == name[:4] and abs(len(known) - len(name)) <= 2]
            meant = next(iter(difflib.get_close_matches(name, close, n=1, cutoff=0.9)), None)
        if meant is not None:
            found.append(f"environment {name} is not read; did you mean {meant}?")
    return tuple(found)


def _given(item: Declared, value: object, origin: Origin, raw: str | None = None) -> Given:
    """``value`` in the form that validation shall see, with its text."""
    if not item.multiple:
        parts: list[Any] = [value]
    elif isinstance(value, list | tuple):
        parts = list(value)
    elif isinstance(value, set | frozenset):
        parts = sorted(value, key=str)
    else:
        parts = [value]
    texts = tuple((item_text if item.multiple else as_text)(part, secret=item.secret) for part in parts)
    if origin.kind is not OriginKind.DEFAULT:
        shown = ", ".join(texts) if raw is None else raw
        origin = Origin(origin.kind, origin.name, MASK if item.secret else mask_urls(shown), origin.file)
    empty = any(isinstance(part, str) and not part.strip() for part in parts) and not item.option.allow_empty
    shaped = [_shaped(item, part) for part in parts]
    return Given(
        value=tuple(shaped) if item.multiple else shaped[0],
        origin=origin,
        items=texts if item.multiple else (),
        fault=_EMPTY if empty else "",
    )


def _shaped(item: Declared, value: Any) -> Any:
    if isinstance(value, bool) and not item.is_flag:
        return "true" if value else "false"  # pydantic would take it for the number 1 or 0
    if item.secret and isinstance(value, str):
        return SecretStr(value)
    if item.is_flag and isinstance(value, str):
        return value.strip()
    return item.choice(value) if item.choices else value


def _split(text: str) -> list[str]:
    return [part.strip() for part in text.split(",") if part.strip()]


def _negated(value: Any) -> Any:
    """The opposite of a truth value; anything else as it is, for validation to refuse."""
    word = as_text(value).strip().casefold()
    if word in _TRUE:
        return False
    return True if word in _FALSE else value


def _unknown(key: str, declared: Iterable[Declared]) -> str:
    other = "_" if "-" in key else "-"
    candidates = [name for item in declared for name, _ in item.file_keys() if other not in name]
    guess = nearest(key, candidates)
    return f"unknown; did you mean {guess}?" if guess else "unknown; no setting has this name"


def _refuse_strangers(declared: Mapping[str, Declared], values: Mapping[str, object]) -> None:
    strangers = [field for field in values if field not in declared]
    if strangers:
        raise TypeError(f"no such setting: {', '.join(strangers)}")
