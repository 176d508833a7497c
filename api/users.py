"""The signed-in user."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

from pydantic import StringConstraints

from api import throttle
from api.access import SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
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
    """A new ``password`` takes the ``currentPassword``; it ends the user's other sessions and all
    programs, and with ``revokeApiKeys`` all API keys in all workspaces.
    """

    name: Name = ""
    image_url: ImageUrl | None = None
    default_workspace_id: str = ""
    password: Password = ""
    current_password: Annotated[str, StringConstraints(max_length=200)] = ""
    revoke_api_keys: bool = False


@endpoint("GET", "/api/user", access=SIGNED_IN)
async def get_user(call: Call) -> UserAnswer:
    """Return the signed-in user."""
    async with call.services.store.system() as system:
        return UserAnswer.model_validate(found(await system.users.get(call.user_id), "user"))


@endpoint("PATCH", "/api/user", access=SIGNED_IN.session_only())
async def update_user(call: Call, body: UserPatch) -> UserAnswer:
    """Change the signed-in user's name, image, default workspace or password."""
    changes = body.changes()
    is_changing = {"password", "current_password", "revoke_api_keys"} & set(changes)
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
            await system.program_grants.delete_of(user.id)
            if body.revoke_api_keys:
                await system.api_keys.delete_of(user.id)
        await system.flush()
        return UserAnswer.model_validate(user)


async def _changed_password(call: Call, body: UserPatch) -> str:
    """Return the new password's hash; raises ``ValidationFailed`` unless the current is right."""
    services = call.services
    async with services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
    tries = throttle.of_sign_in(services.redis, user.email, call.request.address_block)
    await tries.spend()
    if not body.password or not await verify_password(body.current_password, user.password_hash):
        wrong = "currentPassword" if body.password else "password"
        said = "Send password and the right currentPassword; without one, reset it by mail."
        raise ValidationFailed.at(wrong, "wrong or missing", sentence=said)
    await tries.forgive()
    return await hash_password(body.password)
