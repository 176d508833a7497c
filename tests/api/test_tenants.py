"""Another tenant's id is not there: every route that takes an id, every way in."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from api.endpoint import ENDPOINTS, Endpoint
from core.ids import new_id
from core.services import Services
from core.store.chats import Chat
from core.store.executions import Execution
from core.store.messages import Message
from tests.api.bearers import bearer_of_key, bearer_of_session
from tests.api.conftest import Member as Person

# Fields that a route must have before it looks at its ids.
BODIES: dict[str, dict[str, Any]] = {
    "PATCH /api/workspaces/<workspace_id>": {"name": "mine"},
    "POST /api/workspaces/<workspace_id>/members": {"email": "a@b.c", "role": "read"},
    "PATCH /api/workspaces/<workspace_id>/members/<user_id>": {"role": "read"},
    "PUT /api/workspaces/<workspace_id>/secrets/<name>": {"value": "mine"},
    "PUT /api/workspaces/<workspace_id>/model-providers/<provider>": {"apiKey": "mine"},
    "POST /api/knowledge/<base_id>/documents": {"text": "mine", "name": "mine.txt"},
    "POST /api/knowledge/<base_id>/search": {"query": "mine"},
}
QUERIES = {"GET /api/knowledge/<base_id>/search": {"query": "mine"}}
# Not an id of anybody's: tools and providers are known by one name to all.
SHARED = {
    "POST /api/tools/<tool_name>",
    "GET /api/auth/login/<provider>",
    "GET /api/auth/callback/<provider>",
}
Ways = dict[str, list[httpx.AsyncClient]]


async def _rows(member: Person, services: Services) -> dict[str, str]:
    """Make one of everything of the member's; return path variables by name."""
    program = member.program
    base = (await program.post("/api/knowledge", json={"name": "b"})).json()["id"]
    text = {"text": "The slipway is closed on Mondays.", "name": "a.txt"}
    document = (await program.post(f"/api/knowledge/{base}/documents", json=text)).json()["id"]
    files = {"file": ("f.txt", b"some text")}
    file = (await program.post("/api/files/upload", files=files)).json()["id"]
    key = (await member.browser.get("/api/auth/api-keys")).json()["data"][0]["id"]
    session = (await member.browser.get("/api/auth/sessions")).json()["data"][0]["id"]
    workflow = (await program.post("/api/workflows", json={"name": "w"})).json()["id"]
    made = await program.post(
        "/api/artifacts", json={"type": "code", "title": "a", "content": "secret"}
    )
    chunk = new_id("chunk")
    execution, chat, message = new_id("exec"), new_id("chat"), new_id("msg")
    async with services.store.unit(member.workspace_id) as unit:
        run = Execution(id=execution, workflow_id=workflow, definition={}, trigger="manual")
        run.status, run.input, run.output = "completed", {}, {}
        assert await unit.executions.insert(run)
        begun = Chat(id=chat, user_id=member.user_id, title="t", mode="workspace-chat")
        asked = Message(id=new_id("msg"), chat_id=chat, role="user", content="secret?")
        said = Message(id=message, chat_id=chat, role="assistant", content="secret")
        await unit.messages.begin_turn(begun, asked, said)
    return {
        "workspace_id": member.workspace_id,
        "user_id": member.user_id,
        "name": "SECRET",
        "provider": "openai",
        "base_id": base,
        "document_id": document,
        "file_id": file,
        "artifact_id": made.json()["id"],
        "token": made.json()["token"],
        "chunk_id": chunk,
        "key_id": key,
        "session_id": session,
        "workflow_id": workflow,
        "execution_id": execution,
        "chat_id": chat,
        "message_id": message,
    }


