"""Logging: one JSON object a line, every record of the process in the same shape.

structlog gives the loggers; the standard library's records (botocore, urllib3, requests, warnings) come in by a handler
on the root logger. Both end in one emitter, which adds what every line has, makes it JSON whatever it holds, and writes
it to the outputs. An output that fails is dropped: a full or broken standard output does not kill the job.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import io
import logging
import logging.handlers
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol, TextIO, cast

import orjson
import structlog
from structlog.typing import EventDict, FilteringBoundLogger

from hoopstat_observability._ids import bind_run, current_ids
from hoopstat_observability._plain import exception_fields, plain
from hoopstat_observability._tracing import current_span_ids

__all__ = ["configure_logging", "get_logger", "shutdown_logging"]

# What every line has; fields of the same name are kept as field_<name>.
_RESERVED = ("timestamp", "level", "event", "logger", "service", "run_id", "correlation_id", "trace_id", "span_id")
_COLOURS = {"debug": "2", "info": "32", "warning": "33", "error": "31", "critical": "1;31"}
_FILE_BYTES = 10_000_000
_FILES = 5


class _Console(Protocol):
    """What is used of a rich console: printing above whatever it draws."""

    def print(self, *objects: Any, **keywords: Any) -> None: ...


def get_logger(name: str | None = None) -> FilteringBoundLogger:
    """A logger; events are stable snake_case names, data goes in fields. May be made before ``configure_logging``."""
    return cast(FilteringBoundLogger, structlog.get_logger(name or ""))


class _Output:
    """Where lines go. One that fails once is not tried again."""

    def __init__(self, stream: TextIO | None, *, json: bool, console: _Console | None = None) -> None:
        self._stream = stream
        self._json = json
        self._console = console
        self._colours = not json and stream is not None and _is_terminal(stream)
        self.broken = False

    def write(self, line: dict[str, Any]) -> None:
        if self.broken:
            return
        try:
            if self._console is not None:
                self._console.print(_for_people(line, colours=False), markup=False, highlight=False, soft_wrap=True)
            elif self._stream is not None:
                text = _json(line) if self._json else _for_people(line, colours=self._colours)
                self._stream.write(text + "\n")
                self._stream.flush()
        except (OSError, ValueError):
            self.broken = True
            _silence(self._stream)


class _QuietRotatingFile(logging.handlers.RotatingFileHandler):
    """A full disk is no news in a log file."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the standard library's name
        """Go on without this line."""


class _FileOutput:
    """A rotating file, always JSON."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self._handler = _QuietRotatingFile(path, maxBytes=_FILE_BYTES, backupCount=_FILES, encoding="utf-8", delay=True)
        self._handler.setFormatter(logging.Formatter("%(message)s"))

    def write(self, line: dict[str, Any]) -> None:
        self._handler.handle(logging.makeLogRecord({"msg": _json(line)}))

    def close(self) -> None:
        self._handler.close()


class _Emitter:
    """Makes a line of an event and writes it to every output. Thread-safe."""

    def __init__(self) -> None:
        self.service = ""
        self.outputs: list[_Output | _FileOutput] = []
        self._lock = threading.Lock()

    def emit(self, level: str, name: str, fields: EventDict) -> None:
        now = dt.datetime.now(dt.UTC)
        ids = current_ids()
        line: dict[str, Any] = {
            "timestamp": f"{now:%Y-%m-%dT%H:%M:%S}.{now.microsecond // 1000:03d}Z",
            "level": level,
            "event": plain(fields.pop("event", "")),
        }
        if name:
            line["logger"] = name
        if self.service:
            line["service"] = self.service
        line["run_id"], line["correlation_id"] = ids.run_id, ids.correlation_id
        line.update(current_span_ids())
        error = fields.pop("exc_info", None)
        for key, value in fields.items():
            line[f"field_{key}" if key in _RESERVED else plain(key)] = plain(value, key)
        if error:
            line.update(_exception(error))
        with self._lock:
            for output in self.outputs:
                output.write(line)


_emitter = _Emitter()


def _exception(error: Any) -> dict[str, Any]:
    if isinstance(error, tuple):
        error = error[1]
    elif not isinstance(error, BaseException):
        error = sys.exc_info()[1]
    return exception_fields(error) if error is not None else {}


class _Sink:
    """What structlog's loggers write to: the emitter, under the logger's name."""

    def __init__(self, name: str = "") -> None:
        self._name = name

    def write(self, level: str, fields: EventDict) -> None:
        if level == "exception":
            level = "error"
            fields.setdefault("exc_info", True)
        _emitter.emit(level, self._name, fields)

    debug = info = warning = warn = error = critical = exception = fatal = msg = write


def _hand_over(_logger: Any, method: str, fields: EventDict) -> tuple[tuple[str, EventDict], dict[str, Any]]:
    return ("warning" if method == "warn" else method, fields), {}


class _FromStandardLibrary(logging.Handler):
    """Records of other libraries, in our shape."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            event = record.getMessage()
        except Exception:  # noqa: BLE001  # arguments that do not fit the message: the message alone is better than nothing
            event = str(record.msg)
        fields: EventDict = {"event": event}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        _emitter.emit(record.levelname.lower(), record.name, fields)


