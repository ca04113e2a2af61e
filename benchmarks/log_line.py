"""What a log line costs, beside structlog's own minimal JSON configuration, measured in one run.

    .venv/bin/python benchmarks/log_line.py

Both write the same event with the same five fields (one of them new in every line, so that no cache answers for it) to
the same kind of file, in turns. Ours adds ids, service and logger, redaction, the promise that any value is written,
and a line that is out of the process when the call returns. Printed: microseconds a line at the median of the rounds,
and the ratio. Goal: < 40.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from collections.abc import Callable
from typing import Any

import structlog

from hoopstat_observability import bind_run, configure_logging, get_logger, shutdown_logging

ROUNDS = 60
LINES = 500
FIELDS = {"dataset": "play-by-play", "latency_seconds": 0.412, "final": True}


def microseconds_a_line(log: Any) -> float:
    """One round."""
    started = time.perf_counter()
    for number in range(LINES):
        log.info("game_committed", game_id=f"{time.perf_counter_ns():020}", rows=number, **FIELDS)
    return (time.perf_counter() - started) / LINES * 1e6


def minimal(stream: Any) -> Callable[[], Any]:
    """structlog's minimal JSON configuration."""

    def configure() -> Any:
        structlog.reset_defaults()
        structlog.configure(
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(),
            ],
            logger_factory=structlog.WriteLoggerFactory(stream),
        )
        return structlog.get_logger()

    return configure


def ours(stream: Any) -> Callable[[], Any]:
    """hoopstat_observability as a job uses it."""

    def configure() -> Any:
        configure_logging(format="json", stream=stream, service="benchmark")
        return get_logger("benchmark")

    return configure


def main() -> None:
    """Measure in turns and print."""
    bind_run()
    with tempfile.TemporaryFile("w") as one, tempfile.TemporaryFile("w") as other:
        candidates = {"structlog, minimal": minimal(one), "hoopstat_observability": ours(other)}
        found: dict[str, list[float]] = {name: [] for name in candidates}
        for _ in range(ROUNDS):
            for name, configure in candidates.items():
                found[name].append(microseconds_a_line(configure()))
        shutdown_logging()
    medians = {name: statistics.median(values) for name, values in found.items()}
    for name, median in medians.items():
        print(f"{name:24}{median:6.1f} microseconds a line")
    theirs, mine = medians.values()
    print(f"{'ratio':24}{mine / theirs:6.2f}    (goal: ours below 40 microseconds)")


if __name__ == "__main__":
    main()
