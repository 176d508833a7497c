"""The signed-in user, and who else is in the workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from api.access import READ, SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Name, Wire
from core.errors import NotFound

ImageUrl = Annotated[str, StringConstraints(max_length=2000, pattern=r"^https?://\S+$")]


class UserAnswer(Wire):
    id: str
    email: str
    name: str
    image_url: str | None
    email_verified: bool
    default_workspace_id: str | None
    created_at: datetime
    updated_at: datetime


class UserPatch(Wire):
    name: Name = ""
    image_url: ImageUrl | None = None
    default_workspace_id: str = ""


class MemberAnswer(Wire):
    id: str
    email: str
    name: str
    image_url: str | None
    role: str
    joined_at: datetime


@endpoint("GET", "/api/user", access=SIGNED_IN)
async def get_user(call: Call) -> UserAnswer:
    """Return the signed-in user."""
    async with call.services.store.system() as system:
        return UserAnswer.model_validate(found(await system.users.get(call.user_id), "user"))


@endpoint("PATCH", "/api/user", access=SIGNED_IN.session_only())
async def update_user(call: Call, body: UserPatch) -> UserAnswer:
    """Change the signed-in user's name, image or default workspace."""
    async with call.services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
        changes = body.changes()
        wanted = changes.get("default_workspace_id")
        if wanted is not None and await system.workspaces.seat(user.id, wanted) is None:
            raise NotFound("There is no such workspace, or you are no member of it.")
        for name, value in changes.items():
            setattr(user, name, value)
        await system.flush()
        return UserAnswer.model_validate(user)


@endpoint("GET", "/api/users", access=READ)
async def list_users(call: Call, query: PageQuery) -> Page[MemberAnswer]:
    """List the members of the workspace, the first to join first."""
    async with call.services.store.system() as system:
        page = await system.workspaces.member_page(call.workspace_id, query.position(), query.limit)
        users = await system.users.named([member.user_id for member in page.rows])
    data = [
        MemberAnswer(
            id=member.user_id,
            email=users[member.user_id].email,
            name=users[member.user_id].name,
            image_url=users[member.user_id].image_url,
            role=member.role,
            joined_at=member.created_at,
        )
        for member in page.rows
    ]
    return Page(data=data, next_cursor=cursor_of(page.next))
