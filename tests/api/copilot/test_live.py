"""Chat over sockets: the turns that streams give, to all sockets of a chat's owner."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any

import pytest
import socketio

from copilot.begin import Ask, begin
from copilot.events import LAST_TYPE, TurnLog
from core.config import Settings
from core.services import Services
from tests.api.conftest import Member, serving
from tests.bases import write_base

LUNCH = "Lunch is served at noon in the canteen on the ground floor."


class Listener:
    """A socket, and what it was told of chats."""

    def __init__(self, client: socketio.AsyncClient) -> None:
        self.client = client
        self.told: list[tuple[str, dict[str, Any]]] = []
        for name in ("message:new", "message:update"):
            client.on(name, lambda data, name=name: self.told.append((name, data)))

    async def ask(self, event: str, **fields: Any) -> dict[str, Any]:
        answer: dict[str, Any] = await self.client.call(event, fields, timeout=15)
        return answer

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(60):
            while not is_so():
                await asyncio.sleep(0.02)

    async def hears_all(self) -> list[tuple[str, dict[str, Any]]]:
        """Return what was told up to a turn's end."""
        async with asyncio.timeout(20):
            while not (self.told and self.told[-1][1]["status"] not in ("running",)
                       and self.told[-1][0] == "message:update"):  # fmt: skip
                await asyncio.sleep(0.02)
        return self.told


Listen = Callable[..., Awaitable[Listener]]


@pytest.fixture
async def listen(api_url: str) -> AsyncIterator[Listen]:
    async with AsyncExitStack() as opened:

        async def one(token: str, url: str = api_url) -> Listener:
            client = socketio.AsyncClient(reconnection=False)
            listener = Listener(client)
            await client.connect(
                url, auth={"token": token}, transports=["websocket"], wait_timeout=10
            )
            opened.push_async_callback(client.disconnect)
            return listener

        yield one


async def _ticket(member: Member) -> str:
    return str((await member.browser.post("/api/auth/socket-token")).json()["token"])


async def _key(member: Member, *scopes: str) -> str:
    asked = {"name": "narrow", "scopes": list(scopes)}
    return str((await member.browser.post("/api/auth/api-keys", json=asked)).json()["key"])


async def test_a_turn_is_shown_to_every_socket_of_its_owner(
    member: Member, stranger: Member, services: Services, settings: Settings, listen: Listen
) -> None:
    await write_base(services.store, member.workspace_id, LUNCH)
    asker, other = await listen(await _ticket(member)), await listen(await _key(member, "read"))
    blind, outsider = (
        await listen(await _key(member, "files:read")),
        await listen(await _ticket(stranger)),
    )
    async with serving(settings) as second_process:
        far = await listen(await _ticket(member), url=second_process)
        answer = await asker.ask("message:new", message="When is lunch served?")
        assert answer["ok"], answer
        for listener in (asker, other, far):
            told = await listener.hears_all()
            (_, question), (_, begun) = told[:2]
            assert [name for name, _ in told[:2]] == ["message:new", "message:new"]
            assert (question["role"], question["content"]) == ("user", "When is lunch served?")
            assert (begun["id"], begun["status"]) == (answer["messageId"], "running")
            assert begun["chatId"] == question["chatId"] == answer["chatId"]
            deltas = [data["delta"] for _, data in told[2:] if "delta" in data]
            last = told[-1][1]
            assert "".join(deltas) == last["content"]
            assert last["notice"]["code"] == "OFFLINE_ANSWERER"
            assert last["notice"]["message"] not in last["content"]
            assert (last["status"], last["id"]) == ("completed", answer["messageId"])
            assert last["citations"]
        await far.client.disconnect()
    path = f"/api/copilot/history?chatId={answer['chatId']}"
    history = (await member.browser.get(path)).json()["data"]
    assert history[-1]["content"] == asker.told[-1][1]["content"]
    assert not blind.told
    assert not outsider.told


async def test_a_turn_begun_by_a_route_is_shown_too(member: Member, listen: Listen) -> None:
    listener = await listen(await _ticket(member))
    chat = await member.browser.post("/api/copilot/chat", json={"message": "Hello?"})
    told = await listener.hears_all()
    assert told[1][1]["id"] == chat.json()["messageId"]


async def test_who_connects_in_the_middle_of_a_turn_is_told_all_of_it(
    member: Member, stranger: Member, services: Services, settings: Settings, listen: Listen
) -> None:
    async with services.store.unit(member.workspace_id) as unit:
        turn = await begin(unit, services, member.user_id, Ask("When is lunch?"))
    message = turn.message
    log = TurnLog(services.events, message)
    await log.send("text", {"delta": "At "})
    # The first finds it in the database, since nobody here followed it; the second in this process.
    first = await listen(await _ticket(member))
    await first.until(lambda: "At " in _text(first, message.id))
    second, outsider = await listen(await _ticket(member)), await listen(await _ticket(stranger))
    await second.until(lambda: "At " in _text(second, message.id))
    await log.send("text", {"delta": "noon."})
    async with services.store.unit(member.workspace_id) as unit:
        end = {"status": "completed", "content": "At noon."}
        assert await unit.messages.finish(message.id, turn.owner, end)
    await log.send(LAST_TYPE, {"status": "completed"})
    for listener in (first, second):
        told = await listener.hears_all()
        new = [data for name, data in told if name == "message:new"]
        assert [data["role"] for data in new][:2] == ["user", "assistant"]
        assert new[0]["content"] == "When is lunch?"
        assert _text(listener, message.id) == "At noon."
        assert told[-1][1]["content"] == "At noon."
    assert not outsider.told


def _text(listener: Listener, message_id: str) -> str:
    """Return what a client shows: a new message takes the place of one, a delta is added."""
    text = ""
    for name, data in listener.told:
        if data["id"] == message_id and name == "message:new":
            text = data["content"]
        elif data["id"] == message_id:
            text += data.get("delta", "")
    return text


async def test_the_same_message_id_is_one_turn(member: Member, listen: Listen) -> None:
    listener = await listen(await _ticket(member))
    sent = {"message": "Hello?", "userMessageId": "mine-1"}
    first, again = [await listener.ask("message:new", **sent) for _ in range(2)]
    assert first["messageId"] == again["messageId"]
    await listener.hears_all()


async def test_a_turn_is_ended_by_its_owner_alone(
    member: Member, stranger: Member, listen: Listen
) -> None:
    listener, outsider = await listen(await _ticket(member)), await listen(await _ticket(stranger))
    message_id = (await listener.ask("message:new", message="Hello?"))["messageId"]
    sent = {"id": message_id, "status": "aborted"}
    assert (await outsider.ask("message:update", **sent))["error"]["code"] == "NOT_FOUND"
    assert (await listener.ask("message:update", **sent))["status"] in ("aborting", "completed")
    for odd in ({}, {"id": message_id, "status": "completed"}, {"id": 3, "status": "aborted"}):
        assert (await listener.ask("message:update", **odd))["error"]["code"] == "VALIDATION_ERROR"
    await listener.hears_all()
