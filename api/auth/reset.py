"""A new password by mail, for whoever forgot the old one."""

from __future__ import annotations

from functools import partial
from typing import Final

from api.auth import link_mail
from api.auth.accounts import password_mark
from api.auth.link_mail import LinkMail
from api.auth.schemas import ResetPassword
from core import tickets
from core.errors import ValidationFailed
from core.security import hash_password
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


async def send_link(services: Services, email: str) -> None:
    """Mail a link to the account of an address; nothing tells whether there is one."""
    if not link_mail.can_deliver(services.settings, "reset"):
        return
    async with services.store.system() as system:
        user = await system.users.by_email(email)
    if user is None:
        return
    text = _TEXT.replace("{keys}", "" if user.email_verified else _KEYS_END)
    mail = LinkMail("reset", email, "Your new password", text)
    await link_mail.deliver(services, mail, partial(_link, services, user))


async def _link(services: Services, user: User) -> str:
    value = {"userId": user.id, "passwordMark": password_mark(user), "email": user.email}
    token = await tickets.issue(services.redis, "reset", value, _SECONDS)
    # Behind a #, since what stands there is in no log of a server and in no Referer.
    return f"{services.settings.base_url}/reset-password#token={token}"


async def set_password(services: Services, body: ResetPassword) -> int:
    """Set a password by a token of a mail and end every session; return how many API keys ended.

    The reader of the mail owns the address. Where the address was never confirmed, somebody else
    may have made the account: its second factors and passkeys end, and its API keys unless the
    owner says that they are to stay.
    """
    token, password = body.token or "", body.password or ""
    value = await tickets.redeem(services.redis, "reset", token)
    if value is None:
        raise _refused()
    password_hash = await hash_password(password)
    async with services.store.system() as system:
        user = await system.users.get(value["userId"])
        if user is None or user.email != value["email"]:
            raise _refused()
        if password_mark(user) != value["passwordMark"]:
            raise _refused()
        revokes = body.revoke_api_keys
        if revokes is None:
            revokes = not user.email_verified
        revoked = await system.api_keys.delete_of(user.id) if revokes else 0
        if not user.email_verified:  # whoever made the account may have left ways in
            await system.totp_factors.delete(user.id)
            await system.recovery_codes.delete_of(user.id)
            await system.passkeys.delete_of(user.id)
        user.password_hash, user.email_verified = password_hash, True
        await system.sessions.delete_of(user.id)
        return revoked


def _refused() -> ValidationFailed:
    said = "This link was used, or is too old; ask for a new one."
    return ValidationFailed.at("token", "used, expired or unknown", "invalid_token", sentence=said)
