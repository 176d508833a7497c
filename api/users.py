"""The signed-in user, and who else is in the workspace."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from api import throttle
from api.access import READ, SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Name, Password, Wire
from core.errors import NotFound, ValidationFailed
from core.security import hash_password, verify_password

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
    """A new ``password`` takes the ``currentPassword``, and ends the user's other sessions."""

    name: Name = ""
    image_url: ImageUrl | None = None
    default_workspace_id: str = ""
    password: Password = ""
    current_password: Annotated[str, StringConstraints(max_length=200)] = ""


class MemberAnswer(Wire):
    id: str
    email: str
    name: str
    image_url: str | None
    role: str
    joined_at: datetime


@endpoint("GET", "/api/user", access=SIGNED_IN)
async def get_user(call: Call) -> UserAnswer:
    async with call.services.store.system() as system:
        return UserAnswer.model_validate(found(await system.users.get(call.user_id), "user"))


@endpoint("PATCH", "/api/user", access=SIGNED_IN.session_only())
async def update_user(call: Call, body: UserPatch) -> UserAnswer:
    changes = body.changes()
    is_changing = {"password", "current_password"} & set(changes)
    password_hash = await _changed_password(call, body) if is_changing else None
    async with call.services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
        wanted = changes.get("default_workspace_id")
        if wanted is not None and await system.workspaces.seat(user.id, wanted) is None:
            raise NotFound("There is no such workspace, or you are no member of it.")
        for name in {"name", "image_url", "default_workspace_id"} & set(changes):
            setattr(user, name, changes[name])
        if password_hash is not None:
            user.password_hash = password_hash
            await system.sessions.delete_of(user.id, but=call.caller.identity.credential_id)
        await system.flush()
        return UserAnswer.model_validate(user)


async def _changed_password(call: Call, body: UserPatch) -> str:
    """Return the new password's hash; raises ``ValidationFailed`` unless the current is right."""
    services = call.services
    async with services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
    tries = throttle.of_sign_in(services.redis, user.email, call.request.address)
    await tries.spend()
    if not body.password or not await verify_password(body.current_password, user.password_hash):
        wrong = "currentPassword" if body.password else "password"
        issue = {"path": wrong, "message": "wrong or missing", "code": "invalid"}
        message = "Send password and the right currentPassword; without one, reset it by mail."
        raise ValidationFailed(message, {"issues": [issue]})
    await tries.forgive()
    return await hash_password(body.password)


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
