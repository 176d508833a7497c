"""One-time tokens for the handshake of a socket."""

from __future__ import annotations

import httpx

from api.identity import redeem_socket_token
from core.services import Services
from tests.api.conftest import Member


async def _token(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/auth/socket-token")
    assert answer.status_code == 201
    return str(answer.json()["token"])


async def test_a_token_stands_once_for_the_session(member: Member, services: Services) -> None:
    token = await _token(member.browser)
    redeemed = await redeem_socket_token(services, token)
    assert redeemed is not None
    identity, workspace_id = redeemed
    assert workspace_id == member.workspace_id
    assert (identity.user_id, identity.way, identity.scopes) == (member.user_id, "session", None)
    assert await redeem_socket_token(services, token) is None


async def test_a_keys_token_reaches_no_further_than_the_key(
    member: Member, services: Services
) -> None:
    redeemed = await redeem_socket_token(services, await _token(member.program))
    assert redeemed is not None
    identity, _ = redeemed
    assert (identity.way, identity.workspace_id) == ("key", member.workspace_id)
    assert identity.scopes == {"read", "write"}


async def test_a_token_ends_with_its_session(member: Member, services: Services) -> None:
    token = await _token(member.browser)
    await member.browser.post("/api/auth/logout")
    assert await redeem_socket_token(services, token) is None


async def test_a_token_ends_with_its_key(member: Member, services: Services) -> None:
    token = await _token(member.program)
    keys = (await member.browser.get("/api/auth/api-keys")).json()["data"]
    await member.browser.delete(f"/api/auth/api-keys/{keys[0]['id']}")
    assert await redeem_socket_token(services, token) is None


async def test_a_token_is_kept_for_a_minute_and_as_a_hash(
    member: Member, services: Services
) -> None:
    token = await _token(member.browser)
    (key,) = await services.redis.keys("ticket:socket:*")
    assert token not in key.decode()
    assert 0 < await services.redis.ttl(key) <= 60


async def test_a_made_up_token_is_nobodys(services: Services, member: Member) -> None:
    assert await redeem_socket_token(services, "made up") is None


async def test_a_socket_token_is_no_bearer(member: Member, anonymous: httpx.AsyncClient) -> None:
    headers = {"Authorization": f"Bearer {await _token(member.browser)}"}
    assert (await anonymous.get("/api/user", headers=headers)).status_code == 401
