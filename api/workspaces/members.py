"""Members of a workspace: who is in it, as what, and how they go; they come by invitation.

An admin keeps members in order but makes no owner and touches none; a workspace always has one.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from api import access
from api.access import ADMIN, READ
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Wire
from core.errors import Conflict, Forbidden
from core.rights import Role
from core.store.workspaces import Member

RoleName = Literal["owner", "admin", "write", "read"]


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
    "PATCH",
    "/api/workspaces/<workspace_id>/members/<user_id>",
    access=ADMIN,
    recent_login=True,
)
async def change_role(call: Call, user_id: str, body: MemberPatch) -> MemberAnswer:
    """Give a member another role, from the next call on."""
    await call.unit.members.lock()
    member = found(await call.unit.members.get(user_id), "member")
    require_rank(await require_admin(call), body.role, member.role)
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
        require_rank(await require_admin(call), member.role)
    await _require_another_owner(call, member)
    await call.unit.members.remove(user_id)
    keys = await call.unit.api_keys.delete_all_of(user_id)
    await call.unit.members.pass_on()
    call.audit("member.left" if leaves else "member.removed", user_id, keysRevoked=keys)


async def require_admin(call: Call) -> Role:
    """Return the caller's role as it is now that nobody else can change it."""
    own = await call.unit.members.get(call.user_id)
    if own is None or Role.named(own.role) < Role.ADMIN:
        raise Forbidden("You are no admin of this workspace any more.")
    return Role.named(own.role)


def require_rank(own: Role, *roles: str) -> None:
    """Raise ``Forbidden`` where a role is one that only owners give and take."""
    if own < Role.OWNER and "owner" in roles:
        raise Forbidden("Only an owner makes owners, and changes or removes them; ask one.")


async def _require_another_owner(call: Call, member: Member) -> None:
    if member.role == "owner" and await call.unit.members.owners() < 2:
        raise Conflict(
            "This is the last owner, and a workspace needs one: make another member owner first."
        )
