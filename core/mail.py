"""Mail leaves through the SMTP server of the settings."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from typing import Final
from urllib.parse import unquote, urlsplit

from core.config import Settings
from core.errors import UpstreamError

_SECONDS: Final = 20.0
_PORTS: Final = {"smtp": 587, "smtps": 465}


class MailFailed(UpstreamError):
    """The mail server does not answer, or refuses."""


async def send_mail(settings: Settings, to: str, subject: str, text: str) -> None:
    """Send a plain message to one address; raises ``MailFailed``, also without a server set."""
    if settings.smtp_url is None:
        raise MailFailed("Set NUXA_SMTP_URL, so that mail can be sent.")
    try:
        message = EmailMessage()
        message["From"] = settings.mail_from
        message["To"] = to
        message["Subject"] = subject
        message["Date"] = formatdate(usegmt=True)
        message["Message-ID"] = make_msgid(domain=urlsplit(settings.base_url).hostname)
        message.set_content(text)
        await asyncio.to_thread(_send, settings.smtp_url.get_secret_value(), to, message)
    except (smtplib.SMTPException, OSError, ValueError) as error:
        # The server's words may hold the address: the class is enough to look further.
        raise MailFailed(f"The mail was not taken ({type(error).__name__}).") from error


def _send(url: str, to: str, message: EmailMessage) -> None:
    parts = urlsplit(url)
    if parts.scheme not in _PORTS or not parts.hostname:
        raise ValueError("NUXA_SMTP_URL must be smtp:// or smtps:// with a host")
    host, port = parts.hostname, parts.port or _PORTS[parts.scheme]
    tls = ssl.create_default_context()
    if parts.scheme == "smtps":
        server: smtplib.SMTP = smtplib.SMTP_SSL(host, port, timeout=_SECONDS, context=tls)
    else:
        server = smtplib.SMTP(host, port, timeout=_SECONDS)
    with server:
        server.ehlo()
        if parts.scheme == "smtp" and (parts.username or server.has_extn("starttls")):
            server.starttls(context=tls)  # a password never travels in the open
        if parts.username:
            server.login(unquote(parts.username), unquote(parts.password or ""))
        server.send_message(message, to_addrs=[to])