def configure_logging(
    *,
    level: str = "INFO",
    format: str = "auto",  # noqa: A002  # the option's own name
    service: str = "",
    file: Path | None = None,
    stream: TextIO | None = None,
    run_id: str | None = None,
    environ: Mapping[str, str] | None = None,
    console: _Console | None = None,
) -> None:
    """Set up logging for the process. Idempotent: the last call counts.

    Args:
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL; less is not written.
        format: ``json``, ``console``, or ``auto``: for people on a terminal, JSON elsewhere.
        service: stands in every line, if given.
        file: also write JSON lines to this file, rotated at 10 MB, five old ones kept.
        stream: standard output, if not given.
        run_id: begin this run, unless it has begun; ``environ`` may bring a correlation id.
        console: a rich console to print through, so that lines do not tear what it draws.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ValueError(f"not a log level: {level!r}; one of DEBUG, INFO, WARNING, ERROR, CRITICAL")
    if run_id is not None and current_ids().run_id != run_id:
        bind_run(run_id, environ=environ)
    shutdown_logging()
    stream = stream if stream is not None else sys.stdout
    for_people = console is not None or format == "console" or (format == "auto" and _is_terminal(stream))
    _emitter.service = service
    _emitter.outputs = [_Output(stream, json=not for_people, console=console)]
    if file is not None:
        _emitter.outputs.append(_FileOutput(file))
    root = logging.getLogger()
    root.handlers[:] = [_FromStandardLibrary()]
    root.setLevel(max(number, logging.INFO))
    logging.captureWarnings(True)
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _hand_over],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=_Sink,
        # Loggers are made at import, before this call, and tests configure again: none may keep an old configuration.
        cache_logger_on_first_use=False,
    )


def shutdown_logging() -> None:
    """Flush and close what ``configure_logging`` opened. Lines written later go nowhere."""
    outputs, _emitter.outputs = _emitter.outputs, []
    for output in outputs:
        if isinstance(output, _FileOutput):
            output.close()


def _is_terminal(stream: TextIO) -> bool:
    try:
        return stream.isatty()
    except (AttributeError, ValueError):
        return False


def _silence(stream: TextIO | None) -> None:
    """Point a broken stream nowhere, so that the interpreter's last flush does not change the exit code."""
    if stream is None:
        return
    with contextlib.suppress(OSError, ValueError, AttributeError, io.UnsupportedOperation):
        nowhere = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nowhere, stream.fileno())
        os.close(nowhere)


# Line ends for some readers, though not for JSON, which lets them stand in a text as they are.
_LINE_ENDS = str.maketrans({"\x85": "\\u0085", "\u2028": "\\u2028", "\u2029": "\\u2029"})


def _json(line: Mapping[str, Any]) -> str:
    text = orjson.dumps(line).decode()
    return text if text.isascii() else text.translate(_LINE_ENDS)


def _for_people(line: Mapping[str, Any], *, colours: bool) -> str:
    """``14:05:09 warning  request_judged  endpoint=... verdict=...``; ids are left out, tracebacks are indented."""
    level = str(line["level"])
    moment = dt.datetime.fromisoformat(line["timestamp"]).astimezone().strftime("%H:%M:%S")
    shown = f"\x1b[{_COLOURS.get(level, '0')}m{level:8}\x1b[0m" if colours else f"{level:8}"
    event = f"\x1b[1m{line['event']}\x1b[0m" if colours else str(line["event"])
    fields = [
        f"{key}={value if isinstance(value, str) and ' ' not in value else orjson.dumps(value).decode()}"
        for key, value in line.items()
        if key not in _RESERVED and key != "traceback"
    ]
    text = "  ".join([f"{moment} {shown} {event}", *([" ".join(fields)] if fields else [])])
    for link in line.get("traceback", []):
        text += f"\n    {link['error_type']}: {link['error_message']}"
        for frame in link["frames"]:
            text += f"\n      {frame['file']}:{frame['line']} in {frame['function']}"
    return text
