"""Run id and correlation id: in every line, without being passed around."""

from __future__ import annotations

import contextvars
import datetime as dt
import functools
import re
import secrets
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

__all__ = [
    "ContextThreadPoolExecutor",
    "RunIds",
    "bind_run",
    "carry_context",
    "correlation",
    "current_ids",
    "has_begun",
]

_P = ParamSpec("_P")
_R = TypeVar("_R")

_TRACEPARENT = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?:-.*)?")
_CORRELATION = re.compile(r"[\x21-\x7e]{1,128}")


@dataclass(frozen=True, slots=True)
class RunIds:
    """Which run this is, and which larger story it belongs to."""

    run_id: str
    correlation_id: str


_ids: contextvars.ContextVar[RunIds | None] = contextvars.ContextVar("hoopstat_ids", default=None)
_process_ids: RunIds | None = None


def _new_run_id() -> str:
    # Sortable by time, unique enough to be a key, short enough to be read aloud.
    return f"{dt.datetime.now(dt.UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}"


def bind_run(
    run_id: str | None = None, correlation_id: str | None = None, environ: Mapping[str, str] | None = None
) -> RunIds:
    """Begin a run: from here on every line of the process carries its ids.

    The correlation id is the one given, else ``CORRELATION_ID``, else the trace id of ``TRACEPARENT``, else the run id.
    """
    global _process_ids  # a thread that was started without a context still belongs to the run
    environ = environ or {}
    run_id = run_id or _new_run_id()
    ids = RunIds(run_id, correlation_id or _from_environment(environ) or run_id)
    _process_ids = ids
    _ids.set(ids)
    return ids


def _from_environment(environ: Mapping[str, str]) -> str | None:
    given = environ.get("CORRELATION_ID", "").strip()
    if _CORRELATION.fullmatch(given):
        return given
    trace = _TRACEPARENT.fullmatch(environ.get("TRACEPARENT", "").strip().lower())
    return trace[1] if trace is not None else None


def current_ids() -> RunIds:
    """The ids in force; a run begins if none has."""
    return _ids.get() or _process_ids or bind_run()


def has_begun() -> bool:
    """Whether a run has begun."""
    return (_ids.get() or _process_ids) is not None


@contextmanager
def correlation(correlation_id: str) -> Iterator[RunIds]:
    """Within the block, lines carry this correlation id."""
    ids = RunIds(current_ids().run_id, correlation_id)
    token = _ids.set(ids)
    try:
        yield ids
    finally:
        _ids.reset(token)


def carry_context(function: Callable[_P, _R]) -> Callable[_P, _R]:
    """The function, to be called in another thread with the context of now."""
    context = contextvars.copy_context()

    @functools.wraps(function)
    def carried(*arguments: _P.args, **keywords: _P.kwargs) -> _R:
        # A context can be entered by one thread at a time: each call gets a copy.
        return context.copy().run(function, *arguments, **keywords)

    return carried


class ContextThreadPoolExecutor(ThreadPoolExecutor):
    """A thread pool whose tasks run in the context of whoever submitted them."""

    def submit(self, fn: Callable[_P, _R], /, *args: _P.args, **kwargs: _P.kwargs) -> Future[_R]:
        """Schedule ``fn`` with the caller's context."""
        work: Callable[..., Any] = carry_context(fn)
        return super().submit(work, *args, **kwargs)
