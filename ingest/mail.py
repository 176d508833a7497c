"""What a mail carries: its attachments, and the mails that it forwards or gathers."""

from __future__ import annotations

import email
import email.policy
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import EmailMessage, Message
from pathlib import Path, PurePath

_LONGEST_NAME = 150


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


def _of_mail(path: Path) -> Iterator[Attachment]:
    with path.open("rb") as file:
        message = email.message_from_binary_file(file, policy=email.policy.default)
    yield from _parts(message)


def _parts(part: Message) -> Iterator[Attachment]:
    if part.get_content_type() == "message/rfc822":
        for inner in part.get_payload():
            if isinstance(inner, EmailMessage):
                yield Attachment(_named(f"{inner['subject'] or 'message'}.eml"), bytes(inner))
    elif part.is_multipart():
        for inner in part.get_payload():
            if isinstance(inner, Message):
                yield from _parts(inner)
    elif (name := part.get_filename()) or _is_inline(part):
        data = part.get_payload(decode=True)
        if isinstance(data, bytes):
            yield Attachment(_named(name or "picture"), data, _is_inline(part))


def _is_inline(part: Message) -> bool:
    """Whether it is a picture that is shown in the text, as one without a disposition is."""
    return part.get_content_maintype() == "image" and part.get_content_disposition() != "attachment"


def _of_outlook(path: Path) -> Iterator[Attachment]:
    from oxmsg import Message as OutlookMessage

    for attachment in OutlookMessage.load(str(path)).attachments:
        data = attachment.file_bytes
        if data:
            yield Attachment(_named(attachment.file_name or "attachment"), data)


def _named(name: str) -> str:
    """Return the name without folders and control characters, its end kept when it is long."""
    last = PurePath(name.replace("\\", "/")).name
    return "".join(c for c in last if c.isprintable())[-_LONGEST_NAME:] or "attachment"
