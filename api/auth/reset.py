"""A new password by mail, for whoever forgot the old one."""

from __future__ import annotations

from typing import Final

import structlog

from api import throttle
from api.auth.schemas import ResetPassword
from core import terminal, tickets
from core.errors import RateLimited, ValidationFailed
from core.mail import send_mail
from core.security import hash_password, hash_token
from core.services import Services
from core.store.users import User

_SECONDS: Final = 3600
_TEXT: Final = """\
Somebody, probably you, asked for a new password for your account at {host}.

Choose one here within an hour:

{link}

Or have a program send the token in it, with a password, to
{host}/api/auth/reset-password.

{keys}The link works once. If it was not you, leave this mail alone: nothing has changed.
"""

_KEYS_END: Final = """\
This address was never confirmed, so all API keys of the account end with the new password. To keep
keys that you know to be yours, send "revokeApiKeys": false with the token.

"""

log = structlog.get_logger(__name__)


async def send_link(services: Services, email: str) -> None:
    """Mail a link to the account of an address; nothing tells whether there is one.

    Without a mail server the link is shown on the terminal of a development run, and in no log; in
    production none is made.
    """
    if services.settings.smtp_url is None and services.settings.environment == "production":
        log.error("a password cannot be reset: set NUXA_SMTP_URL, so that mail can be sent")
        return
    async with services.store.system() as system:
        user = await system.users.by_email(email)
    if user is None:
        return
    try:
        await throttle.of_mail(services.redis, email).spend()
    except RateLimited:
        log.warning("no more reset mails for now", user_id=user.id)
        return
    link = await _link(services, user)
    settings = services.settings
    if settings.smtp_url is None:
        if not terminal.show(f"NUXA_SMTP_URL is not set. Reset link for {email}: {link}"):
            log.warning("reset_link_not_shown", reason="no NUXA_SMTP_URL and no terminal")
        return
    keys = "" if user.email_verified else _KEYS_END
    text = _TEXT.format(host=settings.base_url, link=link, keys=keys)
    await send_mail(settings, email, "Your new password", text)


async def _link(services: Services, user: User) -> str:
    value = {"userId": user.id, "passwordMark": _mark(user)}
    token = await tickets.issue(services.redis, "reset", value, _SECONDS)
    # Behind a #, since what stands there is in no log of a server and in no Referer.
    return f"{services.settings.base_url}/reset-password#token={token}"


async def set_password(services: Services, body: ResetPassword) -> int:
    """Set a password by a token of a mail and end every session; return how many API keys ended.

    The reader of the mail owns the address. Where the address was never confirmed, somebody else
    may have made the account: its API keys end unless the owner says that they are to stay.
    """
    token, password = body.token or "", body.password or ""
    value = await tickets.redeem(services.redis, "reset", token)
    if value is None:
        raise _refused()
    password_hash = await hash_password(password)
    async with services.store.system() as system:
        user = await system.users.get(value["userId"])
        if user is None or _mark(user) != value["passwordMark"]:
            raise _refused()
        revokes = body.revoke_api_keys
        if revokes is None:
            revokes = not user.email_verified
        revoked = await system.api_keys.delete_of(user.id) if revokes else 0
        user.password_hash, user.email_verified = password_hash, True
        await system.sessions.delete_of(user.id)
        return revoked


def _mark(user: User) -> str:
    """Tell passwords apart: links that were sent for an older one do not work."""
    return hash_token(user.password_hash or "")


def _refused() -> ValidationFailed:
    said = "This link was used, or is too old; ask for a new one."
    return ValidationFailed.at("token", "used, expired or unknown", "invalid_token", sentence=said)
