"""OpenTelemetry spans when an endpoint is configured; nothing at all when not: no import, next to no cost."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any

from hoopstat_observability._plain import exception_fields
from hoopstat_observability._redaction import redact

__all__ = ["configure_tracing", "current_span_ids", "shutdown_tracing", "span"]

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
_EXPORT_SECONDS = 5.0
_NOTHING = nullcontext()
_NO_IDS: dict[str, str] = {}

_tracer: Any = None
_provider: Any = None
_parent: Any = None


def configure_tracing(*, service: str, environ: Mapping[str, str]) -> bool:
    """Start exporting spans if ``OTEL_EXPORTER_OTLP_ENDPOINT`` (or its form for traces) is set; whether it did.

    The extra ``otlp`` must be installed; OTLP over HTTP is spoken. ``TRACEPARENT`` makes the caller's span the parent
    of ours, ``OTEL_SERVICE_NAME`` overrides the service's name. An exporter that cannot reach its endpoint never fails
    the job. Idempotent: the last call counts.
    """
    global _tracer, _provider, _parent  # one tracer a process, as OpenTelemetry has it
    shutdown_tracing()
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
    provider = TracerProvider(resource=Resource.create({"service.name": environ.get("OTEL_SERVICE_NAME") or service}))
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint, timeout=_EXPORT_SECONDS)))
    _provider = provider
    _parent = TraceContextTextMapPropagator().extract({"traceparent": environ.get("TRACEPARENT", "")})
    _tracer = provider.get_tracer("hoopstat_observability")
    return True


def shutdown_tracing() -> None:
    """Export what is left, for some seconds at most, and stop. Idempotent."""
    global _tracer, _provider, _parent  # as above
    provider, _provider, _tracer, _parent = _provider, None, None, None
    if provider is not None:
        provider.shutdown()


def span(name: str, /, **attributes: str | int | float | bool) -> AbstractContextManager[None]:
    """A span around the block, inside the one around it; nothing when tracing is not configured.

    Attributes and the messages of exceptions are redacted. A block that raises makes the span an error.
    """
    return _NOTHING if _tracer is None else _recorded(_tracer, name, attributes)


@contextmanager
def _recorded(tracer: Any, name: str, attributes: Mapping[str, Any]) -> Iterator[None]:
    from opentelemetry import trace

    inside = trace.get_current_span().get_span_context().is_valid
    with tracer.start_as_current_span(
        name,
        context=None if inside else _parent,
        attributes=redact(attributes),
        # OpenTelemetry would record messages and source lines as they are.
        record_exception=False,
        set_status_on_exception=False,
    ) as current:
        try:
            yield
        except BaseException as error:
            failure = exception_fields(error)
            current.set_attribute("error.type", failure["error_type"])
            current.set_status(trace.Status(trace.StatusCode.ERROR, failure["error_message"]))
            raise


def current_span_ids() -> dict[str, str]:
    """``trace_id`` and ``span_id`` of the span in force, for log lines; empty without one."""
    if _tracer is None:
        return _NO_IDS
    from opentelemetry import trace

    context = trace.get_current_span().get_span_context()
    if not context.is_valid:
        return _NO_IDS
    return {"trace_id": f"{context.trace_id:032x}", "span_id": f"{context.span_id:016x}"}
