"""Uploaded files: straight into storage, and out of it again unless a row comes to name them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Final, TypeVar

from api.call import Call, parts_of
from api.multipart import FieldPart, FilePart
from core.blobs import Stored
from core.errors import PayloadTooLarge, ValidationFailed
from core.removal import forget_blobs
from core.services import Services
from ingest.stored_files import StoredFile, clean_name, detect_media_type, store_file

T = TypeVar("T")

_FORM_OVERHEAD: Final = 1 << 20


@dataclass(frozen=True)
class Upload(StoredFile):
    """A stored file that came in a form, with the form's other fields."""

    fields: dict[str, str] = field(default_factory=dict)


async def take_upload(
    call: Call, fields: Collection[str], record: Callable[[Upload], Awaitable[T]]
) -> T:
    """Store the form's one ``file`` and have ``record`` write its row, in a unit of its own.

    The form may have the given other fields. Whatever fails, be it the client going away, nothing
    stays in storage. Raises ``PayloadTooLarge``, ``UnsupportedMediaType`` or ``ValidationFailed``.
    """
    upload = await _receive(call, fields)
    return await _shielded(call, upload, record)


async def take_stream(
    call: Call,
    name: str,
    pieces: AsyncIterator[bytes],
    record: Callable[[Upload], Awaitable[T]],
) -> T:
    """Store bytes that come from elsewhere than a form; else as :func:`take_upload`."""
    blobs = call.services.blobs
    file = await store_file(blobs, name, pieces, call.services.settings.max_upload_bytes)
    upload = Upload(file.name, file.mime_type, file.stored)
    return await _shielded(call, upload, record)


async def _shielded(call: Call, upload: Upload, record: Callable[[Upload], Awaitable[T]]) -> T:
    # Once all has arrived, a client that goes away does not tear row and bytes apart.
    return await asyncio.shield(_recorded(call, upload, record))


async def _recorded(call: Call, upload: Upload, record: Callable[[Upload], Awaitable[T]]) -> T:
    try:
        return await record(upload)
    except BaseException:
        # The row may be committed and only what was to follow have failed: then the bytes stay.
        async with call.services.store.unit(call.workspace_id) as unit:
            await forget_blobs(unit, call.services.blobs, [upload.stored.key])
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
        mime_type = await detect_media_type(self._blobs, self._stored.key, self._name)
        return Upload(self._name, mime_type, self._stored, self._fields)

    async def discard(self) -> None:
        if self._stored is not None:
            await self._blobs.delete(self._stored.key)
