"""A request is a span under the caller's trace, named by its route."""

from __future__ import annotations

import asyncio

import httpx

from core import tracing
from core.config import Settings
from tests.core.test_tracing import PARENT, TRACE, spans_of
from tests.stand_in import standing_in


async def test_a_request_is_traced_by_route_and_status(
    anonymous: httpx.AsyncClient, settings: Settings
) -> None:
    async with standing_in() as collector:
        tracing.start(settings.model_copy(update={"otlp_endpoint": collector.url}))
        try:
            headers = {"traceparent": f"00-{TRACE}-{PARENT}-01"}
            await anonymous.get("/api/files/file_secret", headers=headers)
            spans = await spans_of(collector)
        finally:
            await asyncio.to_thread(tracing.stop)
    (span,) = [span for span in spans if span.name == "GET /api/files/<file_id>"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    values = {item.key: item.value for item in span.attributes}
    assert values["http.response.status_code"].int_value == 401
    assert "file_secret" not in str(span)
