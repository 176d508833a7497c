"""Traces, where an operator asked for them: spans go to an OpenTelemetry collector by OTLP/HTTP.

Off unless ``NUXA_OTLP_ENDPOINT`` or OpenTelemetry's own ``OTEL_EXPORTER_OTLP_*ENDPOINT`` is set.
The exporter is OpenTelemetry's and calls that one address; nothing a caller says reaches it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Final, Protocol

from core.config import Settings
from core.errors import NuxaError

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

_VARIABLES: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_provider: TracerProvider | None = None


class Carrier(Protocol):
    """Headers: they tell one by its name."""

    def get(self, name: str, default: str, /) -> str: ...


class TelemetryMissing(NuxaError):
    """Traces are configured, but OpenTelemetry is not installed."""


def start(settings: Settings) -> None:
    """Begin to trace this process if it is configured; call after fork."""
    global _provider
    is_wanted = settings.otlp_endpoint or any(os.environ.get(name) for name in _VARIABLES)
    if not is_wanted or _provider is not None:
        return
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise TelemetryMissing(
            "Traces are configured: install the extra, pip install 'nuxa-flow[telemetry]'."
        ) from error
    endpoint = settings.otlp_endpoint and f"{settings.otlp_endpoint.rstrip('/')}/v1/traces"
    name = os.environ.get("OTEL_SERVICE_NAME", "nuxa-flow")
    _provider = TracerProvider(resource=Resource.create({"service.name": name}))
    _provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter(endpoint=endpoint)))


def stop() -> None:
    """Send what waits, then end; blocks, so call it off the event loop."""
    global _provider
    provider, _provider = _provider, None
    if provider is not None:
        provider.shutdown()


class Span:
    """One step of work, the parent of those begun before it ends; nothing where it is off."""

    def __init__(self, name: str, attributes: Mapping[str, Any], carrier: Mapping[str, str]):
        self._span: Any = None
        if _provider is None:
            return
        from opentelemetry import context, propagate, trace

        kind = trace.SpanKind.SERVER if carrier else trace.SpanKind.INTERNAL
        above = propagate.extract(carrier) if carrier else None
        tracer = _provider.get_tracer("nuxa")
        self._span = tracer.start_span(name, above, kind, dict(attributes))
        self._token = context.attach(trace.set_span_in_context(self._span, above))

    def end(self, attributes: Mapping[str, Any], is_error: bool = False) -> None:
        """End it, in the task that began it."""
        if self._span is None:
            return
        from opentelemetry import context, trace

        self._span.set_attributes(dict(attributes))
        if is_error:
            self._span.set_status(trace.StatusCode.ERROR)
        self._span.end()
        context.detach(self._token)


def of_request(method: str, route: str, headers: Carrier) -> Span:
    """Begin the span of a request, below the caller's own where its headers name one."""
    if _provider is None:
        return _NONE
    named = {"http.request.method": method, "http.route": route}
    above = {name: headers.get(name, "") for name in ("traceparent", "tracestate")}
    return Span(f"{method} {route}", named, above)


_NONE: Final = Span("", {}, {})  # made before any provider: nothing begins or ends with it


@contextmanager
def span(name: str, **attributes: Any) -> Iterator[None]:
    """Trace a block of code; an error that leaves it marks the span."""
    current = Span(name, attributes, {})
    is_error = True
    try:
        yield
        is_error = False
    finally:
        current.end({}, is_error)
