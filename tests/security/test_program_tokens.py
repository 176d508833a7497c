"""Programs act within a scope, and never create credentials or destroy what others rely on."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from api.app import create_app
from api.endpoint import ENDPOINTS
from core.config import Settings
from core.services import Services
from core.store.base import now
from core.store.sessions import Session
from tests.api.bearers import tokens_of_session
from tests.api.conftest import TLS, Member

# Every call here makes a credential, changes who may do what, or destroys for good.
RECENT_LOGIN = {
    "POST /api/auth/authorize",
    "POST /api/auth/api-keys",
    "DELETE /api/auth/api-keys/<key_id>",
    "POST /api/user/email",
    "DELETE /api/user",
    "POST /api/auth/passkey-options",
    "POST /api/auth/passkeys",
    "DELETE /api/auth/passkeys/<passkey_id>",
    "POST /api/auth/totp",
    "POST /api/auth/totp/confirm",
    "DELETE /api/auth/totp",
    "POST /api/auth/recovery-codes",
    "DELETE /api/workspaces/<workspace_id>",
    "POST /api/copilot/agents/<agent_id>/share",
    "POST /api/workspaces/<workspace_id>/members",
    "POST /api/workspaces/<workspace_id>/invitations",
    "PATCH /api/workspaces/<workspace_id>/members/<user_id>",
    "DELETE /api/workspaces/<workspace_id>/members/<user_id>",
    "PUT /api/workspaces/<workspace_id>/secrets/<name>",
    "DELETE /api/workspaces/<workspace_id>/secrets/<name>",
    "PUT /api/workspaces/<workspace_id>/model-providers/<provider>",
    "DELETE /api/workspaces/<workspace_id>/model-providers/<provider>",
}
# A session is enough: these only take access away, prove the password, or ask for it themselves.
SESSION_ENOUGH = {
    "POST /api/auth/logout",
    "POST /api/auth/reauthenticate",
    "DELETE /api/auth/sessions/<session_id>",
    "DELETE /api/auth/grants/<grant_id>",
    "DELETE /api/workspaces/<workspace_id>/invitations/<invitation_id>",
    "POST /api/invitations/accept",
    "POST /api/auth/verify-email",
    "POST /api/auth/verify-email/resend",
    "POST /api/user/email/confirm",
}
# Gives the caller's own rights, no more, for one handshake; or is how credentials are obtained.
OPEN_TO_PROGRAMS = {
    "POST /api/auth/socket-token",
    "POST /api/auth/token",
    "POST /api/auth/signup",
    "POST /api/auth/login",
    "POST /api/auth/reset-password",
    "POST /api/auth/second-factor",
    "POST /api/auth/passkey-login",
    "POST /api/auth/passkey-login/options",
}
_CREDENTIAL_PATHS = (
    "/api/auth/",
    "/api/user/",
    "/members",
    "/invitations",
    "/secrets",
    "/model-providers",
)


def _client(member: Member, token: str) -> httpx.AsyncClient:
    headers = {"Authorization": f"Bearer {token}"}
    return httpx.AsyncClient(base_url=member.browser.base_url, headers=headers, verify=TLS)


@pytest.fixture
async def clients() -> AsyncIterator[AsyncExitStack]:
    async with AsyncExitStack() as stack:
        yield stack


async def _grant(
    clients: AsyncExitStack, member: Member, scope: str | None = "admin"
) -> tuple[httpx.AsyncClient, dict[str, Any]]:
    tokens = await tokens_of_session(member, scope)
    client = await clients.enter_async_context(_client(member, tokens["access_token"]))
    return client, tokens


async def _make_login_old(services: Services, member: Member) -> None:
    async with services.store.engine.begin() as connection:
        old = now() - timedelta(minutes=16)
        mine = update(Session).where(Session.user_id == member.user_id)
        await connection.execute(mine.values(authenticated_at=old))


def _path(route: str, member: Member) -> tuple[str, str]:
    method, path = route.split(" ")
    ids = {"<workspace_id>": member.workspace_id, "<user_id>": member.user_id}
    ids |= {"<name>": "TOKEN", "<provider>": "mistral", "<key_id>": "key_x"}
    for name, value in ids.items():
        path = path.replace(name, value)
    return method, path


def _reason(answer: httpx.Response) -> object:
    return answer.json()["error"]["details"].get("reason")


def test_endpoint_table_credential_and_destructive_routes_are_declared(settings: Settings) -> None:
    create_app(settings)
    recent = {route.name for route in ENDPOINTS if route.access.needs_recent_login}
    assert recent == RECENT_LOGIN
    about_credentials = {
        route.name
        for route in ENDPOINTS
        if route.method != "GET" and any(part in route.path for part in _CREDENTIAL_PATHS)
    }
    assert about_credentials - RECENT_LOGIN == SESSION_ENOUGH | OPEN_TO_PROGRAMS
    for route in ENDPOINTS:
        if route.name in RECENT_LOGIN | SESSION_ENOUGH:
            assert route.access.only == "session", route.name


async def test_openapi_routes_with_recent_login_are_marked_and_take_no_bearer(
    anonymous: httpx.AsyncClient,
) -> None:
    paths = (await anonymous.get("/api/openapi.json")).json()["paths"]
    marked = [
        operation
        for methods in paths.values()
        for operation in methods.values()
        if operation.get("x-nuxa-recent-login")
    ]
    assert len(marked) == len(RECENT_LOGIN)
    assert all(operation["security"] == [{"session": []}] for operation in marked)


@pytest.mark.parametrize("route", sorted(RECENT_LOGIN))
async def test_program_token_on_credential_route_is_forbidden(
    route: str, member: Member, clients: AsyncExitStack
) -> None:
    bearer, _ = await _grant(clients, member)
    method, path = _path(route, member)
    body = {"json": {}} if method != "DELETE" else {}
    for client in (bearer, member.program):
        answer = await client.request(method, path, **body)
        # A body that does not fit is read before rights are known to be missing.
        assert answer.status_code == 403, (route, answer.text)
        assert _reason(answer) == "session_required"
    assert (await member.browser.get("/api/user")).status_code == 200


@pytest.mark.parametrize("route", sorted(RECENT_LOGIN))
async def test_old_login_on_credential_route_asks_to_reauthenticate(
    route: str, member: Member, services: Services
) -> None:
    await _make_login_old(services, member)
    method, path = _path(route, member)
    body = {"json": {}} if method != "DELETE" else {}
    answer = await member.browser.request(method, path, **body)
    assert (answer.status_code, _reason(answer)) == (403, "reauthentication_required")


async def test_reauthenticate_with_password_lets_create_a_key_again(
    member: Member, services: Services
) -> None:
    await _make_login_old(services, member)
    wrong = await member.browser.post("/api/auth/reauthenticate", json={"password": "wrong"})
    assert wrong.status_code == 401
    refused = await member.browser.post("/api/auth/api-keys", json={"name": "k"})
    assert refused.status_code == 403
    right = {"password": member.password}
    answer = await member.browser.post("/api/auth/reauthenticate", json=right)
    assert answer.status_code == 204
    made = await member.browser.post("/api/auth/api-keys", json={"name": "k"})
    assert made.status_code == 201


async def test_reauthenticate_with_wrong_passwords_is_throttled(member: Member) -> None:
    wrong = {"password": "wrong"}
    statuses = [
        (await member.browser.post("/api/auth/reauthenticate", json=wrong)).status_code
        for _ in range(11)
    ]
    assert statuses == [401] * 10 + [429]


async def test_program_token_is_limited_to_its_scope(
    member: Member, clients: AsyncExitStack
) -> None:
    narrow, tokens = await _grant(clients, member, "files:read")
    assert tokens["scope"] == "files:read"
    assert (await narrow.get("/api/files")).status_code == 200
    assert (await narrow.get("/api/workflows")).status_code == 403
    usual, tokens = await _grant(clients, member, None)
    assert tokens["scope"] == "read write"
    assert (await usual.post("/api/workflows", json={"name": "w"})).status_code == 201
    renamed = {"name": "Mine"}
    path = f"/api/workspaces/{member.workspace_id}"
    assert (await usual.patch(path, json=renamed)).status_code == 403
    for call in (usual.get("/api/auth/api-keys"), usual.patch("/api/user", json=renamed)):
        assert (await call).status_code == 403


async def test_socket_token_of_a_program_carries_its_scope(
    member: Member, clients: AsyncExitStack, services: Services
) -> None:
    from api.identity import redeem_socket_token

    narrow, _ = await _grant(clients, member, "auth:read files:read")
    token = (await narrow.post("/api/auth/socket-token")).json()["token"]
    redeemed = await redeem_socket_token(services, token)
    assert redeemed is not None
    identity, _ = redeemed
    assert identity.scopes == {"auth:read", "files:read"}
    assert identity.is_bearer


async def test_refresh_beyond_the_granted_scope_is_refused(
    member: Member, clients: AsyncExitStack, anonymous: httpx.AsyncClient
) -> None:
    _, tokens = await _grant(clients, member, "read")
    wider = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = await anonymous.post("/api/auth/token", data=wider | {"scope": "admin"})
    assert (answer.status_code, _reason(answer)) == (400, "invalid_scope")
    again = await anonymous.post("/api/auth/token", data=wider | {"scope": "read"})
    assert (again.status_code, again.json()["scope"]) == (200, "read")


async def test_revoked_grant_ends_its_tokens_and_no_others(
    member: Member, stranger: Member, clients: AsyncExitStack, anonymous: httpx.AsyncClient
) -> None:
    first, tokens = await _grant(clients, member)
    other, _ = await _grant(clients, member, "read")
    rows = (await member.browser.get("/api/auth/grants")).json()["data"]
    assert [(row["clientId"], row["scope"]) for row in rows] == [("cli", "read"), ("cli", "admin")]
    path = f"/api/auth/grants/{rows[1]['id']}"
    assert (await stranger.browser.delete(path)).status_code == 404
    assert (await first.get("/api/user")).status_code == 200
    socket_token = (await first.post("/api/auth/socket-token")).json()["token"]
    assert (await member.browser.delete(path)).status_code == 204
    assert (await first.get("/api/user")).status_code == 401
    fields = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert (await anonymous.post("/api/auth/token", data=fields)).status_code == 400
    assert (await other.get("/api/user")).status_code == 200
    headers = {"Authorization": f"Bearer {socket_token}"}
    assert (await anonymous.get("/api/user", headers=headers)).status_code == 401


async def test_changed_password_ends_programs_and_on_request_all_keys(
    member: Member, clients: AsyncExitStack
) -> None:
    program, _ = await _grant(clients, member)
    change = {"password": "a new password", "currentPassword": member.password}
    assert (await member.browser.patch("/api/user", json=change)).status_code == 200
    assert (await program.get("/api/user")).status_code == 401
    assert (await member.program.get("/api/user")).status_code == 200
    change = {
        "password": "another password",
        "currentPassword": "a new password",
        "revokeApiKeys": True,
    }
    assert (await member.browser.patch("/api/user", json=change)).status_code == 200
    assert (await member.program.get("/api/user")).status_code == 401
    assert (await member.browser.get("/api/user")).status_code == 200


async def test_logout_ends_the_programs_of_the_session(
    member: Member, clients: AsyncExitStack
) -> None:
    program, _ = await _grant(clients, member)
    assert (await member.browser.post("/api/auth/logout")).status_code == 204
    assert (await program.get("/api/user")).status_code == 401
