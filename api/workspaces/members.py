"""Members of a workspace: who is in it, as what, and how they come and go.

An admin keeps members in order but makes no owner and touches none; a workspace always has one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import model_validator

from api import access
from api.access import ADMIN, READ
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Email, Wire
from core.errors import Conflict, Forbidden, NotFound
from core.rights import Role
from core.store.workspaces import Member

RoleName = Literal["owner", "admin", "write", "read"]


class NewMember(Wire):
    """Exactly one of ``email`` and ``userId``; the latter of somebody one already works with."""

    email: Email | None = None
    user_id: str | None = None
    role: RoleName

    @model_validator(mode="after")
    def _is_one(self) -> NewMember:
        if (self.email is None) == (self.user_id is None):
            raise ValueError("send email or userId, one of the two")
        return self


class MemberPatch(Wire):
    role: RoleName


class MemberAnswer(Wire):
    """``id`` is the user's."""

    id: str
    email: str
    name: str
    image_url: str | None
    role: str
    joined_at: datetime


@endpoint("GET", "/api/users", access=READ)
async def list_users(
    call: Call, query: PageQuery[Literal["joinedAt", "role"]]
) -> Page[MemberAnswer]:
    """List the members of the workspace one is in, as under its own path."""
    return await list_members(call, query)


@endpoint("GET", "/api/workspaces/<workspace_id>/members", access=READ)
async def list_members(
    call: Call, query: PageQuery[Literal["joinedAt", "role"]]
) -> Page[MemberAnswer]:
    """List the members of the workspace, the first to join first."""
    page = await call.unit.members.page(query.request())
    data = [MemberAnswer.model_validate(person) for person in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("GET", "/api/workspaces/<workspace_id>/members/<user_id>", access=READ)
async def get_member(call: Call, user_id: str) -> MemberAnswer:
    """Return a member by the user's id."""
    return MemberAnswer.model_validate(found(await call.unit.members.person(user_id), "member"))


@endpoint(
    "POST",
    "/api/workspaces/<workspace_id>/members",
    access=ADMIN,
    status=201,
    recent_login=True,
)
async def add_member(call: Call, body: NewMember) -> MemberAnswer:
    """Add somebody who has an account; she finds the workspace among hers at once."""
    user_id = await _account(call, body)
    await call.unit.members.lock()
    _require_rank(await _own_role(call), body.role)
    if await call.unit.members.get(user_id) is not None:
        raise Conflict("This user is a member already; PATCH the member to change the role.")
    await call.unit.members.add(user_id, body.role)
    call.audit("member.added", user_id, role=body.role)
    return await get_member(call, user_id)


@endpoint(
    "PATCH",
    "/api/workspaces/<workspace_id>/members/<user_id>",
    access=ADMIN,
    recent_login=True,
)
async def change_role(call: Call, user_id: str, body: MemberPatch) -> MemberAnswer:
    """Give a member another role, from the next call on."""
    await call.unit.members.lock()
    member = found(await call.unit.members.get(user_id), "member")
    _require_rank(await _own_role(call), body.role, member.role)
    if body.role != member.role:
        if body.role != "owner":
            await _require_another_owner(call, member)
        call.audit("member.role_changed", user_id, old=member.role, new=body.role)
        member.role = body.role
        await call.unit.members.pass_on()
    return await get_member(call, user_id)


@endpoint(
    "DELETE",
    "/api/workspaces/<workspace_id>/members/<user_id>",
    access=READ,
    status=204,
    recent_login=True,
)
async def remove_member(call: Call, user_id: str) -> None:
    """Remove a member, or leave: any member may. The API keys she has here end with it."""
    leaves = user_id == call.user_id
    if not leaves:
        access.authorize(call.caller, ADMIN, "workspaces")
    await call.unit.members.lock()
    member = found(await call.unit.members.get(user_id), "member")
    if not leaves:
        _require_rank(await _own_role(call), member.role)
    await _require_another_owner(call, member)
    await call.unit.members.remove(user_id)
    keys = await call.unit.api_keys.delete_all_of(user_id)
    await call.unit.members.pass_on()
    call.audit("member.left" if leaves else "member.removed", user_id, keysRevoked=keys)


async def _account(call: Call, body: NewMember) -> str:
    """Return whose account is meant; a bare id of a stranger's is not there."""
    async with call.services.store.system() as system:
        if body.email is not None:
            user = await system.users.by_email(body.email)
            if user is None:
                raise NotFound("Nobody has an account with this address; ask them to sign up.")
            return user.id
        user_id = str(body.user_id)
        if not await system.workspaces.are_together(call.user_id, user_id):
            raise NotFound("You work with no such user; add them by their e-mail address.")
        return user_id


async def _own_role(call: Call) -> Role:
    """Return the caller's role as it is now that nobody else can change it."""
    own = await call.unit.members.get(call.user_id)
    if own is None or Role.named(own.role) < Role.ADMIN:
        raise Forbidden("You are no admin of this workspace any more.")
    return Role.named(own.role)


def _require_rank(own: Role, *roles: str) -> None:
    if own < Role.OWNER and "owner" in roles:
        raise Forbidden("Only an owner makes owners, and changes or removes them; ask one.")


async def _require_another_owner(call: Call, member: Member) -> None:
    if member.role == "owner" and await call.unit.members.owners() < 2:
        raise Conflict(
            "This is the last owner, and a workspace needs one: make another member owner first."
        )
