"""Open streams, and calls that are waited for, end with the rights of their caller."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
import pytest
from typing_extensions import override

from api import reauthorization
from copilot.begin import Ask, begin
from copilot.events import TurnLog
from core.ids import new_id
from core.services import Services
from core.store.base import now
from core.store.executions import Execution
from core.store.messages import Message
from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import BlockComponent
from tests.api.conforms import document
from tests.api.conftest import TLS, Member
from tests.api.memberships import join_workspace
from tests.api.workflows.editing.conftest import Open
from tests.bases import write_base
from tests.pipelines.shapes import add_kind, block, definition

_END_SECONDS: Final = 30  # far more than a check takes, far less than what the streams wait for
_AN_HOUR: Final = timedelta(hours=1)


class Stay(BlockComponent[BlockSettings]):
    """A block that lasts longer than any test."""

    type_name = "stay"
    title = description = "Stay"
    outputs = {}  # noqa: RUF012
    settings = BlockSettings

    @override
    async def execute(self, context: Context, settings: BlockSettings) -> Output:
        await asyncio.sleep(3600)
        return {}


@dataclass(frozen=True)
class Request:
    """A request whose answer goes on for as long as its caller may have it."""

    method: str
    path: str
    body: dict[str, Any] | None = None


@dataclass(frozen=True)
class Guest:
    """A member of somebody's workspace, who reads there by a session and by a key."""

    owner: Member
    person: Member
    key: str
    key_id: str

    @property
    def workspace_id(self) -> str:
        return self.owner.workspace_id

    async def lose_membership(self) -> None:
        path = f"/api/workspaces/{self.workspace_id}/members/{self.person.user_id}"
        assert (await self.owner.browser.delete(path)).status_code == 204

    async def lose_session(self) -> None:
        assert (await self.person.browser.post("/api/auth/logout")).status_code in (200, 204)

    async def lose_key(self) -> None:
        path = f"/api/auth/api-keys/{self.key_id}"
        query = {"workspaceId": self.workspace_id}
        answer = await self.person.browser.delete(path, params=query)
        assert answer.status_code in (200, 204), answer.text

    async def lose_role(self) -> None:
        path = f"/api/workspaces/{self.workspace_id}/members/{self.person.user_id}"
        answer = await self.owner.browser.patch(path, json={"role": "read"})
        assert answer.status_code == 200

    def client(self, way: str) -> httpx.AsyncClient:
        """Return a client that holds no answer to the description, which would read it whole."""
        headers = {"x-api-key": self.key} if way == "key" else {}
        cookies = self.person.browser.cookies if way == "session" else None
        return httpx.AsyncClient(
            base_url=self.owner.browser.base_url,
            headers=headers,
            cookies=cookies,
            params={"workspaceId": self.workspace_id},
            timeout=_END_SECONDS,
            verify=TLS,
        )


@pytest.fixture
async def guest(member: Member, stranger: Member, monkeypatch: pytest.MonkeyPatch) -> Guest:
    monkeypatch.setattr(reauthorization, "RECHECK_SECONDS", 0.1)
    await join_workspace(member, stranger, "write")
    made = await stranger.browser.post(
        "/api/auth/api-keys",
        json={"name": "guest", "scopes": ["write"], "workspaceId": member.workspace_id},
    )
    assert made.status_code == 201, made.text
    return Guest(member, stranger, made.json()["key"], made.json()["id"])


async def _run(guest: Guest, services: Services, workflow_id: str) -> Request:
    run = Execution(id=new_id("exec"), workflow_id=workflow_id, definition={}, trigger="manual")
    run.status, run.input, run.output = "running", {}, {}
    run.lease_owner, run.lease_until = "worker", now() + _AN_HOUR
    async with services.store.unit(guest.workspace_id) as unit:
        assert await unit.executions.insert(run)
    return Request("GET", f"/api/workflows/{workflow_id}/executions/{run.id}/stream")


async def _document(guest: Guest, services: Services, workflow_id: str) -> Request:
    base = await write_base(services.store, guest.workspace_id, "The slipway is closed.")
    path = f"/api/knowledge/{base}/documents"
    made = await guest.owner.browser.post(path, json={"name": "w.txt", "text": "No worker yet."})
    assert made.status_code == 202
    return Request("GET", f"{path}/{made.json()['id']}/stream")


async def _file(guest: Guest, services: Services, workflow_id: str) -> Request:
    files = {"file": ("f.txt", b"some text")}
    made = await guest.owner.browser.post("/api/files/upload", files=files)
    path = f"/api/files/{made.json()['id']}"
    assert (await guest.owner.browser.post(f"{path}/process", json={})).status_code == 202
    return Request("GET", f"{path}/stream")


