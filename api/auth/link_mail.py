"""Mails with a link that proves who reads an address."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from api import throttle
from core import terminal
from core.config import Settings
from core.errors import RateLimited
from core.mail import send_mail
from core.services import Services

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class LinkMail:
    """A mail to one address; `text` has a place for `{host}` and `{link}`."""

    kind: str  # as logs name it
    email: str
    subject: str
    text: str


def can_deliver(settings: Settings, kind: str) -> bool:
    """Return whether a link can reach anybody; log for the operator if not."""
    if settings.smtp_url is None and settings.environment == "production":
        log.error("mail not sent: set NUXA_SMTP_URL", kind=kind)
        return False
    return True


async def deliver(
    services: Services, mail: LinkMail, make_link: Callable[[], Awaitable[str]]
) -> None:
    """Mail a link that is made for it.

    Without a mail server the link is shown on the terminal of a development run, and in no log; in
    production none is made.
    """
    settings = services.settings
    if not can_deliver(settings, mail.kind):
        return
    if settings.smtp_url is None:
        link = await make_link()
        if not terminal.show(f"NUXA_SMTP_URL is not set. Link ({mail.kind}): {link}"):
            log.warning("link_not_shown", kind=mail.kind, reason="no NUXA_SMTP_URL and no terminal")
        return
    try:
        await throttle.of_mail(services.redis, mail.email).spend()
    except RateLimited:
        log.warning("link_not_mailed", kind=mail.kind, reason="too many mails")
        return
    text = mail.text.format(host=settings.base_url, link=await make_link())
    await send_mail(settings, mail.email, mail.subject, text)
