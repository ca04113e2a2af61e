"""Where log lines go, and how they look there: a stream, a rich console, a rotating file.

No output ever raises. One that is full is tried again with every line, and says how many lines it lost once it takes
them again; one whose reader is gone is given up.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import errno
import io
import json
import logging
import logging.handlers
import os
import select
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO

import orjson

__all__ = ["EVERY_LINE", "Console", "ConsoleOutput", "FileOutput", "Line", "Output", "StreamOutput", "is_terminal"]

EVERY_LINE = ("timestamp", "level", "event", "logger", "service", "run_id", "correlation_id", "trace_id", "span_id")
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
_FILE_BYTES = 10_000_000
_FILES = 5
_PATIENCE_SECONDS = 5.0
_READER_GONE = frozenset({errno.EPIPE, errno.EBADF, errno.EIO, errno.ECONNRESET, errno.ENXIO})
# Line ends for some readers, though not for JSON, which lets them stand in a text as they are.
_LINE_ENDS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


class Console(Protocol):
    """What is used of a rich console: printing above whatever it draws."""

    def print(self, *objects: Any, **keywords: Any) -> None: ...


class Line:
    """One line: its fields, and its JSON, made once for all outputs."""

    __slots__ = ("_json", "fields")

    def __init__(self, fields: dict[str, Any]) -> None:
        self.fields = fields
        self._json: bytes | None = None

    def json(self) -> bytes:
        """As UTF-8, with its line end."""
        if self._json is None:
            text = orjson.dumps(self.fields, option=orjson.OPT_APPEND_NEWLINE)
            self._json = text if text.isascii() else text.decode().translate(_LINE_ENDS).encode()
        return self._json

    def about_lost(self, lines: int) -> Line:
        """A line of the same moment and run that says how many were lost before it."""
        told = {key: self.fields[key] for key in EVERY_LINE if key in self.fields}
        told |= {"level": "warning", "event": "log_lines_lost", "logger": "hoopstat_observability"}
        return Line({**told, "lines": lines})


class Output(Protocol):
    """Takes lines, never raises."""

    def write(self, line: Line) -> None: ...

    def close(self) -> None: ...


class StreamOutput:
    """A text stream. Of one that is a plain file, pipe or terminal the bytes are written directly."""

    def __init__(self, stream: TextIO, *, json: bool, colours: bool = False) -> None:
        self._stream = stream
        self._json = json
        self._colours = colours
        self._descriptor = _plain_descriptor(stream)
        self._own: int | None = None  # a descriptor of ours, once the stream's own was pointed elsewhere
        self._given_up = False
        self._torn = False
        self._lost = 0

    def write(self, line: Line) -> None:
        """Write it, or count it as lost."""
        if self._given_up:
            return
        try:
            if self._lost:
                self._put(self._bytes(line.about_lost(self._lost)))
                self._lost = 0
            self._put(self._bytes(line))
        except (OSError, ValueError, RuntimeError) as error:
            self._lost += 1
            self._failed(error)

    def close(self) -> None:
        """Close what is ours; the stream is its owner's."""
        if self._own is not None:
            os.close(self._own)
            self._own = None

    def _bytes(self, line: Line) -> bytes:
        if self._json:
            return line.json()
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        return f"{for_people(line.fields, colours=self._colours)}\n".encode(encoding, "backslashreplace")

    def _put(self, data: bytes) -> None:
        if self._descriptor is None:
            self._put_text(data)
            return
        self._stream.flush()  # what others printed comes first
        if self._torn:
            data = b"\n" + data
        written = self._once(data)
        while written < len(data):
            self._torn = written > 0
            written += self._once(data[written:])
        self._torn = False

    def _once(self, data: bytes) -> int:
        descriptor = self._descriptor if self._own is None else self._own
        assert descriptor is not None
        try:
            return os.write(descriptor, data)
        except BlockingIOError:
            # The reader is slow. Wait for it, though not with every line if it sleeps.
            if select.select([], [descriptor], [], 0 if self._lost else _PATIENCE_SECONDS)[1]:
                return 0
            raise

    def _put_text(self, data: bytes) -> None:
        text = data.decode(getattr(self._stream, "encoding", None) or "utf-8") if not self._json else data.decode()
        try:
            self._stream.write(text)
        except UnicodeEncodeError:
            self._stream.write(json.dumps(orjson.loads(data)) + "\n")
        self._stream.flush()

    def _failed(self, error: Exception) -> None:
        if isinstance(error, BlockingIOError | RuntimeError):
            return
        closed = getattr(self._stream, "closed", False)
        self._given_up = closed or (isinstance(error, OSError) and error.errno in _READER_GONE)
        if closed or self._own is not None:
            return
        with contextlib.suppress(OSError, ValueError, AttributeError, io.UnsupportedOperation):
            if self._descriptor is not None and not self._given_up:
                self._own = os.dup(self._descriptor)
            # Nothing else that is printed, nor the interpreter's last flush, shall end the job or change its exit code.
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, self._stream.fileno())
            os.close(nowhere)


