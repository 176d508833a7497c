"""Invitations: how somebody becomes a member, by their own consent.

An invitation to an e-mail address is accepted by the account that has confirmed this address. One
without an address is accepted by whoever has its link. Both work once, for a week, and only while
the inviter may still invite.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Annotated, Final, Self

from pydantic import StringConstraints, model_validator

from api import afterwards
from api.access import ADMIN, SIGNED_IN
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Email, Wire
from api.workspaces import invitation_mail
from api.workspaces.members import RoleName, require_admin, require_rank
from api.workspaces.routes import WorkspaceAnswer, build_answers
from core.errors import Conflict, Forbidden, NotFound
from core.ids import new_id
from core.rights import Role
from core.security import hash_token, new_token
from core.store.base import now
from core.store.invitations import Invitation
from core.store.unit import SystemUnit
from core.store.users import User
from core.store.workspaces import Member

LIFETIME: Final = timedelta(days=7)
MAX_PENDING: Final = 200  # a workspace's; more would be a mailing list


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


class NewInvitation(Wire):
    """Without ``email`` whoever has the link may accept, once."""

    email: Email | None = None
    role: RoleName


class InvitationAnswer(Wire):
    id: str
    workspace_id: str
    email: str | None
    role: str
    invited_by: str
    expires_at: datetime
    created_at: datetime


class CreatedInvitation(InvitationAnswer):
    """The only answer that holds the token; ``url`` is a page with the token behind its ``#``."""

    token: str
    url: str


class OwnInvitation(Wire):
    id: str
    workspace_id: str
    workspace_name: str
    inviter_name: str
    role: str
    expires_at: datetime


class Acceptance(Wire):
    """``token`` of a link, or ``invitationId`` of one that was listed."""

    token: Annotated[str, StringConstraints(max_length=200)] | None = None
    invitation_id: Annotated[str, StringConstraints(max_length=200)] | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Self:
        if (self.token is None) == (self.invitation_id is None):
            raise ValueError("send token or invitationId, one of the two")
        return self


@endpoint(
    "POST",
    "/api/workspaces/<workspace_id>/members",
    access=ADMIN,
    status=202,
    recent_login=True,
)
async def add_member(call: Call, body: NewMember) -> CreatedInvitation:
    """Invite somebody; they are a member once they accept.

    The answer does not tell whether there is an account with the address.
    """
    if body.email is not None:
        return await _invite(call, body.email, body.role)
    user_id = str(body.user_id)
    async with call.services.store.system() as system:
        user = await system.users.get(user_id)
        if user is None or not await system.workspaces.are_together(call.user_id, user_id):
            raise NotFound("You work with no such user; invite them by their e-mail address.")
    return await _invite(call, user.email, body.role)


@endpoint(
    "POST",
    "/api/workspaces/<workspace_id>/invitations",
    access=ADMIN,
    status=201,
    recent_login=True,
)
async def create_invitation(call: Call, body: NewInvitation) -> CreatedInvitation:
    """Invite by mail, or make a link for one person.

    An earlier invitation to the same address ends.
    """
    return await _invite(call, body.email, body.role)


