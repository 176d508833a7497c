"""Reads new mails of an IMAP folder over TLS, bounded in time and size; it changes nothing there.

The connection goes to a checked address alone, while the certificate is checked for the name.
"""

from __future__ import annotations

import asyncio
import imaplib
import re
import socket
import ssl
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, Final

from core.errors import UpstreamError
from core.http.address import Allowed
from core.http.connect import LookUp, look_up, resolve_allowed

MAX_MAILS: Final = 20  # of one look
_SECONDS: Final = 30.0
_CONNECT_SECONDS: Final = 10.0
_MAX_LINE_BYTES: Final = 256 * 1024
_PIECE_BYTES: Final = 64 * 1024
# For headers of what is too large, and all else that a server says.
_SLACK_BYTES: Final = 8 * 1024 * 1024
_MAX_SENTENCE: Final = 100
_LOOKS: Final = ThreadPoolExecutor(max_workers=8, thread_name_prefix="imap")
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")


class MailboxFailed(UpstreamError):
    """The mail server cannot be reached, refuses login or folder, or breaks the protocol."""


@dataclass(frozen=True)
class Mailbox:
    """A folder of an account at a server that speaks TLS from the first byte."""

    host: str
    port: int
    username: str
    password: str
    folder: str


@dataclass(frozen=True)
class MailPosition:
    """How far a folder was read: UIDs ascend for as long as ``uid_validity`` stays."""

    uid_validity: int
    last_uid: int


@dataclass(frozen=True)
class FetchedMail:
    """A mail as it came; of one that ``is_oversized`` the headers alone."""

    uid: int
    raw: bytes
    is_oversized: bool


@dataclass(frozen=True)
class MailboxLook:
    """What a look at a folder found; ``position`` is where it stands before ``mails``."""

    position: MailPosition
    mails: list[FetchedMail]


async def fetch_new_mails(
    allowed: Allowed,
    mailbox: Mailbox,
    known: MailPosition | None,
    max_bytes: int,
    resolve: LookUp = look_up,
) -> MailboxLook:
    """Return the next mails after a position, at most ``MAX_MAILS`` and about ``max_bytes``.

    Without a position, or where the folder's UIDs have become others, it returns the folder's end
    and no mails. Raises ``MailboxFailed``, and ``AddressForbidden`` for a host that is not public.
    """
    addresses = await resolve_allowed(allowed, resolve, mailbox.host, mailbox.port)
    loop = asyncio.get_running_loop()
    try:
        return await loop.run_in_executor(_LOOKS, _look, mailbox, addresses, known, max_bytes)
    except TimeoutError as error:
        raise MailboxFailed(
            f"The mail server {mailbox.host} did not answer in time; check host and port."
        ) from error
    except ssl.SSLError as error:
        raise MailboxFailed(
            f"{mailbox.host}:{mailbox.port} has no valid TLS; check host, port and certificate."
        ) from error
    except (imaplib.IMAP4.error, OSError, ValueError) as error:
        sentence = _CONTROL.sub(" ", str(error))[:_MAX_SENTENCE]
        raise MailboxFailed(
            f"The mail server refused or broke off: {sentence}; check login and folder."
        ) from error


class _BoundedImap(imaplib.IMAP4):
    """A session over TLS to one address whose answers are bounded in time and in bytes."""

    def __init__(self, mailbox: Mailbox, addresses: Sequence[str], max_bytes: int) -> None:
        self._mailbox, self._addresses = mailbox, addresses
        self._deadline = time.monotonic() + _SECONDS
        self._left = max_bytes
        self._held = bytearray()
        super().__init__(mailbox.host, mailbox.port)

    def open(self, host: str = "", port: int = 993, timeout: float | None = None) -> None:  # noqa: ARG002
        plain = self._connect_to_any(port)
        try:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(plain, server_hostname=self._mailbox.host)
        except BaseException:
            plain.close()
            raise
        self.file: Any = None

    def _connect_to_any(self, port: int) -> socket.socket:
        failure: OSError | None = None
        for address in self._addresses:
            try:
                return socket.create_connection((address, port), _CONNECT_SECONDS)
            except OSError as error:
                failure = error
        raise failure or OSError("the host has no address")

    def read(self, size: int) -> bytes:
        if size > self._left:
            raise self.abort("an answer is larger than allowed")
        while len(self._held) < size:
            self._fill()
        return self._take(size)

    def readline(self) -> bytes:
        searched = 0
        while (end := self._held.find(b"\n", searched)) < 0:
            searched = len(self._held)
            if searched > _MAX_LINE_BYTES:
                raise self.abort("a line is longer than allowed")
            self._fill()
        return self._take(end + 1)

    def send(self, data: Any) -> None:
        self.sock.settimeout(self._remaining())
        self.sock.sendall(data)

    def shutdown(self) -> None:
        self.sock.close()

    def _fill(self) -> None:
        self.sock.settimeout(self._remaining())
        piece = self.sock.recv(_PIECE_BYTES)
        if not piece:
            raise self.abort("the connection was closed")
        self._held += piece

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        self._left -= size
        if self._left < 0:
            raise self.abort("the answers are larger than allowed")
        return taken

    def _remaining(self) -> float:
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


