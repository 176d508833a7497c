"""A local SMTP server that keeps what it is sent."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

USER, PASSWORD = "mailer", "p@ss/word"


class Mailbox:
    """Messages by the address they were for; with ``refuses`` it takes none."""

    def __init__(self) -> None:
        self.port = 0
        self.received: list[tuple[str, EmailMessage]] = []
        self.refuses = False
        self.logins = 0

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        if self.refuses:
            return "554 no"
        assert isinstance(envelope.content, bytes)
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.received += [(address, message) for address in envelope.rcpt_tos]
        return "250 OK"

    def authenticate(self, server: Any, session: Any, envelope: Any, kind: str, data: Any) -> Any:
        self.logins += 1
        right = LoginPassword(USER.encode(), PASSWORD.encode())
        return AuthResult(success=data == right, handled=False)


@asynccontextmanager
async def mailbox(tls: ssl.SSLContext | None = None) -> AsyncIterator[Mailbox]:
    """Serve on a free port of loopback; with ``tls`` it wants STARTTLS and a password."""
    box = Mailbox()

    def make() -> SMTP:
        return SMTP(
            box,
            hostname="localhost",
            tls_context=tls,
            require_starttls=tls is not None,
            auth_required=tls is not None,
            authenticator=box.authenticate,
        )

    server = await asyncio.get_running_loop().create_server(make, "127.0.0.1", 0)
    box.port = server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        server.close()
        await server.wait_closed()
