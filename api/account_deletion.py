"""Deletion of the signed-in user's account."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from api import afterwards
from api.access import SIGNED_IN
from api.auth.cookies import session_cookie
from api.call import Call, Reply
from api.endpoint import endpoint
from api.errors import found
from api.wire import Wire
from core.config import Settings
from core.errors import Conflict
from core.mail import send_mail
from core.removal import remove_workspace
from core.store.unit import SystemUnit

_TEXT = """\
Your account at {host} was deleted, with its sessions, API keys and chats.

If it was not you, tell whoever runs the service immediately.
"""


class AccountDeletion(Wire):
    """`deleteWorkspaces` names all workspaces that the account alone owns, and no other.

    They are deleted with all that is in them, for every member.
    """

    delete_workspaces: Annotated[list[str], Field(max_length=1000)]


@endpoint(
    "DELETE",
    "/api/user",
    access=SIGNED_IN,
    status=204,
    answers={204: None},
    errors=(Conflict,),
    recent_login=True,
)
async def delete_account(call: Call, body: AccountDeletion) -> Reply:
    """Delete the account; its sessions, programs, API keys and chats end with it.

    A 409 lists in `details.workspaces` what must be named in `deleteWorkspaces`.
    """
    services = call.services
    async with services.store.system() as system:
        email = found(await system.users.get(call.user_id), "user").email
        await _require_confirmation(system, call.user_id, body.delete_workspaces)
    for workspace_id in body.delete_workspaces:
        await remove_workspace(services, workspace_id)
    async with services.store.system() as system:
        remaining = [row.id for row, _ in await system.workspaces.of_user(call.user_id)]
    for workspace_id in remaining:
        await _leave(call, workspace_id)
    async with services.store.system() as system:
        await _require_confirmation(system, call.user_id, [])
        await system.users.delete(call.user_id)
    afterwards.start(_send_notice(services.settings, email))
    return Reply(status=204, cookies=(session_cookie("", call),))


async def _require_confirmation(system: SystemUnit, user_id: str, named: list[str]) -> None:
    """Raise `Conflict` unless the named workspaces are those that the user alone owns."""
    owned = await system.workspaces.owned_alone(user_id)
    ids = [workspace.id for workspace in owned]
    if set(ids) == set(named):
        return
    counts = await system.workspaces.member_counts(ids)
    raise Conflict(
        "Name in deleteWorkspaces exactly the workspaces that you alone own, or pass them on.",
        {
            "reason": "sole_owner",
            "workspaces": [
                {"id": row.id, "name": row.name, "memberCount": counts[row.id]} for row in owned
            ],
        },
    )


async def _leave(call: Call, workspace_id: str) -> None:
    """End a membership and its API keys, but not that of the last owner."""
    async with call.services.store.unit(workspace_id) as unit:
        await unit.members.lock()
        member = await unit.members.get(call.user_id)
        if member is None:
            return
        if member.role == "owner" and await unit.members.owners() < 2:
            return  # since the workspaces were named; the caller is told before the account goes
        await unit.members.remove(call.user_id)
        keys = await unit.api_keys.delete_all_of(call.user_id)
        await unit.members.pass_on()
        details = {"keysRevoked": keys, "accountDeleted": True}
        unit.audit.record(call.actor, "member.left", call.user_id, details)


async def _send_notice(settings: Settings, email: str) -> None:
    if settings.smtp_url is not None:
        text = _TEXT.format(host=settings.base_url)
        await send_mail(settings, email, "Your account was deleted", text)
