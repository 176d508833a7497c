"""Spans reach a collector as OTLP over HTTP, under the caller's trace; off, nothing is sent."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from typing import Any

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from core import tracing
from core.config import Settings
from tests.stand_in import StandIn, standing_in

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


@pytest.fixture
async def collector(settings: Settings) -> AsyncIterator[StandIn]:
    """A collector that the process is set to send to."""
    async with standing_in() as server:
        tracing.start(settings.model_copy(update={"otlp_endpoint": server.url}))
        yield server
        await asyncio.to_thread(tracing.stop)


async def spans_of(collector: StandIn) -> list[Any]:
    """End the tracing and return every span that the collector was sent."""
    await asyncio.to_thread(tracing.stop)
    spans = []
    for asked in collector.asked:
        assert (asked.method, asked.path) == ("POST", "/v1/traces")
        is_packed = asked.headers.get("content-encoding") == "gzip"
        message = ExportTraceServiceRequest()
        message.ParseFromString(gzip.decompress(asked.body) if is_packed else asked.body)
        for resource in message.resource_spans:
            names = {item.key: item.value.string_value for item in resource.resource.attributes}
            assert names["service.name"] == "nuxa-flow"
            spans += [span for scope in resource.scope_spans for span in scope.spans]
    return spans


async def test_a_request_and_its_steps_are_one_trace(collector: StandIn) -> None:
    above = {"traceparent": f"00-{TRACE}-{PARENT}-01", "tracestate": ""}
    request = tracing.of_request("GET", "/api/files", above)
    with tracing.span("step", part=1):
        pass
    request.end({"http.response.status_code": 500}, is_error=True)
    step, whole = sorted(await spans_of(collector), key=lambda span: span.name, reverse=True)
    assert {span.trace_id.hex() for span in (step, whole)} == {TRACE}
    assert whole.parent_span_id.hex() == PARENT
    assert step.parent_span_id == whole.span_id
    assert whole.status.code == 2  # error
    assert {item.key for item in whole.attributes} >= {"http.route", "http.response.status_code"}


async def test_an_error_marks_the_span_and_goes_on(collector: StandIn) -> None:
    with pytest.raises(LookupError), tracing.span("step"):
        raise LookupError
    (span,) = await spans_of(collector)
    assert (span.name, span.status.code) == ("step", 2)


async def test_without_a_collector_nothing_is_traced(settings: Settings) -> None:
    tracing.start(settings)
    with tracing.span("step"):
        assert tracing._provider is None
