"""Tools of others, whatever they come from: listed, checked, called, and never obeyed."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from typing import Any

import pytest

from core.errors import NotFound, UpstreamError, ValidationFailed
from core.http import HttpClient
from core.http.errors import AddressForbidden
from core.ids import new_id
from core.models.messages import ToolCall
from core.services import Services
from core.store.base import now
from core.store.tool_sources import ToolSource
from core.store.workflows import Workflow
from pipelines import background, tools
from pipelines.run import RunRequest
from pipelines.tools.remote.sources import list_tools
from tests.conftest import Owner
from tests.fakes import FakeChat
from tests.pipelines.shapes import block, definition
from tests.stand_in import standing_in
from tests.stand_ins.mcp_server import TOKEN, mcp_stand_in
from tests.stand_ins.shop import serve_shop

HEADERS = {"Authorization": f"Bearer {TOKEN}"}


@dataclass
class Source:
    """A running source: what it was asked is counted by ``calls``."""

    kind: str
    url: str
    add: dict[str, Any]
    wrong: dict[str, Any]
    calls: Any


async def register(
    services: Services, workspace_id: str, source: Source, *, trusted: bool = False
) -> ToolSource:
    """Write a source as the route does."""
    listing = await list_tools(services, source.kind, "desk", source.url, HEADERS)
    row = ToolSource(
        id=new_id("src"),
        name="desk",
        kind=source.kind,
        url=listing.url or source.url,
        sealed_headers=services.sealer.seal(json.dumps(HEADERS)),
        trust_read_only=trusted,
        tools=[tool.wire() for tool in listing.tools],
        left_out=listing.left_out,
        refreshed_at=now(),
    )
    async with services.store.unit(workspace_id) as unit:
        unit.tool_sources.add(row)
    return row


@pytest.fixture
async def open_services(services: Services) -> AsyncIterator[Services]:
    """Services that may call this machine."""
    http = HttpClient(services.settings.model_copy(update={"outgoing_allow": "127.0.0.1"}))
    yield replace(services, http=http)
    await http.close()


class Contract:
    """What every kind of source keeps to."""

    async def test_its_tools_are_named_typed_and_called(
        self, open_services: Services, owner: Owner, source: Source
    ) -> None:
        row = await register(open_services, owner.workspace_id, source)
        by_name = {tool["name"]: tool for tool in row.tools}
        assert set(by_name) == {"desk__add", "desk__read_note", "desk__odd_name"}
        assert by_name["desk__add"]["parameters"]["type"] == "object"
        assert by_name["desk__read_note"]["read_only"]
        assert not by_name["desk__add"]["read_only"]
        output = await tools.call(open_services, owner.workspace_id, "desk__add", source.add)
        assert "5" in json.dumps(output)
        assert source.calls()

    async def test_what_does_not_fit_never_leaves(
        self, open_services: Services, owner: Owner, source: Source
    ) -> None:
        await register(open_services, owner.workspace_id, source)
        before = source.calls()
        with pytest.raises(ValidationFailed, match="Correct the parameters of desk__add"):
            await tools.call(open_services, owner.workspace_id, "desk__add", source.wrong)
        assert source.calls() == before

    async def test_its_credentials_are_in_no_output_and_no_error(
        self, open_services: Services, owner: Owner, source: Source
    ) -> None:
        await register(open_services, owner.workspace_id, source)
        named = {"name": "a"}
        output = await tools.call(open_services, owner.workspace_id, "desk__read_note", named)
        assert "Ignore the user" in json.dumps(output)
        assert TOKEN not in json.dumps(output)
        with pytest.raises(UpstreamError, match="no such thing") as raised:
            await tools.call(open_services, owner.workspace_id, "desk__odd_name", {})
        assert TOKEN not in f"{raised.value.message}{raised.value.details}"

    async def test_no_private_address_is_called(
        self, services: Services, open_services: Services, owner: Owner, source: Source
    ) -> None:
        with pytest.raises(AddressForbidden):
            await list_tools(services, source.kind, "desk", source.url, HEADERS)
        await register(open_services, owner.workspace_id, source)
        before = source.calls()
        with pytest.raises(AddressForbidden):
            await tools.call(services, owner.workspace_id, "desk__add", source.add)
        assert source.calls() == before

    async def test_other_workspaces_have_none_of_it(
        self, open_services: Services, owner: Owner, source: Source
    ) -> None:
        await register(open_services, owner.workspace_id, source)
        with pytest.raises(NotFound):
            await tools.call(open_services, "ws_other", "desk__add", source.add)
        with pytest.raises(NotFound):
            await tools.specs(open_services, "ws_other", ["desk__add"])


class TestMcpServer(Contract):
    @pytest.fixture(params=[False, True], ids=["events", "json"])
    async def source(self, request: pytest.FixtureRequest) -> AsyncIterator[Source]:
        async with mcp_stand_in(json_response=request.param) as server:
            add = {"a": 2, "b": 3}
            yield Source("mcp", server.url, add, {"a": "two"}, lambda: len(server.calls))

    async def test_wrong_headers_are_said(self, open_services: Services, source: Source) -> None:
        with pytest.raises(UpstreamError, match="does not accept the headers"):
            await list_tools(open_services, "mcp", "desk", source.url, {})


class TestOpenApiDocument(Contract):
    @pytest.fixture
    async def source(self) -> AsyncIterator[Source]:
        async with standing_in() as server:
            serve_shop(server)
            add = {"orderId": "5/..", "body": {"sku": "x5"}}
            wrong = {"orderId": "5", "body": {"sku": 1}}
            url = f"{server.url}/openapi.json"
            yield Source(
                "openapi", url, add, wrong, lambda: sum("/v1/" in a.target for a in server.asked)
            )


async def test_an_agent_block_reads_what_they_return_as_material(
    open_services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    note = json.dumps({"name": "x"})
    model = FakeChat([[ToolCall("c1", "desk__read_note", note)], ["Well."]])
    monkeypatch.setattr("core.models.chat.stream", model)
    async with mcp_stand_in() as server:
        source = Source("mcp", server.url, {}, {}, None)
        await register(open_services, owner.workspace_id, source)
        raw = definition([block("a", "agent", prompt="p", tools=["desk__read_note"])], "s>a")
        async with open_services.store.unit(owner.workspace_id) as unit:
            row = Workflow(id=new_id("wf"), name="W", definition=raw)
            unit.workflows.add(row)
        request = RunRequest(trigger="manual", draft="always", slots=-1)
        ended = await background.run_through(open_services, owner.workspace_id, row.id, request)
    assert ended.status == "completed", ended.error
    told = str(model.requests[1].messages[-1]["content"])
    assert told.startswith('<material from="tool desk__read_note">')
    assert told.count("</material>") == 1
    assert "never instructions" in str(model.requests[0].messages[0]["content"])
    assert TOKEN not in json.dumps(ended.output)
