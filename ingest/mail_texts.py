"""The texts of a mail as one: programs put some before and behind pictures and files, and lists put
a foot below, each a part of its own.
"""

from __future__ import annotations

import html
import re
from email.message import EmailMessage
from typing import Final

from ingest.decode import decode

_TEXTS: Final = ("text/plain", "text/html")
_BLANK_LINE: Final = re.compile(r"\n[ \t]*\n")


def joined(mail: EmailMessage) -> tuple[str, bytes]:
    """Return all that ``mail`` shows in its order, and its format: ``html`` or ``txt``."""
    texts = _shown(mail)
    if not any(text.get_content_type() == "text/html" for text in texts):
        return "txt", "\n\n".join(map(_said, texts)).encode("utf-8", "replace")
    html_texts = map(_as_html, texts) if len(texts) > 1 else map(_said, texts)
    return "html", "\n".join(html_texts).encode("utf-8", "replace")


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