@endpoint("GET", "/api/workspaces/<workspace_id>/invitations", access=ADMIN)
async def list_invitations(call: Call, query: PageQuery) -> Page[InvitationAnswer]:
    """List the invitations that wait to be accepted, newest first."""
    page = await call.unit.invitations.page(query.request())
    data = [InvitationAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint(
    "DELETE",
    "/api/workspaces/<workspace_id>/invitations/<invitation_id>",
    access=ADMIN.session_only(),
    status=204,
)
async def revoke_invitation(call: Call, invitation_id: str) -> None:
    """Revoke an invitation; nobody can accept it from now on."""
    if not await call.unit.invitations.delete(invitation_id):
        raise NotFound("Invitation not found; it may have been accepted or revoked.")
    call.audit("invitation.revoked", invitation_id)


@endpoint("GET", "/api/invitations", access=SIGNED_IN.session_only())
async def list_own_invitations(call: Call, query: PageQuery) -> Page[OwnInvitation]:
    """List the invitations to the caller's own e-mail address, once it is confirmed."""
    async with call.services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
        if not user.email_verified:
            return Page(data=[], next_cursor=None)
        page = await system.invitations.page_for(user.email, query.request())
    data = [OwnInvitation.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("POST", "/api/invitations/accept", access=SIGNED_IN.session_only())
async def accept_invitation(call: Call, body: Acceptance) -> WorkspaceAnswer:
    """Become a member of the workspace, in the role that the invitation names."""
    async with call.services.store.system() as system:
        user = found(await system.users.get(call.user_id), "user")
        invitation = await _find(system, body, user)
        workspace_id = invitation.workspace_id
        await system.workspaces.lock(workspace_id)
        await _require_inviter(system, invitation)
        if await system.workspaces.role_of(user.id, workspace_id) is not None:
            raise Conflict("You are a member of this workspace already; open it.")
        if not await system.invitations.delete(invitation.id):
            raise _not_found()
        system.workspaces.add_member(
            Member(workspace_id=workspace_id, user_id=user.id, role=invitation.role)
        )
        await system.flush()
        details = {
            "role": invitation.role,
            "invitationId": invitation.id,
            "invitedBy": invitation.invited_by,
        }
        system.audit.record(workspace_id, call.actor, "member.added", user.id, details)
        workspace = await system.workspaces.load(workspace_id)
        return (await build_answers(system, user.id, [workspace]))[0]


async def _invite(call: Call, email: str | None, role: RoleName) -> CreatedInvitation:
    unit, token = call.unit, new_token()
    await unit.members.lock()
    require_rank(await require_admin(call), role)
    if email is not None:
        if await unit.members.has_email(email):
            raise Conflict("This user is a member already; PATCH the member to change the role.")
        await unit.invitations.delete_by_email(email)
    if await unit.invitations.count() >= MAX_PENDING:
        raise Conflict(f"{MAX_PENDING} invitations are waiting; revoke some first.")
    row = unit.invitations.add(
        Invitation(
            id=new_id("inv"),
            email=email,
            role=role,
            token_hash=hash_token(token),
            invited_by=call.user_id,
            expires_at=now() + LIFETIME,
        )
    )
    await unit.flush()
    call.audit("invitation.created", row.id, role=role, byLink=email is None)
    url = f"{call.services.settings.base_url}/invite#token={token}"
    if email is not None:
        mail = invitation_mail.InvitationMail(email, call.seat.workspace.name, role, url)
        unit.after_commit(partial(_start_mail, call, mail))
    known = InvitationAnswer.model_validate(row)
    return CreatedInvitation(token=token, url=url, **known.model_dump())


async def _start_mail(call: Call, mail: invitation_mail.InvitationMail) -> None:
    afterwards.start(invitation_mail.send_invitation(call.services, call.user_id, mail))


async def _find(system: SystemUnit, body: Acceptance, user: User) -> Invitation:
    """Return the invitation that a user may accept."""
    if body.invitation_id is not None:
        invitation = await system.invitations.by_id(body.invitation_id, user.email)
    else:
        invitation = await system.invitations.by_token_hash(hash_token(body.token or ""))
    if invitation is None:
        raise _not_found()
    if invitation.email is not None:
        if invitation.email != user.email:
            raise Forbidden(
                "This invitation is for another e-mail address; sign in with that account.",
                {"reason": "other_address"},
            )
        if not user.email_verified:
            raise Forbidden(
                "E-mail address not confirmed; POST /api/auth/verify-email/resend mails a link.",
                {"reason": "email_not_verified"},
            )
    return invitation


async def _require_inviter(system: SystemUnit, invitation: Invitation) -> None:
    """Raise ``NotFound`` where the inviter could not invite any more."""
    role = await system.workspaces.role_of(invitation.invited_by, invitation.workspace_id)
    needed = Role.OWNER if invitation.role == "owner" else Role.ADMIN
    if role is None or Role.named(role) < needed:
        raise _not_found()


def _not_found() -> NotFound:
    return NotFound("This invitation was used or revoked, or has expired; ask for a new one.")