async def _turn(guest: Guest, services: Services) -> Message:
    """Write a turn of the guest's that nobody goes on with."""
    async with services.store.unit(guest.workspace_id) as unit:
        begun = await begin(unit, services, guest.person.user_id, Ask("?", user_message_id="mine"))
    return begun.message


async def _chat(guest: Guest, services: Services, workflow_id: str) -> Request:
    turn = await _turn(guest, services)
    return Request("GET", f"/api/copilot/streams/{turn.id}")


async def _asked(guest: Guest, services: Services, workflow_id: str) -> Request:
    turn = await _turn(guest, services)
    body = {"message": "?", "chatId": turn.chat_id, "userMessageId": "mine"}
    return Request("POST", "/api/copilot/stream", body)


async def _asked_whole(guest: Guest, services: Services, workflow_id: str) -> Request:
    asked = await _asked(guest, services, workflow_id)
    return Request("POST", "/api/copilot/chat", asked.body)


async def _executed(guest: Guest, services: Services, workflow_id: str) -> Request:
    return Request("POST", f"/api/workflows/{workflow_id}/execute", {"stream": True})


async def _executed_whole(
    guest: Guest,
    services: Services,
    workflow_id: str,
) -> Request:
    return Request("POST", f"/api/workflows/{workflow_id}/execute", {"input": {}})


async def _mcp_run(guest: Guest, services: Services, workflow_id: str) -> Request:
    called = {"name": "run_workflow", "arguments": {"workflow_id": workflow_id}}
    message = {"jsonrpc": "2.0", "id": 1, "method": "tools/call", "params": called}
    return Request("POST", "/api/mcp", message)


async def _completed(guest: Guest, services: Services, workflow_id: str) -> Request:
    messages = [{"role": "user", "content": "?"}]
    body = {"model": "nuxa/extractive", "messages": messages, "stream": True}
    return Request("POST", "/api/v1/chat/completions", body)


async def _completed_whole(guest: Guest, services: Services, workflow_id: str) -> Request:
    asked = await _completed(guest, services, workflow_id)
    return Request("POST", asked.path, {**(asked.body or {}), "stream": False})


Make = Callable[[Guest, Services, str], Awaitable[Request]]
STREAMS: Final[dict[str, Make]] = {
    "streamExecution": _run,
    "streamDocument": _document,
    "streamFile": _file,
    "resumeCopilot": _chat,
    "streamCopilot": _asked,
    "executeWorkflow": _executed,
    "completeChat": _completed,
}
WAITS: Final[dict[str, Make]] = {
    "executeWorkflow": _executed_whole,
    "askCopilot": _asked_whole,
    "completeChat": _completed_whole,
}
FOR_KEYS: Final = {"completeChat"}
LOSSES: Final[dict[str, tuple[str, Callable[[Guest], Awaitable[None]]]]] = {
    "removed member": ("session", Guest.lose_membership),
    "owner of a key removed": ("key", Guest.lose_membership),
    "session ended": ("session", Guest.lose_session),
    "key revoked": ("key", Guest.lose_key),
}


def _mixed(makes: dict[str, Make]) -> list[tuple[str, str]]:
    """Return each request with each loss that can befall who makes it."""
    mixed = itertools.product(makes, LOSSES)
    return [(name, loss) for name, loss in mixed if not _is_for_others(name, LOSSES[loss][0])]


def _is_for_others(name: str, way: str) -> bool:
    return name in FOR_KEYS and way != "key"


@pytest.fixture
async def workflow_id(member: Member, monkeypatch: pytest.MonkeyPatch) -> str:
    """A deployed workflow that runs for as long as it is let."""
    add_kind(monkeypatch, Stay)
    steps = definition([block("h", "stay")], "s>h")
    made = await member.browser.post("/api/workflows", json={"name": "w", **steps})
    assert made.status_code == 201, made.text
    path = f"/api/workflows/{made.json()['id']}"
    assert (await member.browser.post(f"{path}/deploy")).status_code == 200
    return str(made.json()["id"])


