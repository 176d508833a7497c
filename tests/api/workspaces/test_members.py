"""Members: added, promoted, removed; who may do that, and what ends with a membership."""

from __future__ import annotations

import asyncio

import pytest

from core.services import Services
from core.store.workspaces import Member as Membership
from tests.api.conftest import Member, SignUp


def _path(member: Member, user_id: str = "") -> str:
    return f"/api/workspaces/{member.workspace_id}/members" + (f"/{user_id}" if user_id else "")


async def _join(services: Services, host: Member, guest: Member, role: str) -> None:
    membership = Membership(workspace_id=host.workspace_id, user_id=guest.user_id, role=role)
    async with services.store.system() as system:
        system.workspaces.add_member(membership)


async def _roles(member: Member) -> dict[str, str]:
    listed = (await member.browser.get(_path(member))).json()["data"]
    return {row["id"]: row["role"] for row in listed}


async def test_an_id_invites_only_whom_one_works_with(
    member: Member, stranger: Member, services: Services
) -> None:
    second = (await member.browser.post("/api/workspaces", json={"name": "Two"})).json()["id"]
    path, body = f"/api/workspaces/{second}/members", {"userId": stranger.user_id, "role": "read"}
    assert (await member.browser.post(path, json=body)).status_code == 404
    await _join(services, member, stranger, "read")
    invited = await member.browser.post(path, json=body)
    assert (invited.status_code, invited.json()["email"]) == (202, stranger.email)
    again = await member.browser.post(_path(member), json=body)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "CONFLICT")


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"role": "read"}, 400),
        ({"email": "a@b.c", "userId": "usr_1", "role": "read"}, 400),
        ({"email": "nobody@example.com", "role": "emperor"}, 400),
    ],
)
async def test_what_names_nobody_adds_nobody(member: Member, body: dict, status: int) -> None:
    assert (await member.browser.post(_path(member), json=body)).status_code == status
    assert await _roles(member) == {member.user_id: "owner"}


@pytest.mark.parametrize("role", ["read", "write"])
async def test_who_is_no_admin_changes_nobody(
    member: Member, stranger: Member, services: Services, role: str
) -> None:
    await _join(services, member, stranger, role)
    guest = stranger.browser
    adding = {"email": member.email, "role": "read"}
    assert (await guest.get(_path(member))).status_code == 200
    assert (await guest.post(_path(member), json=adding)).status_code == 403
    mine = _path(member, stranger.user_id)
    assert (await guest.patch(mine, json={"role": "admin"})).status_code == 403
    assert (await guest.delete(_path(member, member.user_id))).status_code == 403


async def test_an_admin_neither_makes_nor_touches_owners(
    member: Member, stranger: Member, sign_up: SignUp, services: Services
) -> None:
    await _join(services, member, stranger, "admin")
    third, admin = await sign_up(), stranger.browser
    making = {"email": third.email, "role": "owner"}
    assert (await admin.post(_path(member), json=making)).status_code == 403
    await _join(services, member, third, "read")
    for user_id in (third.user_id, stranger.user_id):
        raised = await admin.patch(_path(member, user_id), json={"role": "owner"})
        assert raised.status_code == 403
    owner = _path(member, member.user_id)
    assert (await admin.patch(owner, json={"role": "read"})).status_code == 403
    assert (await admin.delete(owner)).status_code == 403
    changed = await admin.patch(_path(member, third.user_id), json={"role": "write"})
    assert changed.json()["role"] == "write"
    assert (await admin.delete(_path(member, third.user_id))).status_code == 204
    assert await _roles(member) == {member.user_id: "owner", stranger.user_id: "admin"}


async def test_the_last_owner_stays_and_another_inherits(
    member: Member, stranger: Member, services: Services
) -> None:
    mine = _path(member, member.user_id)
    refused = await member.browser.delete(mine)
    assert (refused.status_code, refused.json()["error"]["code"]) == (409, "CONFLICT")
    assert (await member.browser.patch(mine, json={"role": "admin"})).status_code == 409
    await _join(services, member, stranger, "read")
    theirs = _path(member, stranger.user_id)
    assert (await member.browser.patch(theirs, json={"role": "owner"})).status_code == 200
    workspace = f"/api/workspaces/{member.workspace_id}"
    assert (await stranger.browser.get(workspace)).json()["ownerId"] == member.user_id
    assert (await member.browser.delete(mine)).status_code == 204
    assert (await stranger.browser.get(workspace)).json()["ownerId"] == stranger.user_id
    assert (await member.browser.get(workspace)).status_code == 404


async def test_two_owners_who_demote_each_other_leave_one(
    member: Member, stranger: Member, services: Services
) -> None:
    await _join(services, member, stranger, "owner")
    answers = await asyncio.gather(
        member.browser.patch(_path(member, stranger.user_id), json={"role": "read"}),
        stranger.browser.patch(_path(member, member.user_id), json={"role": "read"}),
    )
    assert sorted(answer.status_code for answer in answers) == [200, 403]
    async with services.store.unit(member.workspace_id) as unit:
        assert await unit.members.owners() == 1


async def test_keys_and_rights_end_with_the_membership(
    member: Member, stranger: Member, services: Services
) -> None:
    await _join(services, member, stranger, "write")
    here = {"workspaceId": member.workspace_id}
    made = await stranger.browser.post("/api/auth/api-keys", json={"name": "k", **here})
    key = {"x-api-key": made.json()["key"]}
    assert (await stranger.browser.get("/api/knowledge", headers=key)).status_code == 200
    assert (await member.browser.delete(_path(member, stranger.user_id))).status_code == 204
    assert (await stranger.browser.get("/api/knowledge", headers=key)).status_code == 401
    assert (await stranger.browser.get("/api/knowledge", params=here)).status_code == 404
    assert (await stranger.program.get("/api/knowledge")).status_code == 200  # her own place
    await _join(services, member, stranger, "write")
    assert (await stranger.browser.get("/api/knowledge", headers=key)).status_code == 401


async def test_leaving_is_everybodys_right_but_not_a_weak_keys(
    member: Member, stranger: Member, services: Services
) -> None:
    await _join(services, member, stranger, "read")
    here = {"workspaceId": member.workspace_id}
    made = await stranger.browser.post("/api/auth/api-keys", json={"name": "k", **here})
    key, mine = {"x-api-key": made.json()["key"]}, _path(member, stranger.user_id)
    assert (await stranger.browser.delete(mine, headers=key)).status_code == 403
    assert (await stranger.browser.delete(mine)).status_code == 204
    assert (await stranger.browser.delete(mine)).status_code == 404
    assert await _roles(member) == {member.user_id: "owner"}
