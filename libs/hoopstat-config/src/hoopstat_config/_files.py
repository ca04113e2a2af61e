"""Reading a configuration file: TOML, YAML or JSON, told by its ending."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from hoopstat_config._origin import Origin, OriginKind, Problem, mask_message

_LINE = re.compile(r"\bat line (\d+)")


class Unreadable(Exception):
    """The file cannot be used; says why, and in which line where that is known."""

    def __init__(self, message: str, line: int | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.line = line


def read(path: Path) -> tuple[Mapping[Any, Any], Problem | None]:
    """The table in the file, or what is wrong with the file."""
    try:
        return _read(path), None
    except Unreadable as error:
        origin = Origin(OriginKind.FILE, file=str(path), line=error.line)
        return {}, Problem(str(path), mask_message(error.message, None, secret=False), origin)


def _read(path: Path) -> Mapping[Any, Any]:
    parse = _PARSERS.get(path.suffix.lower())
    if parse is None:
        kinds = ", ".join(_PARSERS)
        raise Unreadable(f"cannot tell what kind of file this is; name it {kinds}")
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except FileNotFoundError:
        raise Unreadable("no such file") from None
    except IsADirectoryError:
        raise Unreadable("a folder, not a file") from None
    except UnicodeDecodeError as error:
        raise Unreadable(f"not UTF-8 text (byte {error.start})") from None
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:  # a path with a NUL in it
        raise Unreadable(f"cannot be read: {error}") from None
    try:
        table = parse(text)
    except RecursionError:
        raise Unreadable("nested too deeply") from None
    if table is None:
        return {}
    if not isinstance(table, dict):
        raise Unreadable("holds no settings: at the top there must be a table of names and values")
    return table


def _toml(text: str) -> object:
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = _LINE.search(str(error))
        message = re.sub(r"\s*\(at .*\)$", "", str(error))
        raise Unreadable(f"not TOML: {message}", int(found[1]) if found else None) from None
    except ValueError as error:  # an integer with thousands of digits
        raise Unreadable(f"not TOML: {error}") from None


def _json(text: str) -> object:
    def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        table = dict(pairs)
        if len(table) != len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise Unreadable(f"key {twice} is given twice")
        return table

    if not text.strip():
        return None
    try:
        return json.loads(text, object_pairs_hook=once)
    except json.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error.msg}", error.lineno) from None
    except ValueError as error:
        raise Unreadable(f"not JSON: {error}") from None


def _yaml(text: str) -> object:
    import yaml  # costs 30 ms that only those who use it shall pay

    class Loader(yaml.SafeLoader):
        """The safe loader, which else would let the last of two equal keys win in silence."""

        def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
            seen: set[str] = set()
            for key, _ in node.value:
                if isinstance(key, yaml.ScalarNode):
                    if key.value in seen:
                        raise Unreadable(f"key {key.value} is given twice", key.start_mark.line + 1)
                    seen.add(key.value)
            return super().construct_mapping(node, deep=deep)

    try:
        return yaml.load(text, Loader)  # noqa: S506  # a SafeLoader, as its name does not tell
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise Unreadable(f"not YAML: {error.problem or error}", mark.line + 1 if mark else None) from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1 if isinstance(error.position, int) else None
        raise Unreadable(f"not YAML: {error.reason}", line) from None
    except (yaml.YAMLError, ValueError, TypeError, LookupError, AttributeError, ArithmeticError) as error:
        # PyYAML's constructors trip over scalars like `!!int ""` or 2024-13-45 with whatever their code meets first.
        raise Unreadable(f"not YAML: {error}") from None


_PARSERS: dict[str, Callable[[str], object]] = {".toml": _toml, ".yaml": _yaml, ".yml": _yaml, ".json": _json}
