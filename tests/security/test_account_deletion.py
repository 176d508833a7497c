"""A deleted account leaves no way in, and takes no workspace with it that was not named."""

from __future__ import annotations

import httpx
from sqlalchemy import select

from api import afterwards
from core.services import Services
from core.store.api_keys import ApiKey
from core.store.sessions import Session
from tests.api.bearers import bearer_of_session
from tests.api.conftest import TLS, Member
from tests.api.memberships import join_workspace
from tests.mailbox import Mailbox


async def _delete(person: Member, *workspaces: str) -> httpx.Response:
    body = {"deleteWorkspaces": [*workspaces]}
    return await person.browser.request("DELETE", "/api/user", json=body)


async def test_delete_account_without_naming_owned_workspaces_says_which_and_deletes_nothing(
    member: Member, stranger: Member
) -> None:
    await join_workspace(member, stranger, "write")
    assert (await member.browser.request("DELETE", "/api/user", json={})).status_code == 400
    for named in ([], [member.workspace_id, stranger.workspace_id], [stranger.workspace_id]):
        refused = await _delete(member, *named)
        assert refused.status_code == 409
        (owned,) = refused.json()["error"]["details"]["workspaces"]
        assert (owned["id"], owned["memberCount"]) == (member.workspace_id, 2)
    for person in (member, stranger):
        assert (await person.browser.get("/api/workspaces")).json()["data"]


async def test_delete_account_ends_sessions_keys_grants_and_named_workspaces(
    member: Member, stranger: Member, services: Services, box: Mailbox
) -> None:
    await join_workspace(member, stranger, "write")
    await join_workspace(stranger, member, "admin")
    theirs = {"name": "k", "workspaceId": stranger.workspace_id}
    key = (await member.browser.post("/api/auth/api-keys", json=theirs)).json()["key"]
    token = await bearer_of_session(member)
    deleted = await _delete(member, member.workspace_id)
    assert deleted.status_code == 204
    assert "Max-Age=0" in deleted.headers["set-cookie"]
    await afterwards.finish(10)
    assert [to for to, _ in box.received] == [member.email]
    for headers in ({"x-api-key": key}, {"Authorization": f"Bearer {token}"}, {}):
        async with httpx.AsyncClient(base_url=member.browser.base_url, verify=TLS) as client:
            answer = await client.get("/api/user", headers=headers)
            assert answer.status_code == 401
    assert (await member.program.get("/api/user")).status_code == 401
    login = {"email": member.email, "password": member.password}
    assert (await stranger.browser.post("/api/auth/login", json=login)).status_code == 401
    async with services.store.engine.connect() as connection:
        for table in (Session, ApiKey):
            rows = select(table.id).where(table.user_id == member.user_id)
            assert (await connection.execute(rows)).all() == []
    left = (await stranger.browser.get("/api/workspaces")).json()["data"]
    assert [row["id"] for row in left] == [stranger.workspace_id]
    people = await stranger.browser.get(f"/api/workspaces/{stranger.workspace_id}/members")
    assert [row["id"] for row in people.json()["data"]] == [stranger.user_id]


async def test_delete_account_of_one_of_two_owners_keeps_the_workspace(
    member: Member, stranger: Member
) -> None:
    await join_workspace(member, stranger, "owner")
    assert (await _delete(member)).status_code == 204
    path = f"/api/workspaces/{member.workspace_id}"
    kept = (await stranger.browser.get(path)).json()
    assert (kept["ownerId"], kept["memberCount"]) == (stranger.user_id, 1)
