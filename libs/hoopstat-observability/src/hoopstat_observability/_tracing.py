"""OpenTelemetry spans when an endpoint is configured; nothing at all when not: no import, next to no cost."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

__all__ = ["configure_tracing", "current_span_ids", "shutdown_tracing", "span"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_NOTHING = nullcontext()
_NO_IDS: dict[str, str] = {}

_tracer: Any = None
_provider: Any = None
_parent: Any = None


def configure_tracing(*, service: str, environ: Mapping[str, str]) -> bool:
    """Start exporting spans if ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or its form for traces) is set; whether it did.

    The extra ``otlp`` must be installed. ``TRACEPARENT`` makes the caller's span the parent of ours. An exporter that
    cannot reach its endpoint never fails the job.
    """
    global _tracer, _provider, _parent  # one tracer a process, as OpenTelemetry has it
    if not any(environ.get(name) for name in _ENDPOINTS):
        return False
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    except ImportError:
        from hoopstat_observability._logging import get_logger

        get_logger("hoopstat_observability.tracing").warning(
            "tracing_unavailable",
            reason="an OTLP endpoint is set, but the extra hoopstat-observability[otlp] is missing",
        )
        return False
    endpoint = environ.get(_ENDPOINTS[0]) or f"{environ[_ENDPOINTS[1]].rstrip('/')}/v1/traces"
    _provider = TracerProvider(resource=Resource.create({"service.name": service}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=5)))
    _tracer = _provider.get_tracer("hoopstat_observability")
    _parent = TraceContextTextMapPropagator().extract({"traceparent": environ.get("TRACEPARENT", "")})
    return True


def shutdown_tracing() -> None:
    """Export what is left, and stop. Idempotent."""
    global _tracer, _provider, _parent  # as above
    provider, _provider, _tracer, _parent = _provider, None, None, None
    if provider is not None:
        provider.shutdown()


def span(name: str, **attributes: str | int | float | bool) -> AbstractContextManager[Any]:
    """A span around the block, inside the one around it; nothing when tracing is not configured."""
    if _tracer is None:
        return _NOTHING
    from opentelemetry import trace

    inside = trace.get_current_span().get_span_context().is_valid
    found: AbstractContextManager[Any] = _tracer.start_as_current_span(
        name, context=None if inside else _parent, attributes=attributes
    )
    return found


def current_span_ids() -> dict[str, str]:
    """``trace_id`` and ``span_id`` of the span in force, for log lines; empty without one."""
    if _tracer is None:
        return _NO_IDS
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return _NO_IDS
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
