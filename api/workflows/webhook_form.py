"""A webhook's multipart body: its fields, and its files as files of the workspace."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final

from pydantic import JsonValue
from werkzeug.datastructures import Headers

from api.multipart import FieldPart, FilePart, read_parts
from api.reading import Spooled, refuse_unstorable
from core.blobs import Blobs
from core.errors import PayloadTooLarge
from core.services import Services
from core.store.unit import Unit
from ingest.stored_files import PendingFiles, clean_name, reference_to, store_file

_STEP: Final = 256 * 1024


class FormDelivery:
    """What a form said; its files are stored, but are nobody's until rows name them."""

    def __init__(self, blobs: Blobs) -> None:
        self.fields: dict[str, list[str]] = {}
        self.files = PendingFiles(blobs)
        self.file_fields: list[str] = []

    def body(self) -> dict[str, JsonValue]:
        """Return the fields; one that came several times is a list."""
        return {name: _one_or_all(values) for name, values in self.fields.items()}

    def add_files(self, unit: Unit) -> list[JsonValue]:
        """Make the files the workspace's; return how a run's input names them."""
        rows = self.files.add_rows(unit)
        return [
            {"field": name, **reference_to(row)}
            for name, row in zip(self.file_fields, rows, strict=True)
        ]


def is_form(headers: Headers) -> bool:
    """Return whether a request's body is a multipart form."""
    kind = headers.get("Content-Type", "").partition(";")[0]
    return kind.strip().lower() == "multipart/form-data"


async def read_form_delivery(services: Services, headers: Headers, body: Spooled) -> FormDelivery:
    """Store a form's files and return them with its fields; of a refused form nothing stays.

    Raises ``PayloadTooLarge``, ``UnsupportedMediaType`` or ``ValidationFailed``.
    """
    delivery = FormDelivery(services.blobs)
    limit = services.settings.webhook_max_bytes
    try:
        async with aclosing(read_parts(headers, _pieces(body), max_field_bytes=limit)) as parts:
            async for part in parts:
                if isinstance(part, FilePart):
                    await _take_file(services, delivery, part)
                else:
                    limit = _take_field(delivery, part, limit)
        refuse_unstorable(delivery.fields)
    except BaseException:
        await delivery.files.discard()
        raise
    return delivery


def _take_field(delivery: FormDelivery, part: FieldPart, limit: int) -> int:
    """Keep a field; return how many bytes are left for others."""
    limit -= len(part.name.encode()) + len(part.value.encode())
    if limit < 0:
        raise PayloadTooLarge("The form's fields are too long; send long values as files.")
    delivery.fields.setdefault(part.name, []).append(part.value)
    return limit


async def _take_file(services: Services, delivery: FormDelivery, part: FilePart) -> None:
    pieces = aiter(part.pieces)
    first = await anext(pieces, b"")
    if not first and not part.filename:
        return  # a browser's file input in which nothing was chosen
    name = clean_name(part.filename or "file")
    limit = services.settings.max_upload_bytes
    file = await store_file(services.blobs, name, _joined(first, pieces), limit)
    delivery.files.append(file)
    delivery.file_fields.append(part.name)


async def _joined(first: bytes, rest: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    if first:
        yield first
    async for piece in rest:
        yield piece


async def _pieces(body: Spooled) -> AsyncIterator[bytes]:
    for start in range(0, len(body), _STEP):
        yield body[start : start + _STEP]


def _one_or_all(values: list[str]) -> JsonValue:
    return values[0] if len(values) == 1 else [*values]
