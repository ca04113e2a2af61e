"""Metrics of a batch job: declared in one place, written to a text file or pushed to a gateway.

A counter without labels is there from the start, as 0. A gauge is not there until it is set: a run that fails before it
sets its ``last_success_timestamp_seconds`` leaves the earlier run's in place, at the gateway and in the text file.

prometheus_client is imported when the first metrics are made, not before.
"""

from __future__ import annotations

import http.client
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal
from urllib.parse import unquote, urlsplit, urlunsplit

from hoopstat_observability._files import file_to_replace, replace_file
from hoopstat_observability._logging import get_logger
from hoopstat_observability._redaction import redact_text

__all__ = ["BatchMetrics", "MetricSpec", "exporting"]

_LOG = get_logger("hoopstat_observability.metrics")
_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")
_NOT_BASE_UNITS = {
    **dict.fromkeys(("ms", "millis", "milliseconds", "us", "microseconds", "ns", "nanoseconds"), "seconds"),
    **dict.fromkeys(("minutes", "hours", "days"), "seconds"),
    **dict.fromkeys(("kb", "mb", "gb", "kib", "mib", "gib", "kilobytes", "megabytes", "gigabytes"), "bytes"),
    **dict.fromkeys(("percent", "percentage", "pct"), "ratio (0 to 1)"),
}
_SUFFIXES_OF_PARTS = ("_bucket", "_count", "_sum", "_created", "_info")
_LABELS_OF_OTHERS = frozenset({"le", "quantile", "job", "instance"})


@dataclass(frozen=True, slots=True)
class MetricSpec:
    """One metric. Names follow Prometheus: snake_case, base units, counters end in ``_total``.

    Raises:
        ValueError: a name, label or bucket that does not follow the conventions, with the one that would.
    """

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
        if self.name.endswith(_SUFFIXES_OF_PARTS):
            raise ValueError(
                f"metric {self.name!r}: {self.name[self.name.rindex('_') :]} is for parts of other metrics"
            )
        for word in self.name.split("_"):
            if word in _NOT_BASE_UNITS:
                raise ValueError(f"metric {self.name!r}: measure in {_NOT_BASE_UNITS[word]}, not in {word}")
        if not self.help:
            raise ValueError(f"metric {self.name!r}: say what it counts")
        for label in self.labels:
            if not _LABEL.fullmatch(label) or label in _LABELS_OF_OTHERS:
                raise ValueError(f"metric {self.name!r}: label {label!r} is not snake_case, or is Prometheus' own")
        if len(set(self.labels)) != len(self.labels):
            raise ValueError(f"metric {self.name!r}: a label stands there twice")
        if self.buckets and (self.kind != "histogram" or list(self.buckets) != sorted(set(self.buckets))):
            raise ValueError(f"metric {self.name!r}: buckets are a histogram's, and rise")


