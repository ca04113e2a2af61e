"""Logging: one JSON object a line, every record of the process in the same shape."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TextIO, cast

import orjson
import structlog
from structlog.typing import FilteringBoundLogger

from hoopstat_observability._ids import bind_run, current_ids
from hoopstat_observability._redaction import redact

__all__ = ["configure_logging", "get_logger", "shutdown_logging"]


def get_logger(name: str | None = None) -> FilteringBoundLogger:
    """A logger; events are stable snake_case names, data goes in fields."""
    return cast(FilteringBoundLogger, structlog.stdlib.get_logger(name))


def _add_ids(_logger: Any, _method: str, event: Any) -> Any:
    ids = current_ids()
    event["run_id"], event["correlation_id"] = ids.run_id, ids.correlation_id
    return event


def _redacted(_logger: Any, _method: str, event: Any) -> Any:
    return redact(event)


def configure_logging(
    *,
    level: str = "INFO",
    format: str = "auto",  # noqa: A002  # the option's own name
    service: str = "",
    file: Path | None = None,
    stream: TextIO | None = None,
    run_id: str | None = None,
    environ: Mapping[str, str] | None = None,
    console: Any = None,
) -> None:
    """Set up logging for the process. Idempotent."""
    stream = stream or sys.stdout
    if run_id is not None and current_ids().run_id != run_id:
        bind_run(run_id, environ=environ)
    shared: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.dict_tracebacks,
        _add_ids,
        _redacted,
    ]
    if format == "console" or (format == "auto" and stream.isatty()):
        renderer: Any = structlog.dev.ConsoleRenderer()
    else:
        renderer = structlog.processors.JSONRenderer(lambda event, **_: orjson.dumps(event, default=str).decode())
    handler = logging.StreamHandler(console.file if console is not None else stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
        )
    )
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=False,
    )
    logging.captureWarnings(True)
    del service, file


def shutdown_logging() -> None:
    """Flush."""
    for handler in logging.getLogger().handlers:
        handler.flush()
