"""Who may open a socket."""

from __future__ import annotations

import asyncio

import httpx
import pytest
import socketio
from socketio.exceptions import ConnectionError as Refused

from tests.api.bearers import bearer_of_session
from tests.api.conftest import Member
from tests.api.sockets.conftest import Connect


async def _who(client: socketio.AsyncClient) -> str:
    answer = await client.call("test:say", {"text": "hello"}, timeout=30)
    assert answer["ok"], answer
    return str(answer["userId"])


def _cookie(member: Member) -> str:
    return "; ".join(f"{name}={value}" for name, value in member.browser.cookies.items())


async def _refusal(connect: Connect, *arguments: object, **options: object) -> dict[str, object]:
    seen: list[dict[str, object]] = []
    client = socketio.AsyncClient(reconnection=False)
    client.on("connect_error", seen.append)
    with pytest.raises(Refused):
        await client.connect(*arguments, transports=["websocket"], **options)
    return seen[0]


async def test_each_kind_of_token_lets_its_owner_in(member: Member, connect: Connect) -> None:
    ticket = (await member.browser.post("/api/auth/socket-token")).json()["token"]
    key = member.program.headers["x-api-key"]
    for token in (ticket, key, await bearer_of_session(member)):
        assert await _who(await connect({"token": token})) == member.user_id


async def test_a_cookie_lets_a_page_of_ours_in(
    member: Member, connect: Connect, api_url: str
) -> None:
    client = await connect(headers={"Cookie": _cookie(member), "Origin": api_url})
    assert await _who(client) == member.user_id


async def test_a_cookie_counts_when_polling_too(member: Member, api_url: str) -> None:
    headers = {"Cookie": _cookie(member), "Origin": api_url}
    async with httpx.AsyncClient(base_url=api_url, headers=headers) as client:
        path = "/socket.io/?EIO=4&transport=polling"
        sid = (await client.get(path)).text.split('"sid":"')[1].split('"')[0]
        await client.post(f"{path}&sid={sid}", content="40")
        assert (await client.get(f"{path}&sid={sid}")).text.startswith('40{"sid":')


async def test_a_page_of_another_site_gets_nothing_by_a_cookie(
    member: Member, connect: Connect, api_url: str
) -> None:
    headers = {"Cookie": _cookie(member), "Origin": "https://evil.example"}
    refused = await _refusal(connect, api_url, headers=headers)
    assert refused["data"]["code"] == "FORBIDDEN"


@pytest.mark.parametrize("auth", [None, {}, {"token": "made up"}, {"token": "nuxa_made_up"}])
async def test_nobody_else_is_let_in(auth: object, connect: Connect, api_url: str) -> None:
    refused = await _refusal(connect, api_url, auth=auth)
    assert refused["data"]["code"] == "UNAUTHORIZED"
    assert refused["message"]


@pytest.mark.parametrize("auth", [{"token": 1}, {"token": "x", "more": 1}])
async def test_an_odd_handshake_is_refused_in_words(
    auth: object, connect: Connect, api_url: str
) -> None:
    refused = await _refusal(connect, api_url, auth=auth)
    assert refused["data"]["code"] == "VALIDATION_ERROR"


async def test_a_socket_token_opens_one_socket(
    member: Member, connect: Connect, api_url: str
) -> None:
    ticket = (await member.browser.post("/api/auth/socket-token")).json()["token"]
    await connect({"token": ticket})
    refused = await _refusal(connect, api_url, auth={"token": ticket})
    assert refused["data"]["code"] == "UNAUTHORIZED"


async def test_another_tenants_workspace_is_not_there(
    member: Member, stranger: Member, connect: Connect, api_url: str
) -> None:
    key = stranger.program.headers["x-api-key"]
    auth = {"token": key, "workspaceId": member.workspace_id}
    assert (await _refusal(connect, api_url, auth=auth))["data"]["code"] == "NOT_FOUND"


async def test_a_socket_ends_with_its_session(member: Member, connect: Connect) -> None:
    ticket = (await member.browser.post("/api/auth/socket-token")).json()["token"]
    client = await connect({"token": ticket})
    gone = asyncio.Event()
    client.on("disconnect", lambda *_: gone.set())
    await member.browser.post("/api/auth/logout")
    await asyncio.wait_for(gone.wait(), 5)
