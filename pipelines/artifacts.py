"""Artifacts: what their bytes may be, and how one is kept under a token that opens it."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from core.blobs import Stored
from core.errors import PayloadTooLarge, ValidationFailed
from core.ids import new_id
from core.security import hash_token, new_token
from core.services import Services
from core.store.artifacts import Artifact

LARGEST: Final = 10 * 1024 * 1024  # bytes


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
_SVG: Final = re.compile(r"<svg[\s>]", re.IGNORECASE)


Type = Literal["markdown", "html", "svg", "png", "csv", "json", "code", "pdf"]
Visibility = Literal["public", "workspace"]


@dataclass(frozen=True)
class ArtifactContent:
    """``data`` is of that type; ``public`` shows it to whoever has the token, ``workspace`` to
    members of the workspace."""

    type: Type
    title: str
    data: bytes
    visibility: Visibility = "workspace"
    expires_at: datetime | None = None
    created_by: str | None = None


@dataclass(frozen=True)
class Kept:
    """With the token, which is told this once: only its hash is stored."""

    row: Artifact
    token: str
    url: str


async def keep(services: Services, workspace_id: str, new: ArtifactContent) -> Kept:
    """Check content and keep it; raises ``PayloadTooLarge`` and ``ValidationFailed``."""
    await asyncio.to_thread(check, new.type, new.data)
    stored = await services.blobs.put(_one(new.data), LARGEST)
    token = new_token()
    # Not torn apart by a caller that goes away: a row names the blob, or it is gone.
    row = await asyncio.shield(_record(services, workspace_id, new, stored, token))
    return Kept(row, token, f"{services.settings.base_url}/api/artifacts/{token}")


async def _record(
    services: Services, workspace_id: str, new: ArtifactContent, stored: Stored, token: str
) -> Artifact:
    row = Artifact(
        id=new_id("art"),
        token_hash=hash_token(token),
        type=new.type,
        title=new.title,
        size=stored.size,
        checksum=stored.checksum,
        blob_key=stored.key,
        visibility=new.visibility,
        expires_at=new.expires_at,
        created_by=new.created_by,
    )
    try:
        async with services.store.unit(workspace_id) as unit:
            return unit.artifacts.add(row)
    except BaseException:
        await services.blobs.delete(stored.key)
        raise


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data


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
