"""Metrics of a batch job: declared in one place, written to a text file or pushed to a gateway.

prometheus_client is imported when the first metrics are made, not before.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from hoopstat_observability._logging import get_logger
from hoopstat_observability._redaction import redact_text

__all__ = ["BatchMetrics", "MetricSpec", "exporting"]

_LOG = get_logger("hoopstat_observability.metrics")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric. Names follow Prometheus: snake_case, base units, counters end in ``_total``."""

    kind: Literal["counter", "gauge", "histogram"]
    name: str
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"metric {self.name!r}: write it in snake_case")
        if (self.kind == "counter") != self.name.endswith("_total"):
            raise ValueError(f"metric {self.name!r}: counters, and only they, end in _total")
        if not self.help:
            raise ValueError(f"metric {self.name!r}: say what it counts")


class BatchMetrics:
    """The metrics of one run, in a registry of their own. Thread-safe."""

    def __init__(self, specs: Sequence[MetricSpec]) -> None:
        import prometheus_client as prometheus

        # When a series was made says nothing about a batch job, and doubles what is written.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = prometheus.CollectorRegistry()
        self._metrics: dict[str, Any] = {}
        for spec in specs:
            if spec.name in self._metrics:
                raise ValueError(f"metric {spec.name!r} is declared twice")
            arguments: dict[str, Any] = {"registry": self.registry, "labelnames": spec.labels}
            if spec.kind == "counter":
                made: Any = prometheus.Counter(spec.name, spec.help, **arguments)
            elif spec.kind == "gauge":
                made = prometheus.Gauge(spec.name, spec.help, **arguments)
            else:
                if spec.buckets:
                    arguments["buckets"] = spec.buckets
                made = prometheus.Histogram(spec.name, spec.help, **arguments)
            self._metrics[spec.name] = made

    def inc(self, name: str, amount: float = 1.0, **labels: str) -> None:
        """Add to a counter."""
        self._one(name, labels).inc(amount)

    def set(self, name: str, value: float, **labels: str) -> None:
        """Set a gauge."""
        self._one(name, labels).set(value)

    def observe(self, name: str, value: float, **labels: str) -> None:
        """Put a value into a histogram."""
        self._one(name, labels).observe(value)

    def _one(self, name: str, labels: Mapping[str, str]) -> Any:
        metric = self._metrics[name]
        return metric.labels(**labels) if labels else metric

    def exposition(self) -> str:
        """Everything in Prometheus' text format."""
        import prometheus_client as prometheus

        return prometheus.generate_latest(self.registry).decode()

    def write_textfile(self, path: Path) -> None:
        """Write for node-exporter's textfile collector: atomically, never half a file. Raises OSError."""
        import prometheus_client as prometheus

        path.parent.mkdir(parents=True, exist_ok=True)
        prometheus.write_to_textfile(str(path), self.registry)

    def push(self, url: str, *, job: str, grouping_key: Mapping[str, str], timeout_seconds: float = 5.0) -> bool:
        """Replace the group's metrics at a Pushgateway; whether it worked. A failure is logged, never raised."""
        import prometheus_client as prometheus

        try:
            prometheus.pushadd_to_gateway(
                url, job=job, registry=self.registry, grouping_key=dict(grouping_key), timeout=timeout_seconds
            )
        except (OSError, ValueError) as error:
            _LOG.warning("metrics_push_failed", url=redact_text(url), reason=f"{type(error).__name__}: {error}")
            return False
        return True


@contextmanager
def exporting(
    metrics: BatchMetrics,
    *,
    textfile: Path | None = None,
    pushgateway_url: str | None = None,
    job: str = "",
    grouping_key: Mapping[str, str] | None = None,
    every_seconds: float = 30.0,
) -> Iterator[BatchMetrics]:
    """Write and push the metrics every so often while the block runs, and at its end. Failures are logged only."""
    done = threading.Event()

    def export() -> None:
        if textfile is not None:
            try:
                metrics.write_textfile(textfile)
            except OSError as error:
                _LOG.warning("metrics_textfile_failed", path=str(textfile), reason=str(error))
        if pushgateway_url is not None:
            metrics.push(pushgateway_url, job=job, grouping_key=grouping_key or {})

    def keep_exporting() -> None:
        while not done.wait(every_seconds):
            export()

    wanted = textfile is not None or pushgateway_url is not None
    thread = threading.Thread(target=keep_exporting, name="metrics", daemon=True)
    if wanted:
        thread.start()
    try:
        yield metrics
    finally:
        done.set()
        if wanted:
            thread.join(10)
            export()
