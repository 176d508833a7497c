"""E-mail addresses: confirmed by a link, and changed.

A link counts only with a session of the account that it was made for. Somebody else may have signed
up with the address: the reader of the mail must not confirm that account by a click.
"""

from __future__ import annotations

from functools import partial
from typing import Annotated, Final

from pydantic import StringConstraints

from api import afterwards, throttle
from api.access import SIGNED_IN
from api.auth import link_mail
from api.auth.link_mail import LinkMail
from api.auth.schemas import UserAnswer
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.wire import Email, Wire
from core import tickets
from core.config import Settings
from core.errors import Conflict, ValidationFailed
from core.mail import send_mail
from core.services import Services
from core.store.users import User

_CONFIRM_SECONDS: Final = 86_400
_CHANGE_SECONDS: Final = 3600
_CONFIRM_TEXT: Final = """\
Somebody, probably you, signed up at {host} with this address.

Sign in, then confirm the address here within a day:

{link}

The link works once. If it was not you, ignore this mail.
"""
_CHANGE_TEXT: Final = """\
Somebody, probably you, wants to use this address for an account at {host}.

Stay signed in, and confirm the change here within an hour:

{link}

The link works once. If it was not you, ignore this mail.
"""
_CHANGED_TEXT: Final = """\
The e-mail address of your account at {host} was changed; this address is no longer in use.

If it was not you, tell whoever runs the service immediately.
"""


class EmailToken(Wire):
    """The ``token`` of a mailed link."""

    token: Annotated[str, StringConstraints(max_length=200)]


class EmailChange(Wire):
    email: Email


class SentMail(Wire):
    """``email`` is where the mail goes."""

    email: str


@endpoint("POST", "/api/auth/verify-email", access=SIGNED_IN.session_only())
async def verify_email(call: Call, body: EmailToken) -> UserAnswer:
    """Confirm the address of the signed-in account by the token of a mail."""
    value = await _redeem(call, "verify_email", body.token)
    async with call.services.store.system() as system:
        if not await system.users.confirm_email(call.user_id, value["email"]):
            raise _refused()
        return UserAnswer.model_validate(await system.users.get(call.user_id))


@endpoint("POST", "/api/auth/verify-email/resend", access=SIGNED_IN.session_only(), status=202)
async def resend_verification(call: Call) -> SentMail:
    """Mail a new link that confirms the address of the signed-in account."""
    user = await _user(call)
    if user.email_verified:
        raise Conflict("The e-mail address is confirmed already; nothing is left to do.")
    await throttle.of_reset(call.services.redis, call.request.address_block).spend()
    start_verification(call.services, user)
    return SentMail(email=user.email)


@endpoint("POST", "/api/user/email", access=SIGNED_IN, status=202, recent_login=True)
async def change_email(call: Call, body: EmailChange) -> SentMail:
    """Mail a link to a new address; the account has it once the link is confirmed.

    The answer does not tell whether another account has the address.
    """
    user = await _user(call)
    if body.email == user.email:
        raise Conflict("The account has this e-mail address already; send another one.")
    await throttle.of_reset(call.services.redis, call.request.address_block).spend()
    mail = LinkMail("change_email", body.email, "Confirm your new e-mail address", _CHANGE_TEXT)
    make_link = partial(_change_link, call.services, user, body.email)
    afterwards.start(link_mail.deliver(call.services, mail, make_link))
    return SentMail(email=body.email)


@endpoint("POST", "/api/user/email/confirm", access=SIGNED_IN.session_only())
async def confirm_email_change(call: Call, body: EmailToken) -> UserAnswer:
    """Give the signed-in account the new address that the token was mailed to."""
    value = await _redeem(call, "change_email", body.token)
    old, new = value["old"], value["new"]
    async with call.services.store.system() as system:
        if await system.users.by_email(new) is not None:
            raise Conflict("Another account has this e-mail address; choose another one.")
        if not await system.users.change_email(call.user_id, old, new):
            raise _refused()
        answer = UserAnswer.model_validate(await system.users.get(call.user_id))
    afterwards.start(_tell_old_address(call.services.settings, old))
    return answer


def start_verification(services: Services, user: User) -> None:
    """Mail the link that confirms the address of an account, after the answer."""
    mail = LinkMail("verify_email", user.email, "Confirm your e-mail address", _CONFIRM_TEXT)
    make_link = partial(_verification_link, services, user)
    afterwards.start(link_mail.deliver(services, mail, make_link))


async def _verification_link(services: Services, user: User) -> str:
    value = {"userId": user.id, "email": user.email}
    token = await tickets.issue(services.redis, "verify_email", value, _CONFIRM_SECONDS)
    return f"{services.settings.base_url}/verify-email#token={token}"


async def _change_link(services: Services, user: User, email: str) -> str:
    value = {"userId": user.id, "old": user.email, "new": email}
    token = await tickets.issue(services.redis, "change_email", value, _CHANGE_SECONDS)
    return f"{services.settings.base_url}/change-email#token={token}"


async def _redeem(call: Call, purpose: tickets.Purpose, token: str) -> dict[str, str]:
    """Return what a token stands for; it must be one of the caller's account."""
    value = await tickets.redeem(call.services.redis, purpose, token)
    if value is None or value["userId"] != call.user_id:
        raise _refused()
    return value


async def _tell_old_address(settings: Settings, email: str) -> None:
    if settings.smtp_url is not None:
        text = _CHANGED_TEXT.format(host=settings.base_url)
        await send_mail(settings, email, "Your e-mail address was changed", text)


async def _user(call: Call) -> User:
    async with call.services.store.system() as system:
        return found(await system.users.get(call.user_id), "user")


def _refused() -> ValidationFailed:
    return ValidationFailed.at(
        "token",
        "used, expired or for another account",
        "invalid_token",
        sentence="The link was used, has expired or is for another account; request a new one.",
    )