@pytest.fixture(autouse=True)
def slow_model(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """Have completions wait for a model that says nothing; set once one was asked."""
    asked = asyncio.Event()

    async def nothing(_: object) -> AsyncIterator[object]:
        asked.set()
        await asyncio.sleep(3600)
        yield None

    monkeypatch.setattr("api.v1.chat.answer", nothing)
    return asked


@asynccontextmanager
async def _opened(guest: Guest, way: str, asked: Request) -> AsyncIterator[httpx.Response]:
    async with (
        guest.client(way) as client,
        client.stream(asked.method, asked.path, json=asked.body) as answer,
    ):
        assert answer.status_code == 200, await answer.aread()
        yield answer


def test_streams_of_this_module_are_all_that_the_description_has() -> None:
    described = set()
    for methods in document()["paths"].values():
        for operation in methods.values():
            content = operation["responses"].get("200", {}).get("content", {})
            if "text/event-stream" in content and operation["x-nuxa-access"] != "public":
                name = operation["operationId"].removeprefix("v1")
                described.add(name[0].lower() + name[1:])
    assert described == STREAMS.keys()


@pytest.mark.parametrize(("stream", "loss"), _mixed(STREAMS))
async def test_open_stream_after_loss_of_rights_ends(
    stream: str, loss: str, guest: Guest, services: Services, workflow_id: str
) -> None:
    way, lose = LOSSES[loss]
    asked = await STREAMS[stream](guest, services, workflow_id)
    async with _opened(guest, way, asked) as answer, asyncio.timeout(_END_SECONDS):
        await lose(guest)
        told = b"".join([piece async for piece in answer.aiter_raw()])
    assert b"[DONE]" not in told
    async with guest.client(way) as client:
        again = await client.request(asked.method, asked.path, json=asked.body)
    assert again.status_code in (401, 403, 404)


async def test_open_stream_after_loss_of_write_role_ends_where_that_is_needed(
    guest: Guest, services: Services, workflow_id: str
) -> None:
    asked = await _executed(guest, services, workflow_id)
    async with _opened(guest, "session", asked) as answer, asyncio.timeout(_END_SECONDS):
        await guest.lose_role()
        assert b"[DONE]" not in b"".join([piece async for piece in answer.aiter_raw()])


async def test_open_stream_of_member_goes_on_past_checks(
    guest: Guest, services: Services, workflow_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    checks = asyncio.Queue[None]()
    require_rights = reauthorization.load_caller

    async def counted(*args: Any) -> Any:
        checks.put_nowait(None)
        return await require_rights(*args)

    monkeypatch.setattr(reauthorization, "load_caller", counted)
    asked = await _document(guest, services, workflow_id)
    async with _opened(guest, "session", asked) as answer, asyncio.timeout(_END_SECONDS):
        pieces = answer.aiter_raw()
        assert b"document:progress" in await anext(pieces)
        for _ in range(5):
            await checks.get()
        path = asked.path.removesuffix("/stream")
        assert (await guest.owner.browser.delete(path)).status_code == 204
        assert b"[DONE]" in b"".join([piece async for piece in pieces])


@pytest.mark.parametrize(("wait", "loss"), _mixed(WAITS))
async def test_awaited_answer_after_loss_of_rights_is_refused(
    wait: str,
    loss: str,
    guest: Guest,
    services: Services,
    workflow_id: str,
    slow_model: asyncio.Event,
) -> None:
    way, lose = LOSSES[loss]
    asked = await WAITS[wait](guest, services, workflow_id)
    async with guest.client(way) as client, asyncio.timeout(_END_SECONDS):
        waiting = asyncio.create_task(client.request(asked.method, asked.path, json=asked.body))
        if wait == "completeChat":
            await slow_model.wait()
        elif wait == "executeWorkflow":
            await _run_began(guest)
        await lose(guest)
        assert (await waiting).status_code in (401, 403, 404)


async def _run_began(guest: Guest) -> None:
    while not (await guest.owner.browser.get("/api/logs")).json()["data"]:
        await asyncio.sleep(0.05)


async def test_mcp_run_of_revoked_key_is_cancelled(
    guest: Guest, services: Services, workflow_id: str
) -> None:
    asked = await _mcp_run(guest, services, workflow_id)
    async with guest.client("key") as client, asyncio.timeout(_END_SECONDS):
        client.params = httpx.QueryParams()
        waiting = asyncio.create_task(client.request(asked.method, asked.path, json=asked.body))
        await _run_began(guest)
        await guest.lose_key()
        answer = await waiting
    assert answer.json()["result"]["isError"]
    (run,) = (await guest.owner.browser.get("/api/logs")).json()["data"]
    assert run["status"] == "cancelled"


async def test_socket_of_removed_member_is_shown_no_more_of_a_running_turn(
    guest: Guest, services: Services, open_socket: Open
) -> None:
    turn = await _turn(guest, services)
    log = TurnLog(services.events, turn)
    await log.send("text", {"delta": "before"})
    editor = await open_socket(guest.person)
    assert "before" in str(await editor.hears("message:update"))
    await guest.lose_membership()
    async with asyncio.timeout(_END_SECONDS):
        while True:
            await log.send("text", {"delta": "after"})
            if await editor.heard_nothing("message:update"):
                break
