"""Sources of tools over HTTP: registered by admins, masked, audited, refreshed, gone at once."""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from nuxa import NuxaClient

from core.config import Settings
from core.services import Services
from tests.api.conforms import conforms
from tests.api.conftest import Member, serving
from tests.stand_in import StandIn, standing_in
from tests.stand_ins.mcp_server import TOKEN, McpStandIn, mcp_stand_in
from tests.stand_ins.shop import DOCUMENT, serve_shop

HEADERS = {"Authorization": f"Bearer {TOKEN}"}
SOURCES = "/api/tools/sources"
PAGE = Path(__file__).parents[2] / "docs" / "mcp.md"


@pytest.fixture
async def opened(settings: Settings, member: Member) -> AsyncIterator[httpx.AsyncClient]:
    """A program of the member's, with an admin's key, at a server that may call this machine."""
    asked = {"name": "admin", "scopes": ["admin"]}
    made = (await member.browser.post("/api/auth/api-keys", json=asked)).json()
    key = {"x-api-key": made["key"]}
    hooks: Any = {"response": [conforms]}
    async with (
        serving(settings.model_copy(update={"outgoing_allow": "127.0.0.1"})) as url,
        httpx.AsyncClient(base_url=url, headers=key, timeout=60, event_hooks=hooks) as client,
    ):
        yield client


@pytest.fixture
async def desk() -> AsyncIterator[McpStandIn]:
    async with mcp_stand_in() as running:
        yield running


@pytest.fixture
async def shop() -> AsyncIterator[StandIn]:
    async with standing_in() as running:
        serve_shop(running)
        yield running


async def test_an_mcp_server_is_registered_called_changed_and_deleted(
    opened: httpx.AsyncClient, member: Member, services: Services, desk: McpStandIn
) -> None:
    asked = {"name": "desk", "kind": "mcp", "url": desk.url, "headers": HEADERS}
    made = await opened.post(SOURCES, json=asked)
    assert made.status_code == 201, made.text
    source = made.json()
    assert source["headers"] == {"Authorization": "••••"}
    assert {tool["name"] for tool in source["tools"]} == {
        "desk__add",
        "desk__read_note",
        "desk__odd_name",
    }
    assert all(tool["requiresApproval"] for tool in source["tools"])
    assert TOKEN not in made.text
    assert (await opened.post(SOURCES, json=asked)).status_code == 409  # the name is taken
    listed = {tool["name"]: tool for tool in (await opened.get("/api/tools")).json()}
    assert listed["desk__add"]["category"] == "mcp"
    ran = await opened.post("/api/tools/desk__add", json={"params": {"a": 2, "b": 3}})
    assert ran.json()["output"]["structured"] == {"result": 5}
    wrong = await opened.post("/api/tools/desk__add", json={"params": {"a": "two"}})
    assert wrong.status_code == 400
    failed = (await opened.post("/api/tools/desk__odd_name", json={})).json()
    assert not failed["success"]
    assert TOKEN not in json.dumps(failed)

    path = f"{SOURCES}/{source['id']}"
    changed = (await opened.patch(path, json={"trustReadOnly": True})).json()
    approvals = {tool["name"]: tool["requiresApproval"] for tool in changed["tools"]}
    assert approvals == {"desk__add": True, "desk__read_note": False, "desk__odd_name": True}
    assert changed["headers"] == source["headers"]
    refreshed = await opened.post(f"{path}/refresh", json={})
    assert refreshed.json()["refreshedAt"] > source["refreshedAt"]
    await opened.patch(path, json={"headers": {}})
    assert "does not accept" in (await opened.post(f"{path}/refresh")).json()["error"]["message"]
    assert (await opened.delete(path)).status_code == 204
    assert (await opened.post("/api/tools/desk__add", json={})).status_code == 404

    audit = f"/api/workspaces/{member.workspace_id}/audit"
    events = (await member.browser.get(audit)).json()["data"]
    told = [event for event in events if event["action"].startswith("tool_source.")]
    assert [event["action"].partition(".")[2] for event in reversed(told)] == [
        "created",
        "changed",
        "refreshed",
        "changed",
        "deleted",
    ]
    assert TOKEN not in json.dumps(events)


