"""The ways a document, or another version of one, comes in: a form's file, an uploaded file, a
text, a URL."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from api.call import Call, Reply
from api.errors import found
from api.knowledge.schemas import (
    DocumentAnswer,
    DuplicateAnswer,
    FormFields,
    NewDocument,
    Reading,
)
from api.ocr import tesseract_names
from api.reading import checked, json_object
from api.uploads import Upload, take_stream, take_upload
from core import intake
from core.store.unit import Unit
from ingest.stored_files import clean_name

_PIECE: Final = 1 << 20


FORM_FIELDS: Final = ("metadata", "ocr", "languages")


@dataclass(frozen=True)
class Target:
    """A base, and the document of it that gets the content; without one it becomes a new one.

    ``name`` is the document's, which it keeps where no other is said.
    """

    base_id: str
    document_id: str | None = None
    name: str | None = None


async def from_form(call: Call, to: Target) -> Reply:
    """Take the form's file; its field ``metadata`` may hold a JSON object, ``languages`` names
    parted by commas."""

    async def record(upload: Upload) -> Reply:
        fields = _form_fields(upload.fields)
        reading = await reading_of(fields)
        return await _record_upload(call, to, upload, fields.metadata, reading)

    return await take_upload(call, FORM_FIELDS, record)


async def from_json(call: Call, to: Target, body: NewDocument) -> Reply:
    """Take what a JSON body names."""
    reading = await reading_of(body)
    if body.file_id is not None:
        return await _from_file(call, to, body.file_id, body, reading)

    async def record(upload: Upload) -> Reply:
        return await _record_upload(call, to, upload, body.metadata, reading)

    if body.text is not None:
        name = clean_name(body.name or to.name or "text.txt")
        return await take_stream(call, name, _pieces(body.text.encode()), record)
    assert body.url is not None  # the model lets one of the three through
    return await _from_url(call, to, body.url, body, reading)


async def reading_of(body: Reading) -> dict[str, Any]:
    """Return what is said about the reading, as documents have it; raises ``ValidationFailed``."""
    names = {"languages": await tesseract_names(body.languages)} if body.languages else {}
    return ({"ocr": body.ocr} if body.ocr else {}) | names


async def _from_file(
    call: Call, to: Target, file_id: str, body: NewDocument, reading: dict[str, Any]
) -> Reply:
    file = found(await call.unit.files.hold(file_id), "file")
    content = intake.Content(
        name=clean_name(body.name or file.name),
        mime_type=file.mime_type,
        size=file.size,
        checksum=file.checksum,
        blob_key=file.blob_key,
        file_id=file.id,
        metadata=body.metadata,
        created_by=call.user_id,
        reading=reading,
    )
    return await _put(call, call.unit, to, content)


async def _from_url(
    call: Call, to: Target, url: str, body: NewDocument, reading: dict[str, Any]
) -> Reply:
    """Queue a URL: the worker fetches it. One that is never called is refused at once."""
    asked = call.services.http.checked(url)
    content = intake.Content(
        name=clean_name(body.name) if body.name else to.name or asked,
        mime_type="application/octet-stream",
        size=0,
        checksum=hashlib.sha256(f"url {asked}".encode()).hexdigest(),
        blob_key="",
        source_url=asked,
        metadata=body.metadata,
        created_by=call.user_id,
        reading=reading,
    )
    return await _put(call, call.unit, to, content)


async def _record_upload(
    call: Call,
    to: Target,
    upload: Upload,
    metadata: Mapping[str, Any],
    reading: dict[str, Any],
) -> Reply:
    content = intake.Content(
        name=upload.name,
        mime_type=upload.mime_type,
        size=upload.stored.size,
        checksum=upload.stored.checksum,
        blob_key=upload.stored.key,
        metadata=metadata,
        created_by=call.user_id,
        reading=reading,
    )
    async with call.services.store.unit(call.workspace_id) as unit:
        return await _put(call, unit, to, content)


async def _put(call: Call, unit: Unit, to: Target, content: intake.Content) -> Reply:
    services = call.services
    if to.document_id is not None:
        row = found(await unit.documents.in_base(to.base_id, to.document_id), "document")
        await intake.replace(unit, row, content, services.queue, services.blobs)
        return Reply(DocumentAnswer.model_validate(await unit.documents.fresh(row)), 202)
    accepted = await intake.add(unit, to.base_id, content, services.queue, services.blobs)
    document = DocumentAnswer.model_validate(accepted.document)
    if accepted.is_duplicate:
        fields = document.model_dump() | {"duplicate_of": document.id}
        return Reply(DuplicateAnswer.model_construct(**fields), 200)
    return Reply(document, 202)


def _form_fields(fields: Mapping[str, str]) -> FormFields:
    metadata = (fields.get("metadata") or "{}").encode()
    given: dict[str, Any] = {"metadata": json_object(metadata, "form field metadata")}
    if fields.get("ocr"):
        given["ocr"] = fields["ocr"]
    if fields.get("languages"):
        given["languages"] = [name.strip() for name in fields["languages"].split(",")]
    return checked(FormFields, given)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]
