"""Where a value came from, and what is wrong with it. Nothing here shows a secret."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

MASK = "***"

_SHOWN_CHARACTERS = 80
_URL_USERINFO = re.compile(r"(://).*@", re.DOTALL)
_URL_USERINFO_IN_PROSE = re.compile(r"(://)\S*@")


class OriginKind(StrEnum):
    """The layers, weakest first. ``CODE`` is a value passed to the class itself, as tests do."""

    DEFAULT = "default"
    FILE = "file"
    ENVIRONMENT = "environment"
    COMMAND_LINE = "command line"
    CODE = "code"


@dataclass(frozen=True, slots=True)
class Origin:
    """Where a value came from.

    ``name`` is what the user wrote there: the option, the variable or the key in the file. ``raw`` is the text as
    given (``***`` for a secret, user information in URLs masked), ``None`` for a default and for a flag, which has no
    text of its own. ``file`` is set for the layer ``file`` only, ``line`` where the file itself cannot be read.
    """

    kind: OriginKind
    name: str = ""
    raw: str | None = None
    file: str | None = None
    line: int | None = None

    @property
    def explicit(self) -> bool:
        """Whether somebody gave the value, rather than nobody."""
        return self.kind is not OriginKind.DEFAULT

    def __str__(self) -> str:
        """The place alone, without the value: ``environment NBA_TARGET_SEASON``."""
        match self.kind:
            case OriginKind.DEFAULT:
                return "default"
            case OriginKind.FILE:
                line = "" if self.line is None else f", line {self.line}"
                key = f", key {self.name}" if self.name else ""
                return printable(f"file {self.file}{line}{key}")
            case OriginKind.ENVIRONMENT:
                return f"environment {self.name}"
            case OriginKind.COMMAND_LINE:
                return self.name
            case OriginKind.CODE:
                return f"code, {self.name}"

    def with_value(self, raw: str | None = None) -> str:
        """The place and the value as the user wrote it: ``--season '2024-26'``, ``environment DRY_RUN='maybe'``."""
        shown = quoted(self.raw if raw is None else raw)
        if shown is None:
            return str(self)
        return f"{self}{' ' if self.kind is OriginKind.COMMAND_LINE else '='}{shown}"


DEFAULT = Origin(OriginKind.DEFAULT)


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, with the place to put it right.

    ``name`` is the public name of the setting (its option where it has one, else its field, else the unknown key);
    ``field`` is ``None`` where no setting is meant: an unknown key, an unreadable file.
    """

    name: str
    message: str
    origin: Origin | None = None
    field: str | None = None

    def __str__(self) -> str:
        if self.origin is None:
            return f"{self.name}: {self.message}" if self.name else self.message
        if self.origin.kind is OriginKind.DEFAULT:
            return f"{self.name}: {self.message}"
        return f"{self.origin.with_value()}: {self.message}"


class ConfigurationInvalid(ValueError):
    """The configuration cannot be used. ``problems`` has everything that is wrong with it, not just the first."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        if len(self.problems) == 1:
            return str(self.problems[0])
        return "\n".join([f"{len(self.problems)} problems in the configuration:", *(f"  {p}" for p in self.problems)])


def mask_urls(value: str) -> str:
    """``value`` with the user information of a URL in it masked, passwords with odd characters included."""
    return _URL_USERINFO.sub(rf"\1{MASK}@", value)


def mask_message(message: str, raw: str | None, *, secret: bool) -> str:
    """A validator's sentence, made safe: it neither quotes a secret nor breaks the line."""
    if raw is not None:
        hidden = MASK if secret else mask_urls(raw)
        if hidden != raw and len(raw) >= 3:
            message = message.replace(repr(raw)[1:-1], hidden).replace(raw, hidden)
    message = _URL_USERINFO_IN_PROSE.sub(rf"\1{MASK}@", message)
    return printable(message)


def printable(text: str) -> str:
    """``text`` on one line: what cannot be printed is escaped."""
    return text if text.isprintable() else "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


def quoted(raw: str | None) -> str | None:
    """``raw`` in quotes, on one line and not too long; a masked value stands without quotes."""
    if raw is None or raw == MASK:
        return raw
    return repr(raw if len(raw) <= _SHOWN_CHARACTERS else raw[: _SHOWN_CHARACTERS - 1] + "…")