async def test_an_openapi_document_is_read_from_a_url_or_sent(
    opened: httpx.AsyncClient, shop: StandIn
) -> None:
    asked: dict[str, Any] = {"name": "shop", "kind": "openapi", "headers": HEADERS}
    by_url = {**asked, "url": f"{shop.url}/openapi.json"}
    made = (await opened.post(SOURCES, json=by_url)).json()
    assert made["url"] == f"{shop.url}/v1"
    assert made["leftOut"] == ["POST /upload: its body is image/png"]
    order = {"orderId": "7", "body": {"sku": "s"}}
    ran = (await opened.post("/api/tools/shop__add", json={"params": order})).json()
    assert ran["output"] == {"status": 201, "data": {"added": {"sku": "s"}}}
    assert shop.asked[-1].path == "/v1/orders/7/items"
    assert (await opened.post(f"{SOURCES}/{made['id']}/refresh")).status_code == 200

    sent = {**asked, "name": "sent", "document": json.dumps(DOCUMENT)}
    assert "serverUrl" in (await opened.post(SOURCES, json=sent)).json()["error"]["message"]
    sent["serverUrl"] = f"{shop.url}/v1"
    made = (await opened.post(SOURCES, json=sent)).json()
    assert (made["url"], made["documentUrl"]) == (f"{shop.url}/v1", None)
    assert (await opened.post(f"{SOURCES}/{made['id']}/refresh")).status_code == 409


async def test_who_writes_a_document_does_not_say_where_the_headers_go(
    opened: httpx.AsyncClient, shop: StandIn
) -> None:
    document = {**DOCUMENT, "servers": [{"url": "https://evil.test/"}]}
    asked = {"name": "shop", "kind": "openapi", "document": json.dumps(document)}
    refused = await opened.post(SOURCES, json={**asked, "headers": HEADERS})
    assert refused.status_code == 400
    assert "https://evil.test/" in refused.json()["error"]["message"]
    elsewhere = {**asked, "url": f"{shop.url}/openapi.json", "serverUrl": "https://shop.test/v1"}
    del elsewhere["document"]
    assert (await opened.post(SOURCES, json={**elsewhere, "headers": HEADERS})).status_code == 201
    assert "authorization" not in shop.asked[-1].headers


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"url": "http://127.0.0.1:9/mcp"}, "not a public address"),
        ({"url": "file:///bin/sh"}, "Only URLs that begin with"),
        ({"url": "stdio:npx server"}, "Only URLs that begin with"),
        ({"command": "npx", "url": "https://x.test"}, "command"),
        ({}, "Send either a url"),
        ({"url": "https://x.test", "name": "a__b"}, "name"),
        ({"url": "https://x.test", "document": "{}"}, "has no document"),
        ({"url": "https://x.test", "headers": {"X": "a\nb"}}, "headers"),
    ],
)
async def test_what_is_not_called_is_refused(
    member: Member, body: dict[str, Any], said: str
) -> None:
    answer = await member.browser.post(SOURCES, json={"name": "desk", "kind": "mcp", **body})
    assert answer.status_code == 400
    assert said in answer.json()["error"]["message"]


async def test_only_admins_register(member: Member) -> None:
    asked = {"name": "writer", "scopes": ["tools:write", "tools:read"]}
    key = (await member.browser.post("/api/auth/api-keys", json=asked)).json()["key"]
    body = {"name": "desk", "kind": "mcp", "url": "https://x.test"}
    refused = await member.program.post(SOURCES, json=body, headers={"x-api-key": key})
    assert refused.status_code == 403
    seen = await member.program.get(SOURCES, headers={"x-api-key": key})
    assert seen.json() == {"data": [], "nextCursor": None}


async def test_the_python_client_does_it_too(opened: httpx.AsyncClient, shop: StandIn) -> None:
    key, url = opened.headers["x-api-key"], str(opened.base_url)
    await asyncio.to_thread(_walk, key, url, f"{shop.url}/openapi.json")


def _walk(key: str, url: str, document: str) -> None:
    with NuxaClient(api_key=key, base_url=url) as client:
        source = client.tools.create_source({"name": "s", "kind": "openapi", "url": document})
        assert client.tools.source(source.id).tools == source.tools
        assert client.tools.update_source(source.id, {"trustReadOnly": True}).trust_read_only
        assert client.tools.refresh_source(source.id).url == source.url
        assert [each.id for each in client.tools.sources()] == [source.id]
        client.tools.delete_source(source.id)


async def test_the_lines_of_the_page_work(
    opened: httpx.AsyncClient, desk: McpStandIn, shop: StandIn
) -> None:
    """Each ``curl`` of docs/mcp.md, with its placeholders filled in."""
    lines = re.findall(r"```sh\n(curl .*?)```", PAGE.read_text(), re.DOTALL)
    assert len(lines) >= 5
    places = {
        "https://mcp.example.com/mcp": desk.url,
        "https://shop.example.com/openapi.json": f"{shop.url}/openapi.json",
        "the-token": TOKEN,
    }
    for line in lines:
        for name, value in places.items():
            line = line.replace(name, value)
        command = line.replace("$URL", str(opened.base_url).rstrip("/"))
        command = command.replace("$KEY", opened.headers["x-api-key"])
        ran = await asyncio.create_subprocess_shell(
            f"curl --fail-with-body -s {command.removeprefix('curl ')}",
            stdout=asyncio.subprocess.PIPE,
        )
        said, _ = await ran.communicate()
        assert ran.returncode == 0, (line, said)
        told = json.loads(said)
        assert "error" not in told, (line, told)
