"""What a field says about itself: its option, its environment variable, its place in the help."""

from __future__ import annotations

import datetime as dt
import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from hoopstat_config._origin import MASK, mask_urls
from hoopstat_config._values import format_duration

_WORD_BREAKS = re.compile(r"[-_ ]+")
_METAVARS: dict[Any, str] = {
    int: "INTEGER",
    float: "NUMBER",
    Path: "PATH",
    dt.date: "YYYY-MM-DD",
    dt.timedelta: "DURATION",
    SecretStr: "SECRET",
}


@dataclass(frozen=True, slots=True, init=False)
class Option:
    """The one declaration of a setting: put it into the field's ``Annotated``.

    Args:
        names: the option on the command line: ``"--season"``, with a short form ``"--season", "-s"``, a pair
            ``"--resume/--no-resume"``. None: the setting has no option, only a variable and a key.
        env: the environment variable. Not given: the class's ``env_prefix`` and the field's name in capitals;
            ``""``: none.
        group: the heading under which the option stands in ``--help`` and in the reference.
        metavar: what stands for the value in ``--help``; derived from the type when not given.
        help: what the setting does, in a sentence.
        expects: what a right value looks like, put in brackets behind errors: ``"seconds, e.g. 5.0"``.
        shown_default: what to show as the default where the real one is found out later: ``"the current season"``.
        multiple: whether the option may be repeated; a field that is a ``tuple`` is, so this need not be said.
        flag: for a ``bool``: giving the option sets ``"on"`` or ``"off"``; by default ``"off"`` for ``--no-...``, else
            ``"on"``. The opposite is accepted too, but not shown, so that the command line can beat every layer.
        secret: the value is masked wherever it is shown; the field must be a ``SecretStr``, so this need not be said.
        hidden: keep the option out of ``--help`` and of the reference.
        allow_empty: whether an empty text is a value; else it is an error on the command line and in a file.
    """

    names: tuple[str, ...]
    env: str | None
    group: str
    metavar: str | None
    help: str
    expects: str
    shown_default: str | None
    multiple: bool | None
    flag: Literal["on", "off"] | None
    secret: bool | None
    hidden: bool
    allow_empty: bool

    def __init__(
        self,
        *names: str,
        env: str | None = None,
        group: str = "Settings",
        metavar: str | None = None,
        help: str = "",  # noqa: A002  # the word click and its users know
        expects: str = "",
        shown_default: str | None = None,
        multiple: bool | None = None,
        flag: Literal["on", "off"] | None = None,
        secret: bool | None = None,
        hidden: bool = False,
        allow_empty: bool = False,
    ) -> None:
        given = {key: value for key, value in locals().items() if key != "self"}
        for key, value in given.items():
            object.__setattr__(self, key, value)


@dataclass(frozen=True, slots=True)
class Declared:
    """A field with everything that follows from its declaration."""

    field: str
    option: Option
    annotation: Any
    env: str | None
    env_derived: str | None
    on_names: tuple[str, ...]
    off_names: tuple[str, ...]
    hidden_names: tuple[str, ...]
    is_flag: bool
    multiple: bool
    secret: bool
    choices: tuple[str, ...]
    required: bool
    default: Any
    metadata: tuple[Any, ...]
    help: str

    @property
    def public_name(self) -> str:
        """What an error calls the setting: its option as shown in the help, else its field."""
        shown = [name for name in (*self.on_names, *self.off_names) if name not in self.hidden_names]
        return shown[0] if shown else self.field

    @property
    def metavar(self) -> str:
        """What stands for the value in the help."""
        if self.option.metavar is not None:
            return self.option.metavar
        if self.choices:
            return f"[{'|'.join(self.choices)}]"
        return _METAVARS.get(_leaf(self.annotation), "TEXT")

    @property
    def default_text(self) -> str:
        """The default as the user would write it; empty where there is none worth showing."""
        if self.option.shown_default is not None:
            return self.option.shown_default
        return "" if self.required else as_text(self.default, secret=self.secret)

    def choice(self, value: Any) -> Any:
        """The choice that ``value`` spells, whatever its case, hyphens, underscores and spaces; else ``value``."""
        if not isinstance(value, str) or value in self.choices:
            return value
        return next((choice for choice in self.choices if _folded(choice) == _folded(value)), value)

    def file_keys(self) -> Iterable[tuple[str, bool]]:
        """Every key that names the setting in a file, and whether it turns the value round (``no-resume = true``)."""
        positive = [self.field, *(name.lstrip("-") for name in self.on_names if name.startswith("--"))]
        negative = [name.lstrip("-") for name in self.off_names if name.startswith("--")]
        for names, negated in ((positive, False), (negative, True)):
            for name in names:
                yield name.replace("-", "_"), negated
                yield name.replace("_", "-"), negated


def as_text(value: Any, *, secret: bool = False) -> str:
    """A value as the user would write it."""
    match value:
        case None:
            return ""
        case _ if secret or isinstance(value, SecretStr):
            return MASK
        case bool():
            return "true" if value else "false"
        case Enum():
            return as_text(value.value)
        case dt.timedelta() if value >= dt.timedelta(0):
            return format_duration(value)
        case tuple() | list():
            return ", ".join(map(item_text, value))
        case set() | frozenset():
            return ", ".join(sorted(map(item_text, value)))
        case _:
            return mask_urls(str(value))


