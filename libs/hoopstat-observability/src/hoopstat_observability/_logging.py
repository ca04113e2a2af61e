"""Logging: one JSON object a line, every record of the process in the same shape.

structlog gives the loggers; the standard library's records (botocore, urllib3, requests, warnings) come in by a handler
on the root logger. Both end in one emitter, which adds what every line has, makes it JSON whatever it holds, and writes
it to the outputs. An output that fails does not fail the job.
"""

from __future__ import annotations

import logging
import os
import sys
import threading
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, TextIO, cast

from hoopstat_observability._ids import bind_run, current_ids, has_begun
from hoopstat_observability._outputs import (
    EVERY_LINE,
    Console,
    ConsoleOutput,
    FileOutput,
    Line,
    Output,
    StreamOutput,
    is_terminal,
)
from hoopstat_observability._plain import exception_fields, free_name, plain, plain_name
from hoopstat_observability._redaction import has_aws_key_id, redact_text
from hoopstat_observability._tracing import current_span_ids

if TYPE_CHECKING:
    from structlog.typing import EventDict, FilteringBoundLogger

__all__ = ["configure_logging", "get_logger", "shutdown_logging"]

# Fields of the same name as what every line has are kept as field_<name>.
_RESERVED = frozenset(EVERY_LINE)
_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_METHODS = {name.lower(): name.lower() for name in _LEVELS} | {
    "msg": "info",
    "warn": "warning",
    "exception": "error",
    "fatal": "critical",
}
_OF_EVERY_RECORD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


def get_logger(name: str | None = None) -> FilteringBoundLogger:
    """A logger; events are stable snake_case names, data goes in fields. May be made before ``configure_logging``."""
    return cast("FilteringBoundLogger", _Logger(name or ""))


class _Logger:
    """structlog's logger of this name, as it is configured at the time of each call.

    structlog is imported by the first call, not before: with all that it looks for it takes longer than a command that
    only prints its help.
    """

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __getattr__(self, attribute: str) -> Any:
        import structlog

        return getattr(structlog.get_logger(self._name), attribute)

    def __repr__(self) -> str:
        return f"get_logger({self._name!r})"


class _Emitter:
    """Makes a line of an event and writes it to every output. Thread-safe, and safe to use in a signal handler."""

    def __init__(self) -> None:
        self.service = ""
        self.outputs: list[Output] = []
        self._lock = threading.RLock()
        self._second = (-1, "")

    def renew(self) -> None:
        """A forked child must not wait for a thread that it does not have."""
        self._lock = threading.RLock()

    def emit(self, level: str, name: str, event: Any, fields: EventDict) -> None:
        ids = current_ids()
        found: dict[str, Any] = {
            "timestamp": self._now(),
            "level": level,
            "event": plain(event),
            "logger": name,
            "service": self.service,
            "run_id": ids.run_id,
            "correlation_id": ids.correlation_id,
        }
        found.update(current_span_ids())
        error = _error(fields)
        failure = exception_fields(error) if error is not None else {}
        beside = any(has_aws_key_id(value) for value in fields.values())
        for key, value in fields.items():
            shown = plain(value, key, beside_key_id=beside)
            if key in failure and failure[key] == shown:
                continue
            called = redact_text(key) if key.isascii() and len(key) < 64 else plain_name(key)
            if called in _RESERVED or called in failure:
                called = f"field_{called}"
            found[free_name(called, found)] = shown
        found.update(failure)
        line = Line(found)
        with self._lock:
            for output in self.outputs:
                output.write(line)

    def _now(self) -> str:
        milliseconds = time.time_ns() // 1_000_000
        second, known = self._second
        if second != milliseconds // 1_000:
            second = milliseconds // 1_000
            known = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second))
            self._second = (second, known)
        return f"{known}.{milliseconds % 1_000:03d}Z"


_emitter = _Emitter()
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_emitter.renew)


def _error(fields: EventDict) -> BaseException | None:
    """The exception to tell of; what is called exc_info and is none stays a field."""
    given = fields.get("exc_info")
    if given is None or given is False:
        fields.pop("exc_info", None)
        return None
    error = given[1] if isinstance(given, tuple) and len(given) == 3 else given
    if given is True or given == 1:
        error = sys.exc_info()[1]
    if error is None or isinstance(error, BaseException):
        del fields["exc_info"]
        return error
    return None


class _Sink:
    """What structlog's loggers write to: the emitter, under the logger's name."""

    def __init__(self, name: str = "") -> None:
        self.name = name

    def write(self, level: str, fields: EventDict) -> None:
        _emitter.emit(level, self.name, fields.pop("event", ""), fields)

    debug = info = warning = warn = error = critical = exception = fatal = msg = write


def _hand_over(_logger: Any, method: str, fields: EventDict) -> tuple[tuple[str, EventDict], dict[str, Any]]:
    return (_METHODS.get(method, method), fields), {}


def _method(name: str) -> Callable[..., None]:
    from structlog.contextvars import merge_contextvars

    level = _METHODS[name]

    def write(self: Any, event: Any = None, /, *arguments: Any, **fields: Any) -> None:
        if arguments:
            event = _formatted(event, arguments)
        if name == "exception":
            fields.setdefault("exc_info", True)
        if self._processors[-1] is not _hand_over:  # structlog.testing.capture_logs
            self._proxy_to_logger(level, event, **fields)
            return
        merged = merge_contextvars(None, level, {**self._context, **fields})
        _emitter.emit(level, self._logger.name, event, merged)

    return write


