"""Workspaces: one's own are listed, another's are not there, roles decide."""

from __future__ import annotations

import pytest

from core.services import Services
from core.store.workspaces import Member as Membership
from tests.api.conftest import Member


async def _join(services: Services, workspace_id: str, user_id: str, role: str) -> None:
    async with services.store.system() as system:
        membership = Membership(workspace_id=workspace_id, user_id=user_id, role=role)
        system.workspaces.add_member(membership)


async def test_a_new_workspace_is_its_makers(member: Member) -> None:
    made = await member.browser.post("/api/workspaces", json={"name": "Second"})
    assert made.status_code == 201
    workspace = made.json()
    assert (workspace["role"], workspace["ownerId"]) == ("owner", member.user_id)
    assert (workspace["memberCount"], workspace["plan"]) == (1, "enterprise")
    listed = (await member.browser.get("/api/workspaces")).json()["data"]
    assert [row["id"] for row in listed] == [member.workspace_id, workspace["id"]]
    by_key = (await member.program.get("/api/workspaces")).json()["data"]
    assert [row["id"] for row in by_key] == [member.workspace_id]


async def test_a_workspace_is_picked_by_query_or_body(member: Member) -> None:
    second = (await member.browser.post("/api/workspaces", json={"name": "Two"})).json()["id"]
    here = {"workspaceId": second}
    base = await member.browser.post("/api/knowledge", json={"name": "There", **here})
    assert base.json()["workspaceId"] == second
    assert (await member.browser.get("/api/knowledge")).json()["data"] == []
    there = (await member.browser.get("/api/knowledge", params=here)).json()["data"]
    assert [row["name"] for row in there] == ["There"]
    first = {"workspaceId": member.workspace_id}
    both = await member.browser.post("/api/knowledge", params=first, json={"name": "x", **here})
    assert both.status_code == 400


async def test_the_default_workspace_is_the_users_choice(member: Member) -> None:
    second = (await member.browser.post("/api/workspaces", json={"name": "Two"})).json()["id"]
    chosen = await member.browser.patch("/api/user", json={"defaultWorkspaceId": second})
    assert chosen.status_code == 200
    assert (await member.browser.get("/api/auth/session")).json()["workspaceId"] == second


async def test_nobody_makes_a_strangers_workspace_her_default(
    member: Member, stranger: Member
) -> None:
    wanted = {"defaultWorkspaceId": stranger.workspace_id, "name": "Eve"}
    assert (await member.browser.patch("/api/user", json=wanted)).status_code == 404
    user = (await member.browser.get("/api/user")).json()
    assert (user["name"], user["defaultWorkspaceId"]) == ("Mia Member", member.workspace_id)


@pytest.mark.parametrize(
    ("role", "reads", "makes_a_base", "renames", "deletes"),
    [
        ("read", 200, 403, 403, 403),
        ("write", 200, 201, 403, 403),
        ("admin", 200, 201, 200, 403),
        ("owner", 200, 201, 200, 204),
    ],
)
async def test_a_role_decides_what_a_member_may_do(
    member: Member,
    stranger: Member,
    services: Services,
    role: str,
    reads: int,
    makes_a_base: int,
    renames: int,
    deletes: int,
) -> None:
    await _join(services, member.workspace_id, stranger.user_id, role)
    path, here = f"/api/workspaces/{member.workspace_id}", {"workspaceId": member.workspace_id}
    guest = stranger.browser
    assert (await guest.get(path)).status_code == reads
    base = await guest.post("/api/knowledge", json={"name": "b", **here})
    assert base.status_code == makes_a_base
    assert (await guest.patch(path, json={"name": "Renamed"})).status_code == renames
    assert (await guest.delete(path)).status_code == deletes


async def test_members_are_listed(member: Member, stranger: Member, services: Services) -> None:
    await _join(services, member.workspace_id, stranger.user_id, "read")
    users = (await member.program.get("/api/users", params={"limit": "1"})).json()
    assert [user["role"] for user in users["data"]] == ["owner"]
    rest = (await member.program.get("/api/users", params={"cursor": users["nextCursor"]})).json()
    assert [(u["id"], u["role"]) for u in rest["data"]] == [(stranger.user_id, "read")]
    assert rest["nextCursor"] is None
