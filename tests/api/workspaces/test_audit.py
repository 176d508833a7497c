"""The audit log: written with the change or not at all, read by admins, without secrets."""

from __future__ import annotations

import httpx

from core.services import Services
from core.store.workspaces import Member as Membership
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition


def _path(member: Member) -> str:
    return f"/api/workspaces/{member.workspace_id}/audit"


async def _events(member: Member, **query: str) -> list[dict]:
    answer = await member.browser.get(_path(member), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["data"]


async def test_a_change_is_told_with_who_made_it(member: Member, stranger: Member) -> None:
    workspace = f"/api/workspaces/{member.workspace_id}"
    members = f"{workspace}/members"
    named = {"X-Request-Id": "mine-1"}
    made = await member.browser.post(
        f"{workspace}/invitations", json={"role": "write"}, headers=named
    )
    (event,) = await _events(member, action="invitation.created")
    assert (event["target"], event["actorId"]) == (made.json()["id"], member.user_id)
    assert event["details"] == {"role": "write", "byLink": True}
    assert (event["requestId"], event["address"]) == ("mine-1", "127.0.0.1")
    token = {"token": made.json()["token"]}
    assert (await stranger.browser.post("/api/invitations/accept", json=token)).is_success
    (event,) = await _events(member, action="member.added")
    assert (event["target"], event["details"]["role"]) == (stranger.user_id, "write")
    assert (event["actorId"], event["actorWay"]) == (stranger.user_id, "session")
    assert event["details"]["invitedBy"] == member.user_id
    await member.browser.patch(f"{members}/{stranger.user_id}", json={"role": "read"})
    await member.browser.delete(f"{members}/{stranger.user_id}")
    about = await _events(member, target=stranger.user_id)
    assert [row["action"] for row in about] == [
        "member.removed", "member.role_changed", "member.added",
    ]  # fmt: skip


async def test_a_refused_change_leaves_no_event(member: Member) -> None:
    path = f"/api/workspaces/{member.workspace_id}/members/{member.user_id}"
    assert (await member.browser.delete(path)).status_code == 409
    assert await _events(member, target=member.user_id, action="member.left") == []


async def test_events_of_every_kind_and_none_shows_a_secret(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    program, workspace = member.program, f"/api/workspaces/{member.workspace_id}"
    await member.browser.put(f"{workspace}/secrets/TOKEN", json={"value": "xoxb-very-secret"})
    await member.browser.delete(f"{workspace}/secrets/TOKEN")
    made = await member.browser.post("/api/auth/api-keys", json={"name": "second"})
    await member.browser.delete(f"/api/auth/api-keys/{made.json()['id']}")
    base = (await program.post("/api/knowledge", json={"name": "b"})).json()["id"]
    text = {"text": "The slipway is closed.", "name": "a.txt"}
    documents = f"/api/knowledge/{base}/documents"
    document = (await program.post(documents, json=text)).json()["id"]
    await program.delete(f"{documents}/{document}")
    await program.delete(f"/api/knowledge/{base}")
    files = {"file": ("f.txt", b"some text")}
    file = (await program.post("/api/files/upload", files=files)).json()["id"]
    await program.delete(f"/api/files/{file}")
    raw = {"name": "w", **definition([block("t")], "s>t")}
    workflow = f"/api/workflows/{(await program.post('/api/workflows', json=raw)).json()['id']}"
    assert (await program.post(f"{workflow}/deploy")).status_code == 200
    await program.delete(f"{workflow}/deploy")
    await program.delete(workflow)
    await member.browser.patch(workspace, json={"name": "Renamed"})
    login = {"email": member.email, "password": member.password}
    assert (await anonymous.post("/api/auth/login", json=login)).status_code == 200
    answer = await member.browser.get(_path(member))
    assert "xoxb-very-secret" not in answer.text
    assert made.json()["key"] not in answer.text
    assert [row["action"] for row in reversed(answer.json()["data"])] == [
        "session.began", "key.created",  # signing up, and the fixture's key
        "secret.saved", "secret.deleted", "key.created", "key.deleted",
        "document.deleted", "knowledge.deleted", "file.deleted",
        "workflow.deployed", "workflow.withdrawn", "workflow.deleted",
        "workspace.changed", "session.began",
    ]  # fmt: skip


async def test_events_are_paged_and_filtered(member: Member) -> None:
    for name in ("A", "B", "C"):
        secret = f"/api/workspaces/{member.workspace_id}/secrets/{name}"
        await member.browser.put(secret, json={"value": "v"})
    first = await member.browser.get(_path(member), params={"limit": 2, "action": "secret.saved"})
    assert [row["target"] for row in first.json()["data"]] == ["C", "B"]
    query = {"limit": 2, "action": "secret.saved", "cursor": first.json()["nextCursor"]}
    rest = (await member.browser.get(_path(member), params=query)).json()
    assert ([row["target"] for row in rest["data"]], rest["nextCursor"]) == (["A"], None)
    moment = first.json()["data"][1]["createdAt"]
    assert [row["target"] for row in await _events(member, **{"from": moment})] == ["C", "B"]
    until = await _events(member, to=moment, action="secret.saved")
    assert [row["target"] for row in until] == ["A"]
    assert await _events(member, actorId="usr_other") == []
    assert (await member.browser.get(_path(member), params={"from": "x"})).status_code == 400


async def test_only_admins_read_it(member: Member, stranger: Member, services: Services) -> None:
    assert (await stranger.browser.get(_path(member))).status_code == 404
    assert (await member.program.get(_path(member))).status_code == 403  # its scopes: read, write
    for role, status in (("write", 403), ("admin", 200)):
        async with services.store.unit(member.workspace_id) as unit:
            await unit.members.remove(stranger.user_id)
            await unit.members.add(stranger.user_id, role)
        assert (await stranger.browser.get(_path(member))).status_code == status


async def test_joining_here_shows_nothing_of_there(
    member: Member, stranger: Member, services: Services
) -> None:
    membership = Membership(
        workspace_id=member.workspace_id, user_id=stranger.user_id, role="admin"
    )
    async with services.store.system() as system:
        system.workspaces.add_member(membership)
    here = await stranger.browser.get(_path(member))
    assert {row["actorId"] for row in here.json()["data"]} == {member.user_id}