def item_text(value: Any, *, secret: bool = False) -> str:
    """One item of a repeatable value. A YAML file can hold a list that contains itself: no further than one level."""
    if isinstance(value, tuple | list | set | frozenset) and not secret:
        return mask_urls(str(value))
    return as_text(value, secret=secret)


def nearest(word: str, candidates: Iterable[str]) -> str | None:
    """The candidate that someone who wrote ``word`` most likely meant."""
    folded = {_folded(candidate): candidate for candidate in candidates}
    if _folded(word) in folded:
        return folded[_folded(word)]
    found = difflib.get_close_matches(_folded(word), folded, n=1)
    return folded[found[0]] if found else None


def declarations(cls: type, fields: Mapping[str, FieldInfo], env_prefix: str) -> tuple[Declared, ...]:
    """Every field of ``cls``, checked.

    Raises:
        TypeError: the class is declared wrong: two fields share a name, a repeatable option is not a tuple.
    """
    declared = tuple(_declared(cls, name, info, env_prefix) for name, info in fields.items())
    taken: dict[tuple[str, str], str] = {}
    for item in declared:
        names = [("option", name) for name in (*item.on_names, *item.off_names)]
        names += [("variable", item.env)] if item.env else []
        names += [("key", key) for key, _ in item.file_keys()]
        for name in names:
            if taken.setdefault(name, item.field) != item.field:
                raise TypeError(f"{cls.__name__}: {' '.join(name)} names both {taken[name]} and {item.field}")
    return declared


def _declared(cls: type, field: str, info: FieldInfo, env_prefix: str) -> Declared:
    option = next((item for item in info.metadata if isinstance(item, Option)), Option())
    annotation = info.annotation
    leaf = _leaf(annotation)
    is_flag = leaf is bool
    multiple = get_origin(_without_none(annotation)) in (tuple, frozenset)
    secret = leaf is SecretStr
    place = f"{cls.__name__}.{field}"
    if option.multiple is not None and option.multiple is not multiple:
        raise TypeError(f"{place}: a setting may be repeated if, and only if, it is a tuple: tuple[str, ...]")
    if option.secret is not None and option.secret is not secret:
        raise TypeError(f"{place}: a setting is secret if, and only if, it is a SecretStr")
    if get_origin(_without_none(annotation)) in (list, dict, set):
        raise TypeError(f"{place}: settings are frozen; write a tuple for a list")
    if not is_flag and (option.flag is not None or any("/" in name for name in option.names)):
        raise TypeError(f"{place}: only a bool can be a flag")
    on_names, off_names, hidden_names = _flag_names(option) if is_flag else (option.names, (), ())
    derived = f"{env_prefix}{field}".upper() if env_prefix else None
    return Declared(
        field=field,
        option=option,
        annotation=annotation,
        env=(derived if option.env is None else option.env) or None,
        env_derived=derived,
        on_names=on_names,
        off_names=off_names,
        hidden_names=hidden_names,
        is_flag=is_flag,
        multiple=multiple,
        secret=secret,
        choices=_choices(annotation),
        required=info.is_required(),
        default=None if info.is_required() or info.default_factory is not None else info.default,
        metadata=tuple(info.metadata),
        help=option.help or info.description or "",
    )


def _flag_names(option: Option) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """The names that turn the setting on, those that turn it off, and which of them are not shown."""
    on: list[str] = []
    off: list[str] = []
    for name in option.names:
        if "/" in name:
            left, right = name.split("/", 1)
            on.append(left.strip())
            off.append(right.strip())
        elif option.flag == "off" or (option.flag is None and name.startswith("--no-")):
            off.append(name)
        else:
            on.append(name)
    hidden: list[str] = []
    if on and not off:
        hidden = [f"--no-{name[2:]}" for name in on if name.startswith("--")]
        off = list(hidden)
    elif off and not on:
        hidden = [f"--{name[5:]}" for name in off if name.startswith("--no-")]
        on = list(hidden)
    return tuple(on), tuple(off), tuple(hidden)


def _without_none(annotation: Any) -> Any:
    while get_origin(annotation) is Annotated:
        annotation = get_args(annotation)[0]
    if get_origin(annotation) in (Union, UnionType):
        members = [member for member in get_args(annotation) if member is not NoneType]
        if len(members) == 1:
            return _without_none(members[0])
    return annotation


def _leaf(annotation: Any) -> Any:
    """The type of one value: of an item, where there may be several."""
    annotation = _without_none(annotation)
    if get_origin(annotation) in (tuple, frozenset):
        return _without_none(get_args(annotation)[0])
    return annotation


def _choices(annotation: Any) -> tuple[str, ...]:
    leaf = _leaf(annotation)
    if get_origin(leaf) is Literal:
        return tuple(str(choice) for choice in get_args(leaf))
    if isinstance(leaf, type) and issubclass(leaf, Enum):
        return tuple(str(member.value) for member in leaf)
    return ()


def _folded(text: str) -> str:
    return _WORD_BREAKS.sub("", text).casefold()