def _formatted(event: Any, arguments: tuple[Any, ...]) -> str:
    """As the standard library has it; arguments that do not fit are shown beside the message."""
    try:
        if len(arguments) == 1 and isinstance(arguments[0], Mapping):
            return str(event) % arguments[0]
        return str(event) % arguments
    except Exception:  # noqa: BLE001  # whatever an object of somebody else's does when it is looked at
        return f"{plain(event)} {plain(arguments)}"


def _logger_class(number: int) -> type:
    """structlog's filtering logger, whose methods take a field of any name and cannot fail on their arguments."""
    import structlog

    base = structlog.make_filtering_bound_logger(number)
    levels = logging.getLevelNamesMapping()
    return type(
        "Logger",
        (base,),
        {name: _method(name) for name, level in _METHODS.items() if levels[level.upper()] >= number},
    )


class _FromStandardLibrary(logging.Handler):
    """Records of other libraries, in our shape."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write it."""
        try:
            event = record.getMessage()
        except Exception:  # noqa: BLE001  # arguments that do not fit the message
            event = _formatted(record.msg, record.args if isinstance(record.args, tuple) else (record.args,))
        fields: EventDict = {key: value for key, value in vars(record).items() if key not in _OF_EVERY_RECORD}
        if record.exc_info:
            fields["exc_info"] = record.exc_info
        if record.stack_info:
            fields["stack"] = record.stack_info
        _emitter.emit(record.levelname.lower(), record.name, event, fields)


_undo = ExitStack()


def configure_logging(
    *,
    level: str = "INFO",
    format: str = "auto",  # noqa: A002  # the option's own name
    service: str = "",
    file: Path | None = None,
    stream: TextIO | None = None,
    run_id: str | None = None,
    environ: Mapping[str, str] | None = None,
    console: Console | None = None,
) -> None:
    """Set up logging for the process. Idempotent: the last call counts. ``shutdown_logging`` undoes it.

    Records of other libraries are taken at INFO or above. Handlers of the root logger that write to the standard
    streams are set aside, and exceptions that nobody caught become lines (``uncaught_exception``), where nobody else
    has a hook for them.

    Args:
        level: DEBUG, INFO, WARNING, ERROR or CRITICAL; less is not written.
        format: ``json``, ``console``, or ``auto``: for people on a terminal, JSON elsewhere.
        service: stands in every line.
        file: also write JSON lines to this file, rotated at 10 MB, five old ones kept.
        stream: standard output, if not given.
        run_id: begin this run, unless it has begun; ``environ`` may bring a correlation id.
        console: a rich console to print through, so that lines do not tear what it draws.

    Raises:
        ValueError: an unknown level or format.
        OSError: the file's folder cannot be made.
    """
    import structlog

    if level.upper() not in _LEVELS:
        raise ValueError(f"not a log level: {level!r}; one of {', '.join(_LEVELS)}")
    if format not in ("auto", "console", "json"):
        raise ValueError(f"not a log format: {format!r}; one of auto, console, json")
    number = logging.getLevelNamesMapping()[level.upper()]
    if not has_begun() or (run_id is not None and current_ids().run_id != run_id):
        bind_run(run_id, environ=environ)
    shutdown_logging()
    stream = stream if stream is not None else sys.stdout
    outputs: list[Output] = []
    if console is not None:
        outputs.append(ConsoleOutput(console))
    elif stream is not None:  # pythonw and some daemons have no standard output
        terminal = is_terminal(stream)
        for_people = format == "console" or (format == "auto" and terminal)
        outputs.append(StreamOutput(stream, json=not for_people, colours=terminal and not os.environ.get("NO_COLOR")))
    if file is not None:
        outputs.append(FileOutput(file))
    _emitter.service, _emitter.outputs = service, outputs
    _take_other_records(number)
    _take_uncaught_exceptions()
    structlog.configure(
        processors=[structlog.contextvars.merge_contextvars, _hand_over],
        wrapper_class=_logger_class(number),
        logger_factory=_Sink,
        # Loggers are made at import, before this call, and tests configure again: none may keep an old configuration.
        cache_logger_on_first_use=False,
    )


def _take_other_records(number: int) -> None:
    root = logging.getLogger()
    standard = (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__)
    aside = [each for each in root.handlers if isinstance(each, logging.StreamHandler) and each.stream in standard]
    ours = _FromStandardLibrary()
    for handler in aside:
        root.removeHandler(handler)
        _undo.callback(root.addHandler, handler)
    root.addHandler(ours)
    _undo.callback(root.removeHandler, ours)
    _undo.callback(root.setLevel, root.level)
    root.setLevel(max(number, logging.INFO))
    logging.captureWarnings(True)
    _undo.callback(logging.captureWarnings, False)


def _take_uncaught_exceptions() -> None:
    def uncaught(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        if isinstance(error, Exception) and _emitter.outputs:
            _emitter.emit("critical", "hoopstat_observability", "uncaught_exception", {"exc_info": error})
        else:
            sys.__excepthook__(kind, error, trace)

    def uncaught_in_thread(given: threading.ExceptHookArgs) -> None:
        if isinstance(given.exc_value, Exception) and _emitter.outputs:
            fields = {"exc_info": given.exc_value, "thread": given.thread.name if given.thread is not None else None}
            _emitter.emit("critical", "hoopstat_observability", "uncaught_exception", fields)
        else:
            threading.__excepthook__(given)

    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = uncaught
        _undo.callback(setattr, sys, "excepthook", sys.__excepthook__)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = uncaught_in_thread
        _undo.callback(setattr, threading, "excepthook", threading.__excepthook__)


def shutdown_logging() -> None:
    """Close what ``configure_logging`` opened, and give back what it took. Our loggers' later lines go nowhere."""
    _undo.close()
    outputs, _emitter.outputs = _emitter.outputs, []
    for output in outputs:
        output.close()
