"""The protocol's own client against our server: with a key, and without."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import cycle
from typing import Any

import httpx
import httpx2
import pytest
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member, serving
from tests.bases import write_base
from tests.pipelines.shapes import block, definition

LUNCH = "Lunch is served at noon in the canteen on the ground floor."
ECHO = definition([block("t", template="You said <start.word>")], "s>t")
NAMES = ["list_knowledge_bases", "search", "ask", "list_workflows", "run_workflow"]
ERAS = pytest.mark.parametrize("mode", ["auto", "legacy"])  # 2026-07-28, and those before


@asynccontextmanager
async def connected(
    base_url: str, key: str, mode: str = "auto", hooks: Any = None
) -> AsyncIterator[Client]:
    headers = {"Authorization": f"Bearer {key}"}
    async with httpx2.AsyncClient(headers=headers, timeout=60, event_hooks=hooks) as http:
        transport = streamable_http_client(f"{base_url}/api/mcp", http_client=http)
        async with Client(transport, mode=mode) as client:
            yield client


def _key(member: Member) -> str:
    return str(member.program.headers["x-api-key"])


async def _key_with(member: Member, *scopes: str) -> str:
    asked = {"name": "narrow", "scopes": scopes}
    return str((await member.browser.post("/api/auth/api-keys", json=asked)).json()["key"])


async def _deployed(member: Member, name: str, raw: dict[str, Any]) -> str:
    made = (await member.browser.post("/api/workflows", json={"name": name, **raw})).json()
    assert (await member.browser.post(f"/api/workflows/{made['id']}/deploy")).status_code == 200
    return str(made["id"])


async def _call(client: Client, name: str, **arguments: Any) -> Any:
    result = await client.call_tool(name, arguments)
    assert not result.is_error, result.content
    assert json.loads(result.content[0].text) == result.structured_content
    return result.structured_content


@ERAS
async def test_a_client_lists_and_calls_the_tools(
    member: Member, services: Services, api_url: str, mode: str
) -> None:
    base_id = await write_base(services.store, member.workspace_id, LUNCH)
    workflow_id = await _deployed(member, "Echo", ECHO)
    await member.browser.post("/api/workflows", json={"name": "Draft", **ECHO})
    async with connected(api_url, _key(member), mode) as client:
        tools = (await client.list_tools()).tools
        assert [tool.name for tool in tools] == NAMES
        assert tools[1].input_schema["required"] == ["query"]
        assert [tool.annotations.read_only_hint for tool in tools if tool.annotations] == [
            *[True] * 4,
            False,
        ]
        bases = await _call(client, "list_knowledge_bases")
        assert [base["id"] for base in bases["knowledgeBases"]] == [base_id]
        found = await _call(client, "search", query="When is lunch?", knowledgeBaseIds=[base_id])
        assert found["results"][0]["content"] == LUNCH
        answer = await _call(client, "ask", question="When is lunch served?")
        assert answer["answer"].startswith(f"{LUNCH} [1]")
        assert answer["citations"][0]["quote"] == LUNCH
        again = await _call(client, "ask", question="And where?", chatId=answer["chatId"])
        assert again["chatId"] == answer["chatId"]
        workflows = await _call(client, "list_workflows")
        assert [each["id"] for each in workflows["workflows"]] == [workflow_id]
        run = await _call(client, "run_workflow", workflowId=workflow_id, input={"word": "hi"})
        assert (run["status"], run["output"]["text"]) == ("completed", "You said hi")
        wrong = await client.call_tool("search", {"words": 3})
        assert wrong.is_error
        assert "VALIDATION_ERROR" in wrong.content[0].text  # type: ignore[union-attr]


async def test_without_a_key_nobody_is_answered(
    member: Member, anonymous: httpx.AsyncClient, api_url: str
) -> None:
    for headers in ({}, {"Authorization": "Bearer nuxa_made_up"}, {"x-api-key": "nuxa_no"}):
        refused = await anonymous.post("/api/mcp", json={}, headers=headers)
        assert refused.status_code == 401
        assert refused.headers["www-authenticate"] == "Bearer"
    assert (await member.browser.post("/api/mcp", json={})).status_code == 403  # a session
    seen = []

    async def note(response: httpx2.Response) -> None:
        seen.append(response.status_code)

    with pytest.raises(ExceptionGroup):
        async with connected(api_url, "nuxa_made_up", hooks={"response": [note]}) as client:
            await client.list_tools()
    assert set(seen) == {401}


async def test_a_key_reaches_as_far_as_its_scopes_and_its_workspace(
    member: Member, stranger: Member, services: Services, api_url: str
) -> None:
    base_id = await write_base(services.store, member.workspace_id, LUNCH)
    workflow_id = await _deployed(member, "Echo", ECHO)
    reader = await _key_with(member, "mcp:read", "knowledge:read")
    async with connected(api_url, reader) as client:
        assert [tool.name for tool in (await client.list_tools()).tools] == NAMES[:2]
        for name, asked in (("ask", {"question": "x"}), ("run_workflow", {"workflowId": "x"})):
            refused = await client.call_tool(name, asked)
            assert refused.is_error
            assert "FORBIDDEN: The API key or token lacks" in refused.content[0].text  # type: ignore[union-attr]
    other = await _key_with(member, "knowledge:read")
    header = {"x-api-key": other}
    assert (await member.program.post("/api/mcp", json={}, headers=header)).status_code == 403
    async with connected(api_url, _key(stranger)) as client:
        assert await _call(client, "list_knowledge_bases") == {"knowledgeBases": []}
        assert await _call(client, "list_workflows") == {"workflows": []}
        assert await _call(client, "search", query="lunch") == {"results": []}
        chat = (await member.program.post("/api/copilot/chat", json={"message": "Hello"})).json()
        for name, asked in (
            ("search", {"query": "lunch", "knowledgeBaseIds": [base_id]}),
            ("ask", {"question": "lunch", "knowledgeBaseIds": [base_id]}),
            ("ask", {"question": "lunch", "chatId": chat["chatId"]}),
            ("run_workflow", {"workflowId": workflow_id}),
        ):
            refused = await client.call_tool(name, asked)
            assert refused.is_error
            assert "NOT_FOUND" in refused.content[0].text  # type: ignore[union-attr]


@ERAS
async def test_any_process_answers_any_message(
    member: Member, settings: Settings, api_url: str, mode: str
) -> None:
    async with serving(settings) as second:
        ports = cycle([httpx2.URL(api_url).port, httpx2.URL(second).port])
        seen = []

        async def turn_by_turn(request: httpx2.Request) -> None:
            request.url = request.url.copy_with(port=next(ports))
            seen.append(request.url.port)

        async with connected(api_url, _key(member), mode, {"request": [turn_by_turn]}) as client:
            for _ in range(3):
                assert [tool.name for tool in (await client.list_tools()).tools] == NAMES
                assert await _call(client, "list_workflows") == {"workflows": []}
        assert len(set(seen)) == 2


async def test_a_program_without_the_sdk_speaks_it_too(member: Member) -> None:
    """The lines of docs/mcp.md, and what is not JSON-RPC."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
    answer = await member.program.post("/api/mcp", json=asked)
    assert [tool["name"] for tool in answer.json()["result"]["tools"]] == NAMES
    told = await member.program.post("/api/mcp", json={**asked, "method": "no/such"})
    assert told.json()["error"]["code"] == -32601
    broken = await member.program.post("/api/mcp", json=[asked])
    assert broken.json()["error"]["code"] == "VALIDATION_ERROR"
    notified = await member.program.post("/api/mcp", json={"jsonrpc": "2.0", "method": "x/y"})
    assert (notified.status_code, notified.content) == (202, b"")
    unserved = {"mcp-protocol-version": "1999-01-01"}
    refused = await member.program.post("/api/mcp", json=asked, headers=unserved)
    assert refused.status_code == 400
    assert refused.json()["jsonrpc"] == "2.0"
    assert (await member.program.get("/api/mcp")).status_code == 405
