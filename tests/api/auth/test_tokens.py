"""Bearer tokens: made for a session or a key, and never outliving it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from sqlalchemy import delete, select, update

from core.services import Services
from core.store.base import now
from core.store.bearer_tokens import BearerToken
from core.store.pages import PageRequest
from core.store.sessions import Session
from core.store.workspaces import Member as WorkspaceMember
from tests.api.bearers import ASKED, CALLBACK, VERIFIER
from tests.api.conftest import Member


async def _code(member: Member) -> str:
    answer = await member.browser.post("/api/auth/authorize", json=ASKED)
    assert answer.status_code == 201, answer.text
    return str(answer.json()["code"])


async def _exchange(client: httpx.AsyncClient, given: str, **changes: str) -> httpx.Response:
    fields = {
        "grant_type": "authorization_code",
        "code": given,
        "client_id": "cli",
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }
    return await client.post("/api/auth/token", data=fields | changes)


async def _refresh(client: httpx.AsyncClient, token: str, **more: str) -> httpx.Response:
    fields = {"grant_type": "refresh_token", "refresh_token": token, **more}
    return await client.post("/api/auth/token", json=fields)


async def _status(client: httpx.AsyncClient, token: str, path: str = "/api/user") -> int:
    answer = await client.get(path, headers={"Authorization": f"Bearer {token}"})
    return answer.status_code


@pytest.fixture
async def pair(member: Member, anonymous: httpx.AsyncClient) -> dict[str, Any]:
    """Tokens of the member's session."""
    answer = await _exchange(anonymous, await _code(member))
    assert answer.status_code == 200, answer.text
    assert answer.headers["Cache-Control"] == "no-store"
    tokens: dict[str, Any] = answer.json()
    return tokens


async def _end_all(services: Services, table: type[BearerToken] | type[Session]) -> None:
    async with services.store.engine.begin() as connection:
        await connection.execute(update(table).values(expires_at=now()))


async def test_authorization_code_gives_a_bearer_that_acts_for_the_user(
    pair: dict[str, Any], member: Member, api_url: str
) -> None:
    assert pair["token_type"] == "Bearer"
    assert pair["expires_in"] == 900
    bearer = {"Authorization": f"bearer {pair['access_token']}"}
    async with httpx.AsyncClient(base_url=api_url, headers=bearer) as program:
        assert (await program.get("/api/user")).json()["id"] == member.user_id
        session = await program.get("/api/auth/session")
        assert session.json()["workspaceId"] == member.workspace_id
        assert "Set-Cookie" not in session.headers
        made = await program.post("/api/auth/api-keys", json={"name": "by bearer"})
        assert made.status_code == 403


async def test_the_browser_is_sent_back_with_code_and_state(member: Member) -> None:
    asked = ASKED | {"redirectUri": "https://app.example/cb?x=1", "state": "a&b"}
    answer = (await member.browser.post("/api/auth/authorize", json=asked)).json()
    parts = urlsplit(answer["redirectTo"])
    assert (parts.netloc, parts.path) == ("app.example", "/cb")
    assert parse_qs(parts.query) == {"x": ["1"], "code": [answer["code"]], "state": ["a&b"]}


async def test_a_code_goes_to_no_odd_place(member: Member) -> None:
    for uri in (
        "http://app.example/cb",
        "https://app.example/cb#f",
        "https://user@app.example/cb",
        "javascript:alert(1)",
        "//app.example",
        "https://app.example\\@evil.example",
        "https:// app.example",
        "http://127.0.0.1.evil.example/cb",
        "com.example.app://evil.example",
    ):
        asked = ASKED | {"redirectUri": uri}
        answer = await member.browser.post("/api/auth/authorize", json=asked)
        assert (uri, answer.status_code) == (uri, 400)


async def test_a_plain_challenge_is_refused(member: Member) -> None:
    asked = ASKED | {"codeChallengeMethod": "plain"}
    assert (await member.browser.post("/api/auth/authorize", json=asked)).status_code == 400


