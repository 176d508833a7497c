"""A small IMAP server over TLS that checks what it is asked (RFC 3501)."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

USER, PASSWORD = 'post"man', "p@ss\\word"


class ImapServer:
    """One folder, ``INBOX``; ``errors`` holds requests that no reader should have sent."""

    def __init__(self) -> None:
        self.port = 0
        self.uid_validity = 7
        self.mails: dict[int, bytes] = {}
        self.next_uid = 1
        self.logins = 0
        self.errors: list[str] = []
        self.lies_about_sizes = False

    def deliver(self, raw: bytes) -> int:
        uid = self.next_uid
        self.mails[uid], self.next_uid = raw, uid + 1
        return uid

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"* OK IMAP4rev1 ready\r\n")
        try:
            while line := await reader.readline():
                tag, _, request = line.decode().rstrip("\r\n").partition(" ")
                writer.write(self._answer(tag, request))
                await writer.drain()
        except (ConnectionError, ssl.SSLError):
            pass
        finally:
            writer.close()

    def _answer(self, tag: str, request: str) -> bytes:
        ok = f"{tag} OK done\r\n".encode()
        if request == "CAPABILITY":
            return b"* CAPABILITY IMAP4rev1\r\n" + ok
        if request.startswith("LOGIN "):
            self.logins += 1
            fits = request == 'LOGIN "post\\"man" "p@ss\\\\word"'
            return ok if fits else f"{tag} NO [AUTHENTICATIONFAILED] bad login\r\n".encode()
        if request == 'EXAMINE "INBOX"':
            states = f"* OK [UIDVALIDITY {self.uid_validity}]\r\n* OK [UIDNEXT {self.next_uid}]\r\n"
            return f"* {len(self.mails)} EXISTS\r\n{states}".encode() + ok
        if request.startswith("EXAMINE "):
            return f"{tag} NO no such folder\r\n".encode()
        if search := re.fullmatch(r"UID SEARCH UID (\d+):\*", request):
            last = max(self.mails, default=0)
            uids = [uid for uid in self.mails if uid >= int(search[1]) or uid == last]
            return f"* SEARCH {' '.join(map(str, uids))}\r\n".encode() + ok
        if fetch := re.fullmatch(r"UID FETCH (\d+) \((RFC822\.SIZE|BODY\.PEEK\[.*)\)", request):
            return self._fetched(int(fetch[1]), fetch[2]) + ok
        self.errors.append(request)
        return f"{tag} BAD what?\r\n".encode()

    def _fetched(self, uid: int, part: str) -> bytes:
        raw = self.mails[uid]
        if part == "RFC822.SIZE":
            size = 10 if self.lies_about_sizes else len(raw)
            return f"* 1 FETCH (UID {uid} RFC822.SIZE {size})\r\n".encode()
        name, content = "BODY[]", raw
        if part.startswith("BODY.PEEK[HEADER]<0."):
            name, content = "BODY[HEADER]<0>", raw[: raw.index(b"\n\n") + 2]
        head = f"* 1 FETCH (UID {uid} {name} {{{len(content)}}}\r\n".encode()
        return head + content + b")\r\n"


@asynccontextmanager
async def serving_imap(tls: ssl.SSLContext) -> AsyncIterator[ImapServer]:
    """Serve on a free port of loopback."""
    server = ImapServer()
    listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=tls)
    server.port = listener.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listener.close()
        await listener.wait_closed()
