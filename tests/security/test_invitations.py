"""Nobody becomes a member without consent, and no answer tells who has an account."""

from __future__ import annotations

import asyncio
import re
from datetime import timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from api import afterwards
from core.security import hash_token
from core.services import Services
from core.store.base import now
from core.store.invitations import Invitation
from tests.api.conftest import Member, SignUp
from tests.api.memberships import join_workspace
from tests.mailbox import Mailbox

ACCEPT = "/api/invitations/accept"


def _path(member: Member, rest: str = "invitations") -> str:
    return f"/api/workspaces/{member.workspace_id}/{rest}"


async def _invite(host: Member, email: str | None, role: str = "write") -> dict[str, Any]:
    body = {"role": role} if email is None else {"email": email, "role": role}
    made = await host.browser.post(_path(host), json=body)
    assert made.status_code == 201, made.text
    answer: dict[str, Any] = made.json()
    return answer


async def _accept(guest: Member, **body: str) -> httpx.Response:
    return await guest.browser.post(ACCEPT, json=body)


async def _confirm(services: Services, person: Member) -> None:
    async with services.store.system() as system:
        user = await system.users.get(person.user_id)
        assert user is not None
        user.email_verified = True


async def _roles(host: Member) -> dict[str, str]:
    listed = (await host.browser.get(_path(host, "members"))).json()["data"]
    return {row["id"]: row["role"] for row in listed}


async def test_add_member_by_address_adds_nobody_and_tells_nothing_of_accounts(
    member: Member, stranger: Member
) -> None:
    answers = []
    for email in (stranger.email, "nobody@example.com"):
        body = {"email": email, "role": "write"}
        answers.append(await member.browser.post(_path(member, "members"), json=body))
    assert [answer.status_code for answer in answers] == [202, 202]
    there, nobody = (answer.json() for answer in answers)
    assert there.keys() == nobody.keys()
    assert stranger.user_id not in answers[0].text
    assert "Mia" not in answers[0].text
    assert await _roles(member) == {member.user_id: "owner"}
    here = {"workspaceId": member.workspace_id}
    assert (await stranger.browser.get("/api/knowledge", params=here)).status_code == 404


async def test_accept_with_address_not_confirmed_is_forbidden_until_confirmed(
    member: Member, stranger: Member, services: Services
) -> None:
    made = await _invite(member, stranger.email.upper())
    assert (await stranger.browser.get("/api/invitations")).json()["data"] == []
    refused = await _accept(stranger, token=made["token"])
    assert refused.status_code == 403
    assert refused.json()["error"]["details"]["reason"] == "email_not_verified"
    await _confirm(services, stranger)
    (listed,) = (await stranger.browser.get("/api/invitations")).json()["data"]
    assert (listed["id"], listed["role"]) == (made["id"], "write")
    joined = await _accept(stranger, invitationId=made["id"])
    assert (joined.status_code, joined.json()["id"]) == (200, member.workspace_id)
    assert joined.json()["role"] == "write"
    assert await _roles(member) == {member.user_id: "owner", stranger.user_id: "write"}


async def test_accept_by_another_account_is_refused(
    member: Member, stranger: Member, sign_up: SignUp, services: Services
) -> None:
    made = await _invite(member, stranger.email)
    other = await sign_up()
    await _confirm(services, other)
    by_token = await _accept(other, token=made["token"])
    assert by_token.status_code == 403
    assert by_token.json()["error"]["details"]["reason"] == "other_address"
    assert (await _accept(other, invitationId=made["id"])).status_code == 404
    assert (await other.browser.get("/api/invitations")).json()["data"] == []
    assert await _roles(member) == {member.user_id: "owner"}


async def test_accept_link_by_two_at_once_lets_one_in(
    member: Member, stranger: Member, sign_up: SignUp
) -> None:
    made, other = await _invite(member, None), await sign_up()
    answers = await asyncio.gather(
        _accept(stranger, token=made["token"]), _accept(other, token=made["token"])
    )
    assert sorted(answer.status_code for answer in answers) == [200, 404]
    assert len(await _roles(member)) == 2
    assert (await _accept(stranger, token=made["token"])).status_code in (404, 409)


async def test_accept_after_revocation_expiry_or_newer_invitation_is_not_found(
    member: Member, stranger: Member, services: Services
) -> None:
    await _confirm(services, stranger)
    revoked, expired = await _invite(member, None), await _invite(member, None)
    older = await _invite(member, stranger.email)
    newer = await _invite(member, stranger.email)
    path = f"{_path(member)}/{revoked['id']}"
    assert (await member.browser.delete(path)).status_code == 204
    assert (await member.browser.delete(path)).status_code == 404
    async with services.store.engine.begin() as connection:
        late = update(Invitation).where(Invitation.id == expired["id"])
        await connection.execute(late.values(expires_at=now() - timedelta(seconds=1)))
    for made in (revoked, expired, older):
        assert (await _accept(stranger, token=made["token"])).status_code == 404
    listed = (await member.browser.get(_path(member))).json()["data"]
    assert [row["id"] for row in listed] == [newer["id"]]
    assert "token" not in listed[0]


@pytest.mark.parametrize("loss", ["removed", "lower_role"])
async def test_accept_when_inviter_may_not_invite_any_more_is_not_found(
    member: Member, stranger: Member, sign_up: SignUp, loss: str
) -> None:
    await join_workspace(member, stranger, "admin")
    guest = await sign_up()
    made = await stranger.browser.post(_path(member), json={"role": "read"})
    person = _path(member, f"members/{stranger.user_id}")
    if loss == "removed":
        assert (await member.browser.delete(person)).status_code == 204
    else:
        assert (await member.browser.patch(person, json={"role": "write"})).status_code == 200
    assert (await _accept(guest, token=made.json()["token"])).status_code == 404
    assert guest.user_id not in await _roles(member)


async def test_create_invitation_above_own_role_or_without_admin_is_forbidden(
    member: Member, stranger: Member
) -> None:
    await join_workspace(member, stranger, "admin")
    for path in (_path(member), _path(member, "members")):
        body = {"email": "x@example.com", "role": "owner"}
        assert (await stranger.browser.post(path, json=body)).status_code == 403
    person = _path(member, f"members/{stranger.user_id}")
    await member.browser.patch(person, json={"role": "write"})
    assert (await stranger.browser.post(_path(member), json={"role": "read"})).status_code == 403
    assert (await stranger.browser.get(_path(member))).status_code == 403


async def test_invitation_at_rest_is_a_hash(member: Member, services: Services) -> None:
    made = await _invite(member, None)
    async with services.store.engine.connect() as connection:
        row = (await connection.execute(select(Invitation.__table__))).one()
    assert made["token"] not in str(row)
    assert row.token_hash == hash_token(made["token"])


async def test_invitation_mail_holds_the_link_and_no_foreign_one(
    member: Member, box: Mailbox
) -> None:
    name = {"name": "see https://evil.example/x"}
    assert (await member.browser.patch("/api/user", json=name)).status_code == 200
    made = await _invite(member, "friend@example.com", "read")
    await afterwards.finish(10)
    ((to, message),) = box.received
    text = message.get_content()
    assert to == "friend@example.com"
    assert re.findall(r"#token=(\S+)", text) == [made["token"]]
    assert "evil.example" not in text
