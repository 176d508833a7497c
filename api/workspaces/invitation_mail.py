"""The mail that brings an invitation."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

import structlog

from api import throttle
from core.errors import RateLimited
from core.mail import send_mail
from core.services import Services

_TEXT: Final = """\
{inviter} invites you to work in "{workspace}" at {host}, with the role {role}.

Sign in, or sign up with this address and confirm it. Then accept here within a week:

{url}

The link works once. If you do not know the sender, ignore this mail.
"""
_MAX_NAME_CHARS: Final = 60

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class InvitationMail:
    """What an invitation's mail says, and to whom."""

    email: str
    workspace_name: str
    role: str
    url: str


async def send_invitation(services: Services, inviter_id: str, mail: InvitationMail) -> None:
    """Mail an invitation; without a mail server the inviter passes the link on."""
    settings = services.settings
    if settings.smtp_url is None:
        log.info("invitation_not_mailed", reason="no NUXA_SMTP_URL")
        return
    try:
        await throttle.of_mail(services.redis, mail.email).spend()
        await throttle.of_invitations(services.redis, inviter_id).spend()
    except RateLimited:
        log.warning("invitation_not_mailed", reason="too many mails", user_id=inviter_id)
        return
    async with services.store.system() as system:
        inviter = await system.users.get(inviter_id)
    text = _TEXT.format(
        inviter=_plain(inviter.name if inviter else "Somebody"),
        workspace=_plain(mail.workspace_name),
        host=settings.base_url,
        role=mail.role,
        url=mail.url,
    )
    await send_mail(settings, mail.email, "You are invited to a workspace", text)


def _plain(name: str) -> str:
    """Return a name in which no link can hide, since anybody may choose it."""
    words = re.sub(r"[^\w '&()+,-]+", " ", name).split()
    return " ".join(words)[:_MAX_NAME_CHARS] or "somebody"
