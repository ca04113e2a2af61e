"""How long a piece of work took and how much it did; always logged, also when it fails."""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ParamSpec, TypeVar

from hoopstat_observability._logging import get_logger

__all__ = ["Measured", "performance_context", "performance_monitor"]

_P = ParamSpec("_P")
_R = TypeVar("_R")
_LOG = get_logger("hoopstat_observability.performance")


@dataclass(slots=True)
class Measured:
    """What the block may tell: how many records it processed."""

    records_processed: int = 0


@contextmanager
def performance_context(name: str, /, **fields: Any) -> Iterator[Measured]:
    """When the block ends: log how long it took, how many records it processed, and whether it failed.

    The line's event is ``performance``; ``operation`` is the name, ``duration_in_seconds`` and ``records_processed``
    are numbers, ``status`` is ``success`` or ``failed``, ``error_type`` is null or the exception's type. A failure is
    an error line with the traceback; what the block raises is raised again.
    """
    measured, started, error = Measured(), time.perf_counter(), None
    try:
        yield measured
    except BaseException as raised:
        error = raised
        raise
    finally:
        records = measured.records_processed
        record: dict[str, Any] = {
            "operation": name,
            "duration_in_seconds": round(time.perf_counter() - started, 6),
            "records_processed": records if isinstance(records, int | float) else 0,
            "status": "success" if error is None else "failed",
            "error_type": None if error is None else type(error).__name__,
        }
        if error is not None:
            record["exc_info"] = error
        told = {f"field_{key}" if key in record or key == "event" else key: value for key, value in fields.items()}
        (_LOG.info if error is None else _LOG.error)("performance", **told, **record)


def performance_monitor(name: str | None = None) -> Callable[[Callable[_P, _R]], Callable[_P, _R]]:
    """Decorate a function (plain or async) so that every call is measured; the default name is the function's.

    A result that is a list, tuple, dict or set counts as that many records. Of a generator only the making is measured.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError("performance_monitor is called: @performance_monitor() or @performance_monitor('name')")

    def decorate(function: Callable[_P, _R]) -> Callable[_P, _R]:
        operation = name or function.__qualname__
        if inspect.iscoroutinefunction(function):

            @functools.wraps(function)
            async def measured_async(*arguments: _P.args, **keywords: _P.kwargs) -> Any:
                with performance_context(operation) as measured:
                    result = await function(*arguments, **keywords)
                    measured.records_processed = _length(result)
                    return result

            return measured_async  # type: ignore[return-value]  # an async function stays one

        @functools.wraps(function)
        def measured_call(*arguments: _P.args, **keywords: _P.kwargs) -> _R:
            with performance_context(operation) as measured:
                result = function(*arguments, **keywords)
                measured.records_processed = _length(result)
                return result

        return measured_call

    return decorate


def _length(result: object) -> int:
    return len(result) if isinstance(result, list | tuple | dict | set | frozenset) else 0