async def test_a_code_is_for_a_session_only(member: Member) -> None:
    assert (await member.program.post("/api/auth/authorize", json=ASKED)).status_code == 403


@pytest.mark.parametrize(
    "wrong",
    [
        {"code_verifier": "w" * 43},
        {"client_id": "other"},
        {"redirect_uri": "http://127.0.0.1:9999/other"},
        {"code": "nxc_made_up"},
    ],
)
async def test_a_code_works_only_for_whom_it_was_made_and_only_once(
    member: Member, anonymous: httpx.AsyncClient, wrong: dict[str, str]
) -> None:
    code = await _code(member)
    refused = await _exchange(anonymous, code, **wrong)
    assert refused.status_code == 400
    assert refused.json()["error"]["details"] == {"reason": "invalid_grant"}
    again = await _exchange(anonymous, code)
    assert again.status_code == (200 if "code" in wrong else 400)


async def test_a_code_that_is_used_again_ends_what_came_of_it(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    code = await _code(member)
    tokens = (await _exchange(anonymous, code)).json()
    assert await _status(anonymous, tokens["access_token"]) == 200
    assert (await _exchange(anonymous, code)).status_code == 400
    assert await _status(anonymous, tokens["access_token"]) == 401
    assert (await _refresh(anonymous, tokens["refresh_token"])).status_code == 400


async def test_a_code_lasts_a_minute(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    code = await _code(member)
    async with services.store.engine.connect() as connection:
        until = await connection.scalar(select(BearerToken.expires_at))
    assert until is not None and until <= now() + timedelta(seconds=60)
    await _end_all(services, BearerToken)
    assert (await _exchange(anonymous, code)).status_code == 400


async def test_refreshing_rotates_and_reuse_ends_the_family(
    pair: dict[str, Any], anonymous: httpx.AsyncClient
) -> None:
    renewed = (await _refresh(anonymous, pair["refresh_token"], client_id="cli")).json()
    assert renewed["refresh_token"] != pair["refresh_token"]
    assert await _status(anonymous, renewed["access_token"]) == 200
    stolen = await _refresh(anonymous, pair["refresh_token"])
    assert stolen.status_code == 400
    for token in (pair["access_token"], renewed["access_token"]):
        assert await _status(anonymous, token) == 401
    assert (await _refresh(anonymous, renewed["refresh_token"])).status_code == 400


async def test_of_many_who_refresh_at_once_one_at_most_has_a_living_token(
    pair: dict[str, Any], anonymous: httpx.AsyncClient
) -> None:
    answers = await asyncio.gather(*(_refresh(anonymous, pair["refresh_token"]) for _ in range(5)))
    given = [answer.json() for answer in answers if answer.status_code == 200]
    assert len(given) == 1
    assert await _status(anonymous, given[0]["access_token"]) == 401


async def test_a_refresh_token_of_another_client_is_refused(
    pair: dict[str, Any], anonymous: httpx.AsyncClient
) -> None:
    answer = await _refresh(anonymous, pair["refresh_token"], client_id="other")
    assert answer.status_code == 400


async def test_each_kind_of_token_works_in_its_own_place_only(
    pair: dict[str, Any], member: Member, anonymous: httpx.AsyncClient
) -> None:
    assert await _status(anonymous, pair["refresh_token"]) == 401
    assert await _status(anonymous, await _code(member)) == 401
    assert (await _refresh(anonymous, pair["access_token"])).status_code == 400
    assert (await _exchange(anonymous, pair["refresh_token"])).status_code == 400


async def test_an_expired_bearer_is_refused(
    pair: dict[str, Any], anonymous: httpx.AsyncClient, services: Services
) -> None:
    await _end_all(services, BearerToken)
    assert await _status(anonymous, pair["access_token"]) == 401
    assert (await _refresh(anonymous, pair["refresh_token"])).status_code == 400


async def test_logging_out_ends_the_sessions_tokens(
    pair: dict[str, Any], member: Member, anonymous: httpx.AsyncClient
) -> None:
    assert (await member.browser.post("/api/auth/logout")).status_code == 204
    assert await _status(anonymous, pair["access_token"]) == 401
    assert (await _refresh(anonymous, pair["refresh_token"])).status_code == 400


async def test_a_session_that_ran_out_takes_its_tokens_along(
    pair: dict[str, Any], anonymous: httpx.AsyncClient, services: Services
) -> None:
    await _end_all(services, Session)
    assert await _status(anonymous, pair["access_token"]) == 401
    assert (await _refresh(anonymous, pair["refresh_token"])).status_code == 400


async def test_nothing_that_works_is_stored(pair: dict[str, Any], services: Services) -> None:
    async with services.store.engine.connect() as connection:
        rows = (await connection.execute(select(BearerToken.__table__))).all()
    stored = repr(rows)
    assert len(rows) == 3
    assert pair["access_token"] not in stored and pair["refresh_token"] not in stored


def _key_of(member: Member) -> str:
    return str(member.program.headers["x-api-key"])


@pytest.mark.parametrize("how", ["header", "secret", "basic"])
async def test_a_key_gives_a_bearer_that_counts_as_the_key(
    member: Member, anonymous: httpx.AsyncClient, how: str
) -> None:
    key, fields = _key_of(member), {"grant_type": "client_credentials"}
    sent = {
        "header": {"headers": {"x-api-key": key}, "json": fields},
        "secret": {"data": fields | {"client_id": "me", "client_secret": key}},
        "basic": {"data": fields, "auth": ("me", key)},
    }
    answer = await anonymous.post("/api/auth/token", **sent[how])  # type: ignore[arg-type]
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    assert "refresh_token" not in tokens
    bearer = tokens["access_token"]
    assert await _status(anonymous, bearer, "/api/v1/workflows") == 200
    assert await _status(anonymous, bearer, "/api/auth/api-keys") == 403
    keys = (await member.browser.get("/api/auth/api-keys")).json()["data"]
    assert (await member.browser.delete(f"/api/auth/api-keys/{keys[0]['id']}")).status_code == 204
    assert await _status(anonymous, bearer) == 401


async def test_a_keys_scopes_and_end_bind_its_bearer(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    soon = (now() + timedelta(minutes=5)).isoformat()
    wish = {"name": "narrow", "scopes": ["files:read"], "expiresAt": soon}
    made = (await member.browser.post("/api/auth/api-keys", json=wish)).json()
    fields = {"grant_type": "client_credentials", "client_secret": made["key"]}
    tokens = (await anonymous.post("/api/auth/token", data=fields)).json()
    assert tokens["expires_in"] <= 300
    assert await _status(anonymous, tokens["access_token"], "/api/files") == 200
    assert await _status(anonymous, tokens["access_token"], "/api/workflows") == 403
    async with services.store.unit(member.workspace_id) as unit:
        for row in (await unit.api_keys.page(member.user_id, PageRequest(10))).rows:
            row.expires_at = now()
    assert await _status(anonymous, tokens["access_token"], "/api/files") == 401


async def test_who_leaves_a_workspace_has_no_bearer_for_it(
    pair: dict[str, Any], member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    key = {"grant_type": "client_credentials", "client_secret": _key_of(member)}
    of_key = (await anonymous.post("/api/auth/token", data=key)).json()["access_token"]
    path = f"/api/workspaces/{member.workspace_id}"
    for token in (pair["access_token"], of_key):
        assert await _status(anonymous, token, path) == 200
    async with services.store.engine.begin() as connection:
        seat = delete(WorkspaceMember).where(WorkspaceMember.user_id == member.user_id)
        await connection.execute(seat)
    assert await _status(anonymous, pair["access_token"], path) == 404
    assert await _status(anonymous, of_key, path) == 401


async def test_an_api_key_is_taken_as_a_bearer_too(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    assert await _status(anonymous, _key_of(member), "/api/v1/workflows") == 200
