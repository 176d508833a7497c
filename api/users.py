"""The signed-in user."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from api.access import SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
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


@endpoint("GET", "/api/user", access=SIGNED_IN)
async def get_user(call: Call) -> UserAnswer:
    async with call.services.store.system() as system:
        return UserAnswer.model_validate(found(await system.users.get(call.user_id), "user"))


@endpoint("PATCH", "/api/user", access=SIGNED_IN.session_only())
async def update_user(call: Call, body: UserPatch) -> UserAnswer:
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
