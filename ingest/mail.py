"""What stands above a mail, and what it carries: files, and mails that it forwards or gathers."""

from __future__ import annotations

import email
import email.policy
import email.utils
from collections.abc import Iterator
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import HeaderRegistry
from email.message import EmailMessage, Message
from functools import lru_cache
from pathlib import Path, PurePath
from typing import Any, Final

from ingest import mail_texts

_LONGEST_NAME: Final = 150
_FIELDS: Final = ("From", "To", "Cc", "Date")
_AS_TEXT: Final = HeaderRegistry(use_default_map=False)
_PARSED: Final = HeaderRegistry()
_STRUCTURED: Final = frozenset({"content-type", "content-disposition"})
_LONGEST_STRUCTURED: Final = 1_000
_LONGEST_HEADER: Final = 8_000


# What Python's parser of headers raises where addresses are malformed, as those of many mails are.
_TRIPPED: Final = (LookupError, AttributeError, TypeError, ValueError, MessageError)


class _Headers(HeaderRegistry):
    """Headers as Python's parser reads them, as text where it cannot or would take long: its time
    is quadratic in a header's length."""

    def __call__(self, name: str, value: str) -> Any:
        is_structured = name.lower() in _STRUCTURED
        longest = _LONGEST_STRUCTURED if is_structured else _LONGEST_HEADER
        return _header(name, value) if len(value) <= longest else _AS_TEXT(name, value[:longest])


@lru_cache(maxsize=1024)  # the same few are asked for again and again in a mail of many parts
def _header(name: str, value: str) -> Any:
    try:
        return _PARSED(name, value)
    except _TRIPPED:
        return _AS_TEXT(name, value)


POLICY: Final = email.policy.EmailPolicy(header_factory=_Headers())


@dataclass(frozen=True)
class Attachment:
    """A file within a mail; ``name`` has no folders in it.

    One that ``is_inline`` is a picture that belongs to the text: a screenshot, or a logo below a
    signature.
    """

    name: str
    data: bytes
    is_inline: bool = False


def attachments(path: Path, kind: str) -> Iterator[Attachment]:
    """Yield what the mail at ``path`` (``eml`` or ``msg``) carries, in its order."""
    return _of_outlook(path) if kind == "msg" else _of_mail(path)


def heading(path: Path, kind: str) -> tuple[str, list[str]]:
    """Return a mail's subject and, a line each, from whom it is, to whom, and of when; of what it
    does not say nothing."""
    subject, fields = (_fields_of_outlook if kind == "msg" else _fields)(path)
    lines = ((name, " ".join(str(value or "").split())) for name, value in fields.items())
    return subject, [f"{name}: {value}" for name, value in lines if value]


def body(path: Path, kind: str) -> tuple[str, str]:
    """Return the format of what a mail shows, ``html`` or ``txt``, and all its texts as one."""
    if kind == "msg":
        message = _outlook_message(path)
        return ("html", message.html_body) if message.html_body else ("txt", message.body or "")
    shown, data = mail_texts.joined(_message(path))
    return shown, data.decode("utf-8", "replace")


def _fields(path: Path) -> tuple[str, dict[str, object]]:
    message = _message(path)
    return str(message["Subject"] or ""), {name: message[name] for name in _FIELDS}


def _fields_of_outlook(path: Path) -> tuple[str, dict[str, object]]:
    message = _outlook_message(path)
    sent = {name.lower(): value for name, value in message.message_headers.items()}
    fields: dict[str, object] = {name: sent.get(name.lower()) for name in _FIELDS}
    to = ", ".join(each.email_address or each.name or "" for each in message.recipients)
    date = email.utils.format_datetime(message.sent_date) if message.sent_date else None
    fields["From"] = fields["From"] or message.sender
    fields["To"] = fields["To"] or to
    fields["Date"] = fields["Date"] or date
    return message.subject or "", fields


def _outlook_message(path: Path) -> Any:
    from oxmsg import Message as OutlookMessage

    return OutlookMessage.load(str(path))


def _message(path: Path) -> EmailMessage:
    with path.open("rb") as file:
        return email.message_from_binary_file(file, policy=POLICY)


def _of_mail(path: Path) -> Iterator[Attachment]:
    yield from attachments_of(_message(path))


def attachments_of(part: Message) -> Iterator[Attachment]:
    """Yield what a mail, or a part of one, carries, in its order."""
    if part.get_content_type() == "message/rfc822":
        for inner in part.get_payload():
            if isinstance(inner, EmailMessage):
                yield Attachment(_named(f"{inner['subject'] or 'message'}.eml"), bytes(inner))
    elif part.is_multipart():
        for inner in part.get_payload():
            if isinstance(inner, Message):
                yield from attachments_of(inner)
    elif name := part.get_filename() or _usual_name(part):
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            yield Attachment(_named(name), data, _is_inline(part))


def _usual_name(part: Message) -> str:
    """Return what to call a part that has no name but is to be read, empty for all others."""
    if part.get_content_type() == "text/calendar":
        return "invitation.ics"
    return "picture" if _is_inline(part) else ""


def _is_inline(part: Message) -> bool:
    """Whether it is a picture that is shown in the text, as one without a disposition is."""
    return part.get_content_maintype() == "image" and part.get_content_disposition() != "attachment"


def _of_outlook(path: Path) -> Iterator[Attachment]:
    for attachment in _outlook_message(path).attachments:
        data = attachment.file_bytes
        if data:
            yield Attachment(_named(attachment.file_name or "attachment"), data)


def _named(name: str) -> str:
    """Return the name without folders and control characters, its end kept when it is long."""
    last = PurePath(name.replace("\\", "/")).name
    return "".join(c for c in last if c.isprintable())[-_LONGEST_NAME:] or "attachment"