def _look(
    mailbox: Mailbox, addresses: Sequence[str], known: MailPosition | None, max_bytes: int
) -> MailboxLook:
    if _CONTROL.search(f"{mailbox.username}{mailbox.password}{mailbox.folder}"):
        raise ValueError("login or folder has control characters")
    session = _BoundedImap(mailbox, addresses, max_bytes + _SLACK_BYTES)
    try:
        session.login(_quote(mailbox.username), mailbox.password)
        _require(*session.select(_quote(mailbox.folder), readonly=True))
        position = _position(session)
        if known is None or known.uid_validity != position.uid_validity:
            return MailboxLook(position, [])
        mails: list[FetchedMail] = []
        left = max_bytes
        for uid, size in _new(session, known):
            if size <= max_bytes and size > left:
                break  # the next look begins with it
            mails.append(_fetch(session, uid, size, max_bytes))
            left -= len(mails[-1].raw)
        return MailboxLook(known, mails)
    finally:
        session.shutdown()


def _position(session: imaplib.IMAP4) -> MailPosition:
    """Return the folder's end, of what it said when it was selected."""
    validity = _number(session.response("UIDVALIDITY")[1])
    return MailPosition(validity, _number(session.response("UIDNEXT")[1]) - 1)


def _number(data: Any) -> int:
    if not data or not isinstance(data[-1], bytes) or not data[-1].isdigit():
        raise imaplib.IMAP4.error("the folder has no UIDs")
    return int(data[-1])


def _new(session: imaplib.IMAP4, known: MailPosition) -> list[tuple[int, int]]:
    """Return UID and size of the next mails."""
    first = known.last_uid + 1
    # One more than is wanted: the last mail always matches, even if it is older.
    found = _require(*session.uid("SEARCH", f"UID {first}:*"))
    words = b" ".join(part for part in found if isinstance(part, bytes)).split()
    uids = sorted({int(word) for word in words if word.isdigit() and int(word) >= first})
    sizes = []
    for uid in uids[:MAX_MAILS]:
        answer = _require(*session.uid("FETCH", str(uid), "(RFC822.SIZE)"))
        match = re.search(rb"RFC822\.SIZE (\d+)", _joined(answer))
        if match:  # else it was deleted meanwhile
            sizes.append((uid, int(match[1])))
    return sizes


def _fetch(session: imaplib.IMAP4, uid: int, size: int, max_bytes: int) -> FetchedMail:
    """Fetch a mail without marking it as seen."""
    is_oversized = size > max_bytes
    part = f"(BODY.PEEK[HEADER]<0.{_MAX_LINE_BYTES}>)" if is_oversized else "(BODY.PEEK[])"
    answer = _require(*session.uid("FETCH", str(uid), part))
    raw = next((each[1] for each in answer if isinstance(each, tuple)), b"")
    return FetchedMail(uid, raw[:max_bytes], is_oversized)


def _joined(answer: list[Any]) -> bytes:
    return b" ".join(
        b" ".join(part) if isinstance(part, tuple) else part for part in answer if part
    )


def _require(status: str, data: Any) -> list[Any]:
    if status != "OK":
        raise imaplib.IMAP4.error(str(data[-1] if data else status))
    return list(data)


def _quote(folder: str) -> str:
    escaped = folder.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
