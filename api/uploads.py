"""Uploaded files: straight into storage, and out of it again unless a row comes to name them."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, TypeVar

from api.call import Call, parts_of
from api.multipart import FieldPart, FilePart
from core.blobs import Blobs, Stored
from core.errors import PayloadTooLarge, UnsupportedMediaType, ValidationFailed
from core.services import Services

T = TypeVar("T")

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\u202a-\u202e\u2066-\u2069]")
_LONGEST_NAME: Final = 255
_FORM_OVERHEAD: Final = 1 << 20


@dataclass(frozen=True)
class Upload:
    """A stored file that no row names yet; ``mime_type`` is read from its content."""

    name: str
    mime_type: str
    stored: Stored
    fields: dict[str, str] = field(default_factory=dict)


async def take_upload(
    call: Call, fields: Collection[str], record: Callable[[Upload], Awaitable[T]]
) -> T:
    """Store the form's one ``file`` and have ``record`` write its row, in a unit of its own.

    The form may have the given other fields. Whatever fails, be it the client going away, nothing
    stays in storage. Raises ``PayloadTooLarge``, ``UnsupportedMediaType`` or ``ValidationFailed``.
    """
    upload = await _receive(call, fields)
    return await _shielded(call.services.blobs, upload, record)


async def take_stream(
    call: Call,
    name: str,
    pieces: AsyncIterator[bytes],
    record: Callable[[Upload], Awaitable[T]],
) -> T:
    """Store bytes that come from elsewhere than a form; else as :func:`take_upload`."""
    blobs = call.services.blobs
    stored = await blobs.put(pieces, call.services.settings.max_upload_bytes)
    try:
        upload = Upload(name, await sniffed(blobs, stored.key, name), stored)
    except BaseException:
        await blobs.delete(stored.key)
        raise
    return await _shielded(blobs, upload, record)


async def _shielded(blobs: Blobs, upload: Upload, record: Callable[[Upload], Awaitable[T]]) -> T:
    # Once all has arrived, a client that goes away does not tear row and bytes apart.
    return await asyncio.shield(_recorded(blobs, upload, record))


async def _recorded(blobs: Blobs, upload: Upload, record: Callable[[Upload], Awaitable[T]]) -> T:
    try:
        return await record(upload)
    except BaseException:
        await blobs.delete(upload.stored.key)
        raise


async def _receive(call: Call, allowed: Collection[str]) -> Upload:
    limit = call.services.settings.max_upload_bytes
    announced = call.request.headers.get("Content-Length", "0")
    if announced.isdecimal() and int(announced) > limit + _FORM_OVERHEAD:
        raise PayloadTooLarge(f"The file is larger than {limit} bytes.")
    form = _Form(call.services, limit)
    try:
        async with aclosing(parts_of(call)) as parts:
            async for part in parts:
                await form.take(part, allowed)
        return await form.finished()
    except BaseException:
        await form.discard()
        raise


class _Form:
    """What has arrived of a form."""

    def __init__(self, services: Services, limit: int) -> None:
        self._blobs = services.blobs
        self._limit = limit
        self._fields: dict[str, str] = {}
        self._name: str | None = None
        self._stored: Stored | None = None

    async def take(self, part: FieldPart | FilePart, allowed: Collection[str]) -> None:
        if isinstance(part, FieldPart):
            if part.name not in allowed or part.name in self._fields:
                raise ValidationFailed(f"The form field {part.name} is unknown or given twice.")
            self._fields[part.name] = part.value
        elif part.name != "file" or self._stored is not None:
            raise ValidationFailed("Send one file, in the form field file.")
        else:
            self._name = clean_name(part.filename)
            self._stored = await self._blobs.put(part.pieces, self._limit)

    async def finished(self) -> Upload:
        if self._stored is None or self._name is None:
            raise ValidationFailed("Send a file, in the form field file.")
        mime_type = await sniffed(self._blobs, self._stored.key, self._name)
        return Upload(self._name, mime_type, self._stored, self._fields)

    async def discard(self) -> None:
        if self._stored is not None:
            await self._blobs.delete(self._stored.key)


def clean_name(name: str) -> str:
    """Return a file's bare name; raises ``ValidationFailed`` for one that has none."""
    bare = _CONTROL.sub("", re.split(r"[/\\]", name)[-1]).strip()[-_LONGEST_NAME:]
    if bare in ("", ".", ".."):
        raise ValidationFailed("The file has no name; send it with its file name.")
    return bare


async def sniffed(blobs: Blobs, key: str, name: str) -> str:
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