class BatchMetrics:
    """The metrics of one run, in a registry of their own. Thread-safe.

    ``namespace`` is put before every name, in what is written only: ``inc`` and the like take the name of the spec.
    A name that is not declared, or of another kind, is a KeyError that names those that are.
    """

    def __init__(self, specs: Sequence[MetricSpec], *, namespace: str = "") -> None:
        import prometheus_client as prometheus

        # When a series was made says nothing about a batch job, and doubles what is written.
        prometheus.disable_created_metrics()  # type: ignore[no-untyped-call]  # it has no annotations
        self.registry = prometheus.CollectorRegistry()
        self._metrics: dict[tuple[str, str], Any] = {}
        self._unset: dict[str, tuple[str, Any]] = {}
        self._lock = threading.Lock()
        names: set[str] = set()
        for spec in specs:
            if spec.name in names:
                raise ValueError(f"metric {spec.name!r} is declared twice")
            names.add(spec.name)
            full_name = f"{namespace}_{spec.name}" if namespace else spec.name
            arguments: dict[str, Any] = {"labelnames": spec.labels, "registry": self.registry}
            if spec.kind == "counter":
                made: Any = prometheus.Counter(full_name, spec.help, **arguments)
            elif spec.kind == "gauge":
                made = prometheus.Gauge(full_name, spec.help, **{**arguments, "registry": None})
                self._unset[spec.name] = (full_name, made)
            else:
                if spec.buckets:
                    arguments["buckets"] = spec.buckets
                made = prometheus.Histogram(full_name, spec.help, **arguments)
            self._metrics[spec.kind, spec.name] = made

    def inc(self, name: str, amount: float = 1.0, /, **labels: str) -> None:
        """Add to a counter."""
        self._one("counter", name, labels).inc(amount)

    def set(self, name: str, value: float, /, **labels: str) -> None:
        """Set a gauge."""
        self._one("gauge", name, labels).set(value)
        if name in self._unset:
            with self._lock:
                _, metric = self._unset.pop(name, ("", None))
                if metric is not None:
                    self.registry.register(metric)

    def observe(self, name: str, value: float, /, **labels: str) -> None:
        """Put a value into a histogram."""
        self._one("histogram", name, labels).observe(value)

    def _one(self, kind: str, name: str, labels: Mapping[str, str]) -> Any:
        metric = self._metrics.get((kind, name))
        if metric is None:
            known = ", ".join(sorted(each for of, each in self._metrics if of == kind)) or "none"
            raise KeyError(f"no {kind} {name!r} is declared; {kind}s: {known}")
        return metric.labels(**labels) if labels else metric

    def exposition(self) -> str:
        """Everything in Prometheus' text format."""
        import prometheus_client as prometheus

        return prometheus.generate_latest(self.registry).decode()

    def write_textfile(self, path: Path) -> None:
        """Write for node-exporter's textfile collector: atomically, never half a file.

        Gauges that this run has not set keep the value that the file has.

        Raises:
            OSError: it cannot be written, or something else than a regular file is there.
        """
        # Before anything is read: a FIFO's reader waits.
        target = file_to_replace(path)
        replace_file(path, (self.exposition() + self._kept(target)).encode())

    def _kept(self, path: Path) -> str:
        """What an earlier run left of the gauges that are not set yet."""
        from prometheus_client import CollectorRegistry, generate_latest
        from prometheus_client.parser import text_string_to_metric_families

        unset = {full_name for full_name, _ in list(self._unset.values())}
        if not unset:
            return ""
        try:
            found = [each for each in text_string_to_metric_families(path.read_text("utf-8")) if each.name in unset]
        except (OSError, ValueError):
            return ""

        class Kept:
            def collect(self) -> Any:
                return found

        registry = CollectorRegistry()
        registry.register(Kept())
        return generate_latest(registry).decode()

    def push(self, url: str, *, job: str, grouping_key: Mapping[str, str], timeout_seconds: float = 5.0) -> bool:
        """Replace these metrics in the group at a Pushgateway; whether it worked. A failure is logged, never raised.

        User and password may stand in the URL. Metrics of the group that this run does not have stay.
        """
        import prometheus_client as prometheus
        from prometheus_client.exposition import basic_auth_handler, default_handler

        try:
            parts = urlsplit(url)
            if not parts.scheme.startswith("http"):
                parts = urlsplit(f"http://{url}")
            address = urlunsplit(parts._replace(netloc=parts.netloc.rpartition("@")[2])).rstrip("/")
            username, password = unquote(parts.username or ""), unquote(parts.password or "")

            def with_password(url: str, method: str, timeout: Any, headers: Any, data: bytes) -> Any:
                return basic_auth_handler(url, method, timeout, headers, data, username, password)

            prometheus.pushadd_to_gateway(
                address,
                job=job,
                registry=self.registry,
                grouping_key=dict(grouping_key),
                timeout=timeout_seconds,
                handler=with_password if username else default_handler,
            )
        except (OSError, ValueError, http.client.HTTPException) as error:
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
    """Write and push the metrics every so often while the block runs, and at its end. Failures are logged only.

    Args:
        textfile: for node-exporter; nothing is written if not given.
        pushgateway_url: nothing is pushed if not given.
        job: the gateway's job label.
        grouping_key: the gateway's other labels: the same for every run, so that runs replace each other's metrics.
        every_seconds: between two exports while the block runs.
    """
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
