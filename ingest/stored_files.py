"""Files that come in by any way: clean names, types read from content, bytes stored."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from core.blobs import Blobs, Stored
from core.errors import UnsupportedMediaType, ValidationFailed
from core.ids import new_id
from core.store.files import File
from core.store.unit import Unit

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_MAX_NAME_CHARS: Final = 255


@dataclass(frozen=True)
class StoredFile:
    """A stored file that no row names yet; ``mime_type`` is read from its content."""

    name: str
    mime_type: str
    stored: Stored

    def build_row(self, created_by: str | None = None) -> File:
        """Return the row by which a workspace has the file."""
        return File(
            id=new_id("file"),
            name=self.name,
            size=self.stored.size,
            mime_type=self.mime_type,
            checksum=self.stored.checksum,
            blob_key=self.stored.key,
            status="uploaded",
            created_by=created_by,
        )


def reference_to(file: File) -> dict[str, JsonValue]:
    """Return how the input of a run names a file of the workspace."""
    return {"fileId": file.id, "name": file.name, "mimeType": file.mime_type, "size": file.size}


async def store_file(
    blobs: Blobs, name: str, pieces: AsyncIterator[bytes], limit: int
) -> StoredFile:
    """Store a file as it comes; one that is refused leaves nothing behind.

    Raises ``PayloadTooLarge`` past ``limit`` bytes, ``UnsupportedMediaType`` and, for an empty
    file, ``ValidationFailed``.
    """
    stored = await blobs.put(pieces, limit)
    try:
        return StoredFile(name, await detect_media_type(blobs, stored.key, name), stored)
    except BaseException:
        await blobs.delete(stored.key)
        raise


class PendingFiles:
    """Stored files that no committed row names yet."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._files: list[StoredFile] = []

    def append(self, file: StoredFile) -> None:
        self._files.append(file)

    def add_rows(self, unit: Unit) -> list[File]:
        """Make the files the workspace's, once the unit is committed; return their rows."""
        unit.after_commit(self._release)
        return [unit.files.add(file.build_row()) for file in self._files]

    async def discard(self) -> None:
        """Delete the bytes of those that still have no row."""
        while self._files:
            await self._blobs.delete(self._files.pop().stored.key)

    async def _release(self) -> None:
        self._files.clear()


def clean_name(name: str) -> str:
    """Return a file's bare name; raises ``ValidationFailed`` for one that has none."""
    bare = _CONTROL.sub("", re.split(r"[/\\]", name)[-1]).strip()[-_MAX_NAME_CHARS:]
    if bare in ("", ".", ".."):
        raise ValidationFailed("The file has no name; send it with its file name.")
    return bare


async def detect_media_type(blobs: Blobs, key: str, name: str) -> str:
    """Return the media type of stored bytes, read from the bytes themselves.

    What looks like a document but is damaged or locked passes: reading it says why it fails.
    """
    from ingest.failures import CorruptDocument, EmptyDocument, EncryptedDocument, UnsupportedType
    from ingest.sniff import sniff

    async with blobs.local_file(key) as path:
        try:
            return (await asyncio.to_thread(sniff, path, name)).mime_type
        except EmptyDocument as error:
            raise ValidationFailed("The file is empty; choose one that has content.") from error
        except UnsupportedType as error:
            raise UnsupportedMediaType(error.message) from error
        except (CorruptDocument, EncryptedDocument):
            return "application/octet-stream"
