"""Editors: real Socket.IO clients that have a workflow open."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import socketio

from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.pipelines.editing.conftest import RAW

SERVER_EVENTS = (
    *("workflow:update", "workflow:leave", "block:add", "block:update", "block:delete"),
    *("subblock:update", "variable:set", "variable:delete", "user:join", "user:leave"),
    *("cursor:move", "yjs:update", "message:new", "message:update"),
)


class Editor:
    """A client, what it was told, and what it sends by default: the workflow's id."""

    def __init__(self, client: socketio.AsyncClient, workflow_id: str) -> None:
        self.client, self.workflow_id = client, workflow_id
        self.told: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        for name in SERVER_EVENTS:
            client.on(name, lambda data, name=name: self.told.put_nowait((name, data)))

    async def ask(self, event: str, **fields: Any) -> dict[str, Any]:
        sent = {"workflowId": self.workflow_id, **fields}
        answer: dict[str, Any] = await self.client.call(event, sent, timeout=15)
        return answer

    async def done(self, event: str, **fields: Any) -> dict[str, Any]:
        answer = await self.ask(event, **fields)
        assert answer["ok"], answer
        return answer

    async def refused(self, event: str, **fields: Any) -> str:
        answer = await self.ask(event, **fields)
        assert not answer["ok"], answer
        code: str = answer["error"]["code"]
        return code

    async def hears(self, event: str) -> dict[str, Any]:
        """Return the next event of a name; what came before it is dropped."""
        async with asyncio.timeout(15):
            while True:
                name, data = await self.told.get()
                if name == event:
                    return dict(data)

    async def heard_nothing(self, event: str, seconds: float = 0.3) -> bool:
        await asyncio.sleep(seconds)
        names = []
        while not self.told.empty():
            names.append(self.told.get_nowait()[0])
        return event not in names


@pytest.fixture
async def workflow_id(member: Member) -> str:
    body = {"name": "Shared", **RAW}
    made = await member.browser.post("/api/workflows", json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


Open = Callable[..., Awaitable[Editor]]


@pytest.fixture
async def open_socket(api_url: str, workflow_id: str) -> AsyncIterator[Open]:
    """Opens a socket of a member's: ``await open_socket(member)``; all are closed afterwards."""
    async with AsyncExitStack() as opened:

        async def one(member: Member, url: str = api_url, **auth: Any) -> Editor:
            client = socketio.AsyncClient(reconnection=False)
            editor = Editor(client, workflow_id)
            token = (await member.browser.post("/api/auth/socket-token")).json()["token"]
            await client.connect(
                url, auth={"token": token, **auth}, transports=["websocket"], wait_timeout=10
            )
            opened.push_async_callback(client.disconnect)
            return editor

        yield one


@pytest.fixture
def join(open_socket: Open) -> Open:
    """Opens a socket and the workflow on it."""

    async def one(member: Member, **options: Any) -> Editor:
        editor = await open_socket(member, **options)
        await editor.done("workflow:join")
        return editor

    return one


@pytest.fixture
async def reader(member: Member, stranger: Member) -> dict[str, Any]:
    """Let the stranger read the member's workspace; what her handshake says."""
    await join_workspace(member, stranger, "read")
    return {"workspaceId": member.workspace_id}
