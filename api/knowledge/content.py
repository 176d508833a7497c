"""The bytes that a document was read from."""

from __future__ import annotations

from functools import partial
from typing import Final

from api.access import READ
from api.call import Call, Reply
from api.endpoint import endpoint
from api.errors import found
from api.files.download import BYTES, GIVEN, Download, ranged_reply
from core.errors import NotFound, RangeNotSatisfiable

_NO_BYTES: Final = (
    "This document has no file: wait until its source is fetched; of one that a program wrote, "
    "read the chunks."
)


@endpoint(
    "GET",
    "/api/knowledge/<base_id>/documents/<document_id>/content",
    access=READ,
    answers={200: BYTES, 206: BYTES, 304: None},
    errors=(RangeNotSatisfiable,),
    headers=("Range", "If-Range", "If-None-Match"),
    gives={200: GIVEN, 206: (*GIVEN, "Content-Range"), 304: GIVEN},
)
async def get_document_content(call: Call, base_id: str, document_id: str) -> Reply:
    """Give what the document was read from, whole or in a range, always as an attachment."""
    document = found(await call.unit.documents.in_base(base_id, document_id), "document")
    if not document.blob_key:
        raise NotFound(_NO_BYTES)
    read = partial(call.services.blobs.read, document.blob_key)
    file = Download(document.name, document.mime_type, document.checksum, document.size, read)
    return ranged_reply(call, file)
