"""The ways a document comes in: a form's file, an uploaded file, a text, a URL."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from api.call import Call, Reply
from api.errors import found
from api.knowledge.schemas import DocumentAnswer, DocumentPatch, DuplicateAnswer, NewDocument
from api.reading import checked
from api.uploads import Upload, clean_name, take_stream, take_upload
from core import intake
from core.errors import ValidationFailed
from core.store.unit import Unit

_PIECE: Final = 1 << 20


async def from_form(call: Call, base_id: str) -> Reply:
    """Add the form's file; its field ``metadata`` may hold a JSON object."""

    async def record(upload: Upload) -> Reply:
        return await _record_upload(call, base_id, upload, _metadata(upload.fields))

    return await take_upload(call, ("metadata",), record)


async def from_json(call: Call, base_id: str, body: NewDocument) -> Reply:
    """Add what a JSON body names."""
    if body.file_id is not None:
        return await _from_file(call, base_id, body.file_id, body)

    async def record(upload: Upload) -> Reply:
        return await _record_upload(call, base_id, upload, body.metadata)

    if body.text is not None:
        name = clean_name(body.name or "text.txt")
        return await take_stream(call, name, _pieces(body.text.encode()), record)
    assert body.url is not None  # the model lets one of the three through
    return await _from_url(call, base_id, body.url, body)


async def _from_file(call: Call, base_id: str, file_id: str, body: NewDocument) -> Reply:
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
    )
    return await _add(call, call.unit, base_id, content)


async def _from_url(call: Call, base_id: str, url: str, body: NewDocument) -> Reply:
    """Queue a URL: the worker fetches it. One that is never called is refused at once."""
    asked = call.services.http.checked(url)
    content = intake.Content(
        name=clean_name(body.name) if body.name else asked,
        mime_type="application/octet-stream",
        size=0,
        checksum=hashlib.sha256(f"url {asked}".encode()).hexdigest(),
        blob_key="",
        source_url=asked,
        metadata=body.metadata,
        created_by=call.user_id,
    )
    return await _add(call, call.unit, base_id, content)


async def _record_upload(
    call: Call, base_id: str, upload: Upload, metadata: Mapping[str, Any]
) -> Reply:
    content = intake.Content(
        name=upload.name,
        mime_type=upload.mime_type,
        size=upload.stored.size,
        checksum=upload.stored.checksum,
        blob_key=upload.stored.key,
        metadata=metadata,
        created_by=call.user_id,
    )
    async with call.services.store.unit(call.workspace_id) as unit:
        return await _add(call, unit, base_id, content)


async def _add(call: Call, unit: Unit, base_id: str, content: intake.Content) -> Reply:
    services = call.services
    accepted = await intake.add(unit, base_id, content, services.queue, services.blobs)
    document = DocumentAnswer.model_validate(accepted.document)
    if accepted.is_duplicate:
        fields = document.model_dump() | {"duplicate_of": document.id}
        return Reply(DuplicateAnswer.model_construct(**fields), 200)
    return Reply(document, 202)


def _metadata(fields: Mapping[str, str]) -> dict[str, Any]:
    try:
        metadata = json.loads(fields.get("metadata") or "{}")
    except (ValueError, RecursionError) as error:
        raise ValidationFailed("The form field metadata must be a JSON object.") from error
    return checked(DocumentPatch, {"metadata": metadata}).metadata


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]
