"""Structured JSON logs, correlation ids, performance records and metrics for batch jobs."""

from hoopstat_observability._files import file_to_replace, replace_file
from hoopstat_observability._ids import (
    ContextThreadPoolExecutor,
    RunIds,
    bind_run,
    carry_context,
    correlation,
    current_ids,
)
from hoopstat_observability._logging import configure_logging, get_logger, shutdown_logging
from hoopstat_observability._metrics import BatchMetrics, MetricSpec, exporting
from hoopstat_observability._performance import Measured, performance_context, performance_monitor
from hoopstat_observability._redaction import redact, register_secret
from hoopstat_observability._termination import write_termination_message
from hoopstat_observability._tracing import configure_tracing, shutdown_tracing, span

__all__ = [
    "BatchMetrics",
    "ContextThreadPoolExecutor",
    "Measured",
    "MetricSpec",
    "RunIds",
    "bind_run",
    "carry_context",
    "configure_logging",
    "configure_tracing",
    "correlation",
    "current_ids",
    "exporting",
    "file_to_replace",
    "get_logger",
    "performance_context",
    "performance_monitor",
    "redact",
    "register_secret",
    "replace_file",
    "shutdown_logging",
    "shutdown_tracing",
    "span",
    "write_termination_message",
]
