"""A received mail as a workflow takes it: fields, a plain text, and attachments."""

from __future__ import annotations

import email
import email.utils
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from email.errors import MessageError
from email.message import EmailMessage
from email.parser import BytesHeaderParser
from itertools import islice
from typing import Final

from ingest import mail_texts
from ingest.mail import POLICY, Attachment, attachments_of

MAX_ATTACHMENTS: Final = 20
MAX_TEXT_CHARS: Final = 500_000
_MAX_FIELD_CHARS: Final = 10_000
_BLOCKS: Final = frozenset({"br", "p", "div", "tr", "li", "h1", "h2", "h3", "h4", "h5", "h6"})
_HIDDEN: Final = ("script", "style", "head", "title", "template")
_MALFORMED: Final = (
    LookupError,
    AttributeError,
    TypeError,
    ValueError,
    MessageError,
    RecursionError,
)


@dataclass(frozen=True)
class ReceivedMail:
    """``date`` is in UTC; texts hold no NUL, which is stored nowhere."""

    message_id: str
    sender: str
    to: str
    cc: str
    subject: str
    date: datetime | None
    text: str
    attachments: list[Attachment]


def read_mail(raw: bytes) -> ReceivedMail:
    """Read a mail from its bytes; what is malformed in it is left empty."""
    message = _parse(raw)
    return ReceivedMail(
        message_id=_field(message, "Message-ID"),
        sender=_field(message, "From"),
        to=_field(message, "To"),
        cc=_field(message, "Cc"),
        subject=_field(message, "Subject"),
        date=_date(_field(message, "Date")),
        text=_storable(_text(message))[:MAX_TEXT_CHARS],
        attachments=list(islice(_attachments(message), MAX_ATTACHMENTS)),
    )


def _parse(raw: bytes) -> EmailMessage:
    try:
        return email.message_from_bytes(raw, policy=POLICY)
    except RecursionError:  # parts within parts, many times over
        return BytesHeaderParser(policy=POLICY).parsebytes(raw)


def _field(message: EmailMessage, name: str) -> str:
    try:
        value = str(message[name] or "")
    except _MALFORMED:
        return ""
    return _storable(" ".join(value.split()))[:_MAX_FIELD_CHARS]


def _date(value: str) -> datetime | None:
    try:
        date = email.utils.parsedate_to_datetime(value)
        return date.astimezone(UTC) if date.tzinfo else date.replace(tzinfo=UTC)
    except (ValueError, TypeError, OverflowError, IndexError):
        return None


def _text(message: EmailMessage) -> str:
    """Return a mail's plain text, or what its HTML shows."""
    try:
        plain = message.get_body(("plain",))
        if plain is not None:
            return str(plain.get_content()).strip()
        kind, data = mail_texts.joined(message)
    except _MALFORMED:
        return ""
    return _html_text(data) if kind == "html" else data.decode("utf-8", "replace").strip()


def _html_text(data: bytes) -> str:
    from lxml import etree, html

    try:
        tree = html.document_fromstring(data, parser=html.HTMLParser(encoding="utf-8"))
    except (etree.ParserError, ValueError):
        return ""
    etree.strip_elements(tree, *_HIDDEN, with_tail=False)
    for element in tree.iter(*_BLOCKS):
        element.tail = f"\n{element.tail or ''}"
    lines = (" ".join(line.split()) for line in "".join(tree.itertext()).splitlines())
    return "\n".join(line for line in lines if line)


def _attachments(message: EmailMessage) -> Iterator[Attachment]:
    try:
        yield from attachments_of(message)
    except _MALFORMED:
        return


def _storable(text: str) -> str:
    return text.replace("\x00", "").encode("utf-8", "replace").decode()
