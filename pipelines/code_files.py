"""Files of the workspace that code reads, and those it leaves, kept as files of the workspace."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from pathlib import PurePath
from typing import Annotated, Any, Final

from pydantic import BeforeValidator, Field, JsonValue

from core.blobs import Stored
from core.errors import NotFound, ValidationFailed
from core.ids import new_id
from core.sandbox.limits import Limits
from core.sandbox.outcome import SandboxFile
from core.services import Services
from core.store.files import File

_LIMITS: Final = Limits()
# Media type, and how the bytes begin; None for text in UTF-8.
_TYPES: Final[dict[str, tuple[str, bytes | None]]] = {
    ".png": ("image/png", b"\x89PNG\r\n\x1a\n"),
    ".jpg": ("image/jpeg", b"\xff\xd8\xff"),
    ".pdf": ("application/pdf", b"%PDF-"),
    ".xlsx": ("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", b"PK\x03\x04"),
    ".csv": ("text/csv", None),
    ".tsv": ("text/tab-separated-values", None),
    ".txt": ("text/plain", None),
    ".md": ("text/markdown", None),
    ".json": ("application/json", None),
}
_OTHER_CHARACTERS: Final = re.compile(r"[^\w .()+-]")


def _read_ids(value: Any) -> Any:
    """Take one id or many, and references to files as blocks return them."""
    if value in (None, ""):
        return []
    several = value if isinstance(value, list) else [value]
    return [item.get("id") if isinstance(item, dict) else item for item in several]


FileIds = Annotated[list[str], BeforeValidator(_read_ids), Field(max_length=_LIMITS.input_files)]


async def load_files(
    services: Services, workspace_id: str, file_ids: Sequence[str]
) -> list[SandboxFile]:
    """Return files of the workspace by id; raise ``NotFound`` or ``ValidationFailed``."""
    if not file_ids:
        return []
    async with services.store.unit(workspace_id) as unit:
        files = [await unit.files.get(file_id) for file_id in file_ids]
    found = [file for file in files if file is not None]
    if len(found) < len(files):
        raise NotFound("A file for the code does not exist; list the workspace's files.")
    if sum(file.size for file in found) > _LIMITS.input_file_bytes:
        raise ValidationFailed(
            f"Code takes at most {_LIMITS.input_file_bytes} bytes of files; give it smaller ones."
        )
    return [
        SandboxFile(_plain_name(file.name), await _read(services, file.blob_key)) for file in found
    ]


async def keep_files(
    services: Services,
    workspace_id: str,
    files: Sequence[SandboxFile],
    created_by: str | None = None,
) -> list[JsonValue]:
    """Keep what code left as files of the workspace; return references to them.

    Raises ``ValidationFailed`` for a file of a type that is not kept; then none is.
    """
    if not files:
        return []
    types = [_check_type(file) for file in files]
    rows: list[File] = []
    try:
        for file, mime_type in zip(files, types, strict=True):
            stored = await services.blobs.put(_once(file.content), _LIMITS.output_file_bytes)
            rows.append(_new_row(file, mime_type, stored, created_by))
        # Not torn apart by a caller that goes away: a row names each blob, or it is gone.
        return await asyncio.shield(_record(services, workspace_id, rows))
    except Exception:
        for row in rows:
            await services.blobs.delete(row.blob_key)
        raise


async def _record(services: Services, workspace_id: str, rows: Sequence[File]) -> list[JsonValue]:
    async with services.store.unit(workspace_id) as unit:
        for row in rows:
            unit.files.add(row)
    return [
        {
            "id": row.id,
            "name": row.name,
            "size": row.size,
            "mimeType": row.mime_type,
            "url": f"/api/files/{row.id}/download",
        }
        for row in rows
    ]


def _new_row(file: SandboxFile, mime_type: str, stored: Stored, created_by: str | None) -> File:
    return File(
        id=new_id("file"),
        name=file.name,
        size=stored.size,
        mime_type=mime_type,
        checksum=stored.checksum,
        blob_key=stored.key,
        status="uploaded",
        created_by=created_by,
    )


def _check_type(file: SandboxFile) -> str:
    suffix = PurePath(file.name).suffix.lower()
    mime_type, signature = _TYPES.get(suffix, ("", b""))
    is_text = signature is None and _is_utf8(file.content)
    if not mime_type or not (is_text or (signature and file.content.startswith(signature))):
        raise ValidationFailed(
            f"outputs/{file.name[:40]} is no file to keep; write {' '.join(_TYPES)} with content "
            "of that type."
        )
    return mime_type


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True


def _plain_name(name: str) -> str:
    plain = _OTHER_CHARACTERS.sub("_", name)[-100:].lstrip(" .()+-")
    return plain if plain not in ("", "outputs") else f"file_{plain}"


async def _read(services: Services, key: str) -> bytes:
    return b"".join([chunk async for chunk in services.blobs.read(key)])


async def _once(content: bytes) -> AsyncIterator[bytes]:
    yield content
