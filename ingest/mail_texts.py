"""The texts of a mail as one: programs put some before and behind pictures and files, and lists put
a foot below, each a part of its own, of which unstructured reads one.
"""

from __future__ import annotations

import html
import re
from email.message import EmailMessage
from typing import Final

from ingest.decode import decode

_TEXTS: Final = ("text/plain", "text/html")
_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")


def joined(mail: EmailMessage) -> bytes | None:
    """Return a mail of all that ``mail`` shows in its order; ``None`` where that is one text."""
    texts = _shown(mail)
    if len(texts) < 2:
        return None
    whole = EmailMessage()
    if any(text.get_content_type() == "text/html" for text in texts):
        whole.set_content("\n".join(map(_as_html, texts)), subtype="html", charset="utf-8")
    else:
        whole.set_content("\n\n".join(map(_said, texts)), charset="utf-8")
    return bytes(whole)


def _shown(part: EmailMessage) -> list[EmailMessage]:
    """Return the texts that a part shows (RFC 2046, 5.1): of alternatives the last, which is the
    best, of related parts the first, which the others belong to."""
    kind = part.get_content_type()
    if kind in _TEXTS:
        return [] if part.get_filename() else [part]  # files are read as attachments
    if part.get_content_maintype() != "multipart" or kind == "multipart/digest":
        return []
    within = [_shown(inner) for inner in part.iter_parts() if isinstance(inner, EmailMessage)]
    if kind == "multipart/alternative":
        return next(filter(None, reversed(within)), [])
    if kind == "multipart/related":
        return within[0] if within else []
    return [text for texts in within for text in texts]


def _said(text: EmailMessage) -> str:
    try:
        return str(text.get_content())
    except (LookupError, TypeError, ValueError):  # a character set that there is not
        data = text.get_payload(decode=True)
        return decode(data) if isinstance(data, bytes) else ""


def _as_html(text: EmailMessage) -> str:
    said = _said(text)
    if text.get_content_type() == "text/html":
        return f"<div>{said}</div>"
    paragraphs = (html.escape(p).replace("\n", "<br>") for p in _BLANK_LINE.split(said.strip()))
    return "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
