"""What an artifact's bytes may be, and how they are served: as content that can do nothing."""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from core.errors import PayloadTooLarge, ValidationFailed

LARGEST: Final = 10 * 1024 * 1024  # bytes
# A sandbox of its own origin without scripts, forms or popups; nothing is loaded from anywhere.
POLICY: Final = "sandbox; default-src 'none'; img-src data:; style-src 'unsafe-inline'"


@dataclass(frozen=True)
class Kind:
    """``suffix`` of the file's name; ``signature`` begins the bytes of a binary format."""

    content_type: str
    suffix: str
    signature: bytes = b""


KINDS: Final = {
    "markdown": Kind("text/markdown; charset=utf-8", ".md"),
    "html": Kind("text/html; charset=utf-8", ".html"),
    "svg": Kind("image/svg+xml", ".svg"),
    "png": Kind("image/png", ".png", b"\x89PNG\r\n\x1a\n"),
    "csv": Kind("text/csv; charset=utf-8", ".csv"),
    "json": Kind("application/json", ".json"),
    "code": Kind("text/plain; charset=utf-8", ".txt"),
    "pdf": Kind("application/pdf", ".pdf", b"%PDF-"),
}
MEDIA_TYPES: Final = [kind.content_type.partition(";")[0] for kind in KINDS.values()]
_SVG: Final = re.compile(r"<svg[\s>]", re.IGNORECASE)


def decoded(kind: str, content: str) -> bytes:
    """Return the bytes that a JSON body's content stands for; raises ``ValidationFailed``."""
    if not KINDS[kind].signature:
        return content.encode()
    try:
        return base64.b64decode(content, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValidationFailed(f"The content of a {kind} must be in base64.") from error


def check(kind: str, data: bytes) -> None:
    """Raise ``PayloadTooLarge`` or ``ValidationFailed`` unless the bytes are of that kind."""
    if len(data) > LARGEST:
        raise PayloadTooLarge(f"An artifact holds at most {LARGEST} bytes; share it as a file.")
    if KINDS[kind].signature:
        is_so = data.startswith(KINDS[kind].signature)
    else:
        is_so = _is_text_of(kind, data)
    if not is_so:
        raise ValidationFailed(f"The content is no {kind}; check it, or give its true type.")


def _is_text_of(kind: str, data: bytes) -> bool:
    try:
        text = data.decode()
        if kind == "json":
            json.loads(text)
    except (ValueError, RecursionError):
        return False
    return kind != "svg" or bool(_SVG.search(text[:4096]))


def disposition(title: str, kind: str) -> str:
    """Return ``Content-Disposition`` with a file's name made of the title."""
    name = re.sub(r"[\x00-\x1f\x7f/\\\"]", "_", title) + KINDS[kind].suffix
    plain = name.encode("ascii", "replace").decode()
    return f"inline; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
