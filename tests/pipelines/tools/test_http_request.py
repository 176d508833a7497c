"""http_request: what is sent, what comes back, and what is refused."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from pydantic import JsonValue

from core.errors import ValidationFailed
from core.http import HttpClient
from core.http.errors import AddressForbidden
from core.services import Services
from pipelines import tools
from tests.conftest import Owner
from tests.pipelines.tools.conftest import CallTool
from tests.stand_in import Says, StandIn


@pytest.fixture
async def call_open(services: Services, owner: Owner) -> AsyncIterator[CallTool]:
    """Calls the tool where an operator has let calls reach this machine."""
    http = HttpClient(services.settings.model_copy(update={"outgoing_allow": "127.0.0.1"}))

    async def call(_key: str | None = None, **params: Any) -> dict[str, JsonValue]:
        opened = replace(services, http=http)
        return await tools.call(opened, owner.workspace_id, "http_request", params, _key)

    yield call
    await http.close()


async def test_json_goes_and_comes(call_open: CallTool, server: StandIn) -> None:
    server.answer = lambda asked: Says.json({"got": asked.json()}, 201)
    output = await call_open(
        _key="k1",
        url=server.url + "/a?x=1",
        method="POST",
        headers={"X-Mine": "yes"},
        query={"q": "ä b", "n": 2, "is": True},
        body={"a": [1, None]},
    )
    assert (output["status"], output["data"]) == (201, {"got": {"a": [1, None]}})
    asked = server.asked[0]
    assert asked.query == {"x": ["1"], "q": ["ä b"], "n": ["2"], "is": ["true"]}
    assert asked.headers["content-type"] == "application/json"
    assert (asked.headers["x-mine"], asked.headers["idempotency-key"]) == ("yes", "k1")


async def test_text_goes_and_error_status_comes(call_open: CallTool, server: StandIn) -> None:
    server.answer = lambda asked: Says(418, {"Content-Type": "text/plain"}, b"teapot")
    output = await call_open(
        url=server.url,
        method="PUT",
        body="<x/>",
        headers={"content-type": "application/xml"},
    )
    assert (output["status"], output["data"]) == (418, "teapot")
    assert server.asked[0].body == b"<x/>"
    assert server.asked[0].headers["content-type"] == "application/xml"


@pytest.mark.parametrize(
    "url", ["{server}", "http://localhost:{port}/", "http://[::ffff:127.0.0.1]:{port}/"]
)
async def test_this_machine_is_not_reached_unasked(
    url: str, call_tool: CallTool, server: StandIn
) -> None:
    with pytest.raises(AddressForbidden):
        await call_tool("http_request", url=url.format(server=server.url, port=server.port))
    assert server.asked == []


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"url": "file:///etc/passwd"},
        {"url": "http://2130706433/"},
        {"url": "http://example.com", "method": "TRACE"},
        {"url": "http://example.com", "headers": {"Host": "internal"}},
        {"url": "http://example.com", "headers": {"X": "a\r\nY: b"}},
        {"url": "http://example.com", "timeoutMs": 10**9},
        {"url": "http://example.com", "proxy": "http://127.0.0.1"},
    ],
)
async def test_bad_parameters_are_refused(params: dict[str, object], call_tool: CallTool) -> None:
    with pytest.raises(ValidationFailed):
        await call_tool("http_request", **params)
