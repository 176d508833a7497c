"""Events: checked, let in by the role of this moment, acknowledged, bounded."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import socketio

from api.sockets.connection import Pace
from core.config import Settings
from core.errors import RateLimited
from core.services import Services
from tests.api.conftest import Member, serving
from tests.api.memberships import join_workspace
from tests.api.sockets.conftest import Connect, Told, socket_app


def _auth(member: Member) -> dict[str, str]:
    return {"token": member.program.headers["x-api-key"]}


async def _ask(client: socketio.AsyncClient, event: str, *sent: Any) -> dict[str, Any]:
    answer: dict[str, Any] = await client.call(
        event, sent if len(sent) != 1 else sent[0], timeout=5
    )
    return answer


async def _reader(member: Member, stranger: Member) -> dict[str, str]:
    """Let a stranger read the member's workspace; return the stranger's handshake there."""
    await join_workspace(member, stranger, "read")
    ticket = (await stranger.browser.post("/api/auth/socket-token")).json()["token"]
    return {"token": ticket, "workspaceId": member.workspace_id}


async def test_an_event_is_acknowledged_and_answered(member: Member, connect: Connect) -> None:
    client = await connect(_auth(member))
    heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    client.on("test:heard", heard.set_result)
    answer = await _ask(client, "test:say", {"text": "hello"})
    assert answer == {"ok": True, "userId": member.user_id, "workspaceId": member.workspace_id}
    assert await asyncio.wait_for(heard, 5) == {"text": "hello"}


async def test_bytes_come_as_bytes(member: Member, connect: Connect, told: Told) -> None:
    assert (await _ask(await connect(_auth(member)), "test:say", {"text": b"\x00\xff"}))["ok"]
    assert told.texts == [b"\x00\xff"]


ODD: list[tuple[Any, ...]] = [
    (),
    (1,),
    ("text",),
    ([],),
    ({},),
    ({"text": 1},),
    ({"text": "a", "more": 1},),
    ({"text": "a"}, {"text": "b"}),
    ({"text": "\x00"},),
    ({"text": "a", "workspaceId": 3},),
]


@pytest.mark.parametrize("sent", ODD)
async def test_what_is_not_the_payload_is_refused(
    sent: tuple[Any, ...], member: Member, connect: Connect, told: Told
) -> None:
    answer = await _ask(await connect(_auth(member)), "test:say", *sent)
    assert (answer["ok"], answer["error"]["code"]) == (False, "VALIDATION_ERROR")
    assert answer["error"]["retryable"] is False
    assert not told.texts


async def test_errors_are_told_and_breakdowns_are_not(member: Member, connect: Connect) -> None:
    client = await connect(_auth(member))
    clash = (await _ask(client, "test:clash", {"text": "a"}))["error"]
    assert (clash["code"], clash["retryable"]) == ("CONFLICT", False)
    broken = (await _ask(client, "test:break", {"text": "a"}))["error"]
    assert broken["code"] == "INTERNAL_ERROR"
    assert "secret" not in broken["message"]
    assert (await _ask(client, "test:none", {"text": "a"}))["error"]["code"] == "NOT_FOUND"


async def test_a_reader_does_not_write(
    member: Member, stranger: Member, connect: Connect, told: Told
) -> None:
    client = await connect(await _reader(member, stranger))
    assert (await _ask(client, "test:say", {"text": "r"}))["workspaceId"] == member.workspace_id
    answer = await _ask(client, "test:write", {"text": "w"})
    assert answer["error"]["code"] == "FORBIDDEN"
    assert told.texts == ["r"]


async def test_a_keys_scopes_hold(member: Member, connect: Connect) -> None:
    for scopes, code in ((["files:write"], "FORBIDDEN"), (["voice:read"], None)):
        asked = {"name": "narrow", "scopes": scopes}
        key = (await member.browser.post("/api/auth/api-keys", json=asked)).json()["key"]
        answer = await _ask(await connect({"token": key}), "test:say", {"text": "a"})
        assert answer.get("error", {}).get("code") == code


async def test_another_tenants_workspace_is_not_there(
    member: Member, stranger: Member, connect: Connect, told: Told
) -> None:
    asked = {"text": "a", "workspaceId": member.workspace_id}
    ticket = (await stranger.browser.post("/api/auth/socket-token")).json()["token"]
    for auth in (_auth(stranger), {"token": ticket}):
        assert (await _ask(await connect(auth), "test:say", asked))["error"]["code"] == "NOT_FOUND"
    assert not told.texts


async def test_a_role_taken_away_counts_with_the_next_event_and_closes_what_is_held(
    member: Member, stranger: Member, connect: Connect, told: Told
) -> None:
    auth = await _reader(member, stranger)
    person = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    await member.browser.patch(person, json={"role": "write"})
    client = await connect(auth)
    assert (await _ask(client, "test:join", {"text": "a"}))["ok"]
    await member.browser.patch(person, json={"role": "read"})
    assert (await _ask(client, "test:write", {"text": "a"}))["error"]["code"] == "FORBIDDEN"
    async with asyncio.timeout(5):
        while not told.rooms[0].closed:
            await asyncio.sleep(0.05)
    assert told.rooms[0].closed == ["denied"]
    await member.browser.delete(person)
    assert (await _ask(client, "test:say", {"text": "a"}))["error"]["code"] == "NOT_FOUND"


async def test_what_is_held_goes_with_the_socket(
    member: Member, connect: Connect, told: Told
) -> None:
    client = await connect(_auth(member))
    await _ask(client, "test:join", {"text": "a"})
    await client.disconnect()
    async with asyncio.timeout(5):
        while not told.rooms[0].closed:
            await asyncio.sleep(0.02)
    assert told.rooms[0].closed == ["gone"]


async def test_pieces_are_taken_in_order_and_a_flood_is_slowed_then_cut(
    member: Member,
    connect: Connect,
    told: Told,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    # A busy machine sends fewer a second than are allowed, and would flood nobody.
    monkeypatch.setattr(Pace.__init__, "__defaults__", (1.0, 200.0))
    client = await connect(_auth(member))
    gone = asyncio.Event()
    client.on("disconnect", lambda *_: gone.set())
    answers: list[dict[str, Any]] = []
    for number in range(2000):
        if not client.connected:
            break
        await client.emit("test:piece", {"text": str(number)}, callback=answers.append)
    await asyncio.wait_for(gone.wait(), 120)
    taken = [int(text) for text in told.texts]
    assert taken == sorted(taken)
    assert 200 <= len(taken) < 1000
    refused = [a["error"] for a in answers if not a["ok"]]
    assert {(e["code"], e["retryable"]) for e in refused} == {("RATE_LIMITED", True)}
    assert [record for record in caplog.records if record.exc_info] == []


def test_the_pace_lets_a_steady_stream_through() -> None:
    pace = Pace(per_second=1000, burst=3)
    for _ in range(3):
        pace.spend()
    with pytest.raises(RateLimited):
        pace.spend()


async def test_a_packet_too_large_ends_the_socket(
    member: Member, connect: Connect, told: Told
) -> None:
    client = await connect(_auth(member))
    gone = asyncio.Event()
    client.on("disconnect", lambda *_: gone.set())
    await client.emit("test:say", {"text": "x" * 1_100_000})
    await asyncio.wait_for(gone.wait(), 10)
    assert not told.texts


async def test_malformed_packets_do_no_harm(member: Member, connect: Connect) -> None:
    client = await connect(_auth(member))
    for packet in ("", "9", "2", "2{", "2[", '2["test:say"', "2" + "[" * 100_000, "59-[]", "5999-"):
        await client.eio.send(packet)
    assert (await _ask(client, "test:say", {"text": "still"}))["ok"]


@pytest.mark.parametrize("name", ["connect", "disconnect", "*", "", 3, None, ["a"], {"a": 1}])
async def test_a_name_that_is_the_librarys_or_no_text_is_an_event_that_is_not_there(
    name: Any, member: Member, connect: Connect, told: Told
) -> None:
    client = await connect(_auth(member))
    await _ask(client, "test:join", {"text": "a"})
    sent = ({"asgi.scope": {"headers": []}}, _auth(member))
    for several in (sent, ("transport close",), ()):
        answer = await client.call(name, several, timeout=5)
        assert answer["error"]["code"] == "NOT_FOUND"
    assert (await _ask(client, "test:say", {"text": "still"}))["ok"]
    assert told.rooms[0].closed == []


async def test_a_packet_that_cannot_be_read_is_a_line_in_the_log(
    member: Member, connect: Connect, caplog: pytest.LogCaptureFixture
) -> None:
    client = await connect(_auth(member))
    for packet in ("2[]", "2{", "9", "2" + "[" * 100_000, "1", "0{"):
        await client.eio.send(packet)
    await asyncio.sleep(0.2)
    assert [record for record in caplog.records if record.exc_info] == []


async def test_who_never_says_hello_is_shown_out(api_url: str) -> None:
    async with httpx.AsyncClient(base_url=api_url, timeout=10) as client:
        opened = await client.get("/socket.io/?EIO=4&transport=polling")
        sid = opened.text.split('"sid":"')[1].split('"')[0]
        path = f"/socket.io/?EIO=4&transport=polling&sid={sid}"
        async with asyncio.timeout(30):
            while (await client.post(path, content="3")).is_success:  # a pong
                await asyncio.sleep(0.1)


async def test_two_processes_share_what_is_sent(
    settings: Settings, services: Services, member: Member, connect: Connect, told: Told
) -> None:
    first, second = socket_app(settings, told), socket_app(settings, told)
    async with serving(settings, first) as one, serving(settings, second) as other:
        heard: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        client = await connect(_auth(member), url=other)
        client.on("test:all", heard.set_result)
        talker = await connect(_auth(member), url=one)
        server = await first.sockets._server()
        async with asyncio.timeout(30):
            while not heard.done():  # the other may only just be listening
                await server.emit("test:all", {"n": 1})
                await asyncio.sleep(0.05)
        assert heard.result() == {"n": 1}
        await client.disconnect()
        await talker.disconnect()


async def test_a_server_that_ends_closes_its_sockets(
    settings: Settings, services: Services, member: Member, told: Told
) -> None:
    client = socketio.AsyncClient(reconnection=False)
    gone = asyncio.Event()
    client.on("disconnect", lambda *_: gone.set())
    async with serving(settings, socket_app(settings, told)) as url:
        await client.connect(url, auth=_auth(member), transports=["websocket"], wait_timeout=10)
        await client.call("test:join", {"text": "a"}, timeout=30)
    await asyncio.wait_for(gone.wait(), 30)
    assert told.rooms[0].closed


async def test_nothing_is_loaded_until_somebody_opens_a_socket(
    settings: Settings, services: Services, told: Told
) -> None:
    app = socket_app(settings, told)
    async with serving(settings, app) as url, httpx.AsyncClient(base_url=url) as client:
        await client.get("/api/health/live")
        assert app.sockets._starting is None
        await client.get("/socket.io/?EIO=4&transport=polling")
        assert app.sockets._starting is not None
