"""How long a piece of work took and how much it did; always logged, also when it fails."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from hoopstat_observability._logging import get_logger

__all__ = ["Measured", "performance_context"]


@dataclass(slots=True)
class Measured:
    """What the block may tell: how many records it processed."""

    records_processed: int = 0


@contextmanager
def performance_context(name: str, **fields: Any) -> Iterator[Measured]:
    """Log ``duration_in_seconds``, ``records_processed``, ``status`` and ``error_type`` when the block ends."""
    measured, started, error = Measured(), time.perf_counter(), None
    try:
        yield measured
    except BaseException as raised:
        error = raised
        raise
    finally:
        get_logger("performance").info(
            "performance",
            operation=name,
            duration_in_seconds=round(time.perf_counter() - started, 6),
            records_processed=measured.records_processed,
            status="failed" if error is not None else "success",
            error_type=type(error).__name__ if error is not None else None,
            **fields,
        )