class ConsoleOutput:
    """A rich console: lines appear above what it draws, which they do not tear."""

    def __init__(self, console: Console) -> None:
        from rich.text import Text

        self._console = console
        self._text = Text.from_ansi

    def write(self, line: Line) -> None:
        """Print it."""
        # What a console could not encode would stay in its buffer, and fail all that is printed later.
        encoding = getattr(self._console, "encoding", None) or "utf-8"
        text = for_people(line.fields, colours=True).encode(encoding, "backslashreplace").decode(encoding)
        with contextlib.suppress(OSError, ValueError, RuntimeError):  # nobody can see it
            self._console.print(self._text(text), markup=False, highlight=False, soft_wrap=True)

    def close(self) -> None:
        """It is its owner's."""


class _QuietRotatingFile(logging.handlers.RotatingFileHandler):
    """A full disk is no news in a log file."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the standard library's name
        """Go on without this line."""


class FileOutput:
    """A rotating file, always JSON."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = _QuietRotatingFile(path, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8", delay=True)
        self._handler.setFormatter(logging.Formatter("%(message)s"))

    def write(self, line: Line) -> None:
        """Append it."""
        self._handler.handle(logging.makeLogRecord({"msg": line.json().decode()[:-1]}))

    def close(self) -> None:
        """Close the file."""
        self._handler.close()


def is_terminal(stream: TextIO) -> bool:
    """Whether a person looks at it."""
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _plain_descriptor(stream: TextIO) -> int | None:
    """The descriptor of a stream that adds nothing of its own to the bytes, as compression would."""
    buffer = getattr(stream, "buffer", None)
    raw = getattr(buffer, "raw", buffer)
    try:
        return stream.fileno() if os.name == "posix" and isinstance(raw, io.FileIO) else None
    except (OSError, ValueError):
        return None


def for_people(fields: Mapping[str, Any], *, colours: bool) -> str:
    """``14:05:09 warning  request_judged  endpoint=... verdict=...``: local time, no ids, tracebacks indented.

    Whatever the fields hold, it stays on its line, and no character of it is obeyed by the terminal.
    """
    level = str(fields["level"])
    moment = dt.datetime.fromisoformat(fields["timestamp"]).astimezone().strftime("%H:%M:%S")
    event = fields["event"] if isinstance(fields["event"], str) else _shown(fields["event"])

    def painted(text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if colours else text

    head = f"{painted(moment, '2')} {painted(f'{level:8}', _COLOURS.get(level, '0'))} {painted(_printable(event), '1')}"
    rest = [
        f"{painted(_printable(key), '36')}={_shown(value)}"
        for key, value in fields.items()
        if key not in EVERY_LINE
        and not (key == "traceback" and isinstance(value, list))
        and not (key == "error_type" and value is None)  # of no use to people
    ]
    text = "  ".join([head, *([" ".join(rest)] if rest else [])])
    trace = fields.get("traceback")
    return text + "".join(_links(trace, "    ")) if isinstance(trace, list) else text


def _links(trace: list[Any], indent: str) -> list[str]:
    found: list[str] = []
    for link in trace:
        if not isinstance(link, dict) or "frames" not in link:
            return [*found, f"\n{indent}{_shown(link)}"]
        found.append(f"\n{indent}{link['error_type']}: {_printable(link['error_message'])}")
        found += [f"\n{indent}  {_printable(str(note))}" for note in link.get("notes", [])]
        found += [
            f"\n{indent}  {_printable(frame['file'])}:{frame['line']} in {frame['function']}"
            for frame in link["frames"]
        ]
        found += _links(link.get("exceptions", []), f"{indent}    ")
    return found


def _shown(value: Any) -> str:
    if isinstance(value, str):
        if value and value.isprintable() and not any(character in value for character in ' ="'):
            return value
        return f'"{_printable(value)}"'
    return _printable(orjson.dumps(value).decode())


def _printable(text: str) -> str:
    if text.isprintable():
        return text
    return "".join(
        character
        if character.isprintable()
        else json.dumps(character)[1:-1]
        if character < "\x7f"
        else f"\\u{ord(character):04x}"
        for character in text
    )