@pytest.fixture
async def ways(stranger: Person, api_url: str) -> AsyncIterator[Ways]:
    """Every way in of the stranger: cookie, key, and a bearer for each."""
    tokens = [await bearer_of_session(stranger), await bearer_of_key(stranger)]
    async with AsyncExitStack() as clients:
        by_session, by_key = [
            await clients.enter_async_context(
                httpx.AsyncClient(
                    base_url=api_url, headers={"Authorization": f"Bearer {token}"}, timeout=30
                )
            )
            for token in tokens
        ]
        yield {"session": [stranger.browser, by_session], "key": [stranger.program, by_key]}


def _clients(route: Endpoint, ways: Ways) -> list[httpx.AsyncClient]:
    return ways[route.access.only] if route.access.only else ways["session"] + ways["key"]


async def _statuses(route: Endpoint, ways: Ways, path: str) -> list[int]:
    body = BODIES.get(route.name, {}) if route.body else None
    query = QUERIES.get(route.name)
    return [
        (await client.request(route.method, path, json=body, params=query)).status_code
        for client in _clients(route, ways)
    ]


async def test_no_route_reaches_another_tenants_rows(
    member: Person, ways: Ways, services: Services
) -> None:
    rows = await _rows(member, services)
    walked = [route for route in ENDPOINTS if "<" in route.path and route.name not in SHARED]
    assert len(walked) > 30
    for route in walked:
        path = re.sub(r"<([^>]+)>", lambda found: rows[found[1]], route.path)
        statuses = await _statuses(route, ways, path)
        assert (route.name, set(statuses)) == (route.name, {404})
    for path in (f"/api/knowledge/{rows['base_id']}", f"/api/files/{rows['file_id']}"):
        assert (await member.program.get(path)).status_code == 200  # nothing was deleted


async def test_naming_another_tenants_workspace_opens_nothing(member: Person, ways: Ways) -> None:
    foreign = {"workspaceId": member.workspace_id}
    lists = [r for r in ENDPOINTS if r.method == "GET" and not r.access.is_public]
    for route in lists:
        if "<" not in route.path:
            for client in _clients(route, ways):
                answer = await client.get(route.path, params=foreign)
                assert (route.name, answer.status_code) == (route.name, 404)


async def test_an_id_of_ones_own_opens_no_row_under_anothers(
    member: Person, stranger: Person, services: Services
) -> None:
    theirs, mine = await _rows(member, services), await _rows(stranger, services)
    nested = [
        f"/api/knowledge/{mine['base_id']}/documents/{theirs['document_id']}",
        f"/api/knowledge/{theirs['base_id']}/documents/{mine['document_id']}",
        f"/api/workflows/{mine['workflow_id']}/executions/{theirs['execution_id']}",
        f"/api/workflows/{theirs['workflow_id']}/executions/{mine['execution_id']}",
    ]
    for path in nested:
        assert (path, (await stranger.program.get(path)).status_code) == (path, 404)


async def test_another_tenants_id_in_a_body_is_not_there(
    member: Person, stranger: Person, services: Services
) -> None:
    theirs, mine = await _rows(member, services), await _rows(stranger, services)
    documents = f"/api/knowledge/{mine['base_id']}/documents"
    calls: list[tuple[str, dict[str, Any]]] = [
        (documents, {"fileId": theirs["file_id"]}),
        ("/api/artifacts", {"type": "code", "title": "x", "fileId": theirs["file_id"]}),
        ("/api/copilot/chat", {"message": "x", "knowledgeBaseIds": [theirs["base_id"]]}),
        ("/api/copilot/chat", {"message": "x", "chatId": theirs["chat_id"]}),
        (
            "/api/copilot/chat",
            {"message": "x", "workflowId": theirs["workflow_id"], "mode": "workflow-guide"},
        ),
    ]
    for path, body in calls:
        answer = await stranger.program.post(path, json=body)
        assert (path, body, answer.status_code) == (path, body, 404)
    members = f"/api/workspaces/{mine['workspace_id']}/members"
    body = {"userId": theirs["user_id"], "role": "read"}
    assert (await stranger.browser.post(members, json=body)).status_code == 404
