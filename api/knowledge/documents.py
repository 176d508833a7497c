"""Documents of a base."""

from __future__ import annotations

from api.access import READ, WRITE
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.errors import found
from api.knowledge.intake import FORM_FIELDS, Target, from_form, from_json, reading_of
from api.knowledge.schemas import (
    DocumentAnswer,
    DocumentEvent,
    DocumentPatch,
    DocumentQuery,
    DuplicateAnswer,
    NewDocument,
    Reading,
)
from api.paging import Page, cursor_of
from api.progress import follow
from api.stream import last_event_id, stream_events
from core import intake
from core.errors import Conflict, UpstreamError
from core.store.documents import Document
from ingest.stored_files import clean_name


@endpoint(
    "POST",
    "/api/knowledge/<base_id>/documents",
    access=WRITE,
    status=202,
    multipart=True,
    form_fields=FORM_FIELDS,
    answers={200: DuplicateAnswer, 202: DocumentAnswer},
    errors=(UpstreamError,),
)
async def add_document(call: Call, base_id: str, body: NewDocument | None) -> Reply:
    """Take a document in and queue it; the same content again is answered with the first one."""
    async with call.services.store.unit(call.workspace_id) as unit:
        # Asked before a body is taken in.
        found(await unit.bases.exists(base_id) or None, "knowledge base")
    if body is None:
        return await from_form(call, Target(base_id))
    return await from_json(call, Target(base_id), body)


@endpoint("GET", "/api/knowledge/<base_id>/documents", access=READ)
async def list_documents(call: Call, base_id: str, query: DocumentQuery) -> Page[DocumentAnswer]:
    """List the documents of a base, newest first."""
    found(await call.unit.bases.get(base_id), "knowledge base")
    page = await call.unit.documents.page(
        base_id, query.request(), status=query.status, search=query.search
    )
    return Page(
        data=[DocumentAnswer.model_validate(row) for row in page.rows],
        next_cursor=cursor_of(page.next),
    )


@endpoint("GET", "/api/knowledge/<base_id>/documents/<document_id>", access=READ)
async def get_document(call: Call, base_id: str, document_id: str) -> DocumentAnswer:
    """Return a document, and how far its processing is."""
    return DocumentAnswer.model_validate(await _document(call, base_id, document_id))


@endpoint(
    "GET",
    "/api/knowledge/<base_id>/documents/<document_id>/stream",
    access=READ,
    answers={200: Media("text/event-stream", DocumentEvent)},
    headers=("Last-Event-ID",),
)
async def stream_document(call: Call, base_id: str, document_id: str) -> Reply:
    """Follow a document's processing: as it is now, whenever that changes, and at its end."""
    await _document(call, base_id, document_id)

    async def look() -> DocumentAnswer | None:
        async with call.services.store.unit(call.workspace_id) as unit:
            document = await unit.documents.in_base(base_id, document_id)
            return None if document is None else DocumentAnswer.model_validate(document)

    return stream_events(follow(look, "document", last_event_id(call)))


@endpoint(
    "PUT",
    "/api/knowledge/<base_id>/documents/<document_id>",
    access=WRITE,
    status=202,
    multipart=True,
    form_fields=FORM_FIELDS,
    answers={202: DocumentAnswer},
    errors=(Conflict, UpstreamError),
)
async def replace_document(
    call: Call, base_id: str, document_id: str, body: NewDocument | None
) -> Reply:
    """Give a document another version of its content, a URL's as it is now; id and links stay.

    The passages of the version before are found until the new ones are there, and only passages
    that changed are embedded. Metadata stays where none is given, and so do passages that somebody
    added.
    """
    async with call.services.store.unit(call.workspace_id) as unit:
        document = found(await unit.documents.in_base(base_id, document_id), "document")
    to = Target(base_id, document_id, document.name)
    return await (from_form(call, to) if body is None else from_json(call, to, body))


@endpoint("PATCH", "/api/knowledge/<base_id>/documents/<document_id>", access=WRITE)
async def update_document(
    call: Call, base_id: str, document_id: str, body: DocumentPatch
) -> DocumentAnswer:
    """Rename a document, enable or disable it for search, or replace its metadata.

    Its passages stay indexed under the name they were read with until it is processed again.
    """
    document = await _document(call, base_id, document_id)
    changes = body.changes()
    if "name" in changes:
        document.name = clean_name(body.name)
    document.enabled = changes.get("enabled", document.enabled)
    document.meta = changes.get("metadata", document.meta)
    await call.unit.flush()
    return DocumentAnswer.model_validate(document)


@endpoint("DELETE", "/api/knowledge/<base_id>/documents/<document_id>", access=WRITE, status=204)
async def delete_document(call: Call, base_id: str, document_id: str) -> None:
    """Delete a document; no search finds it from the moment this is answered."""
    document = await _document(call, base_id, document_id)
    base = found(await call.unit.bases.get(base_id), "knowledge base")
    await intake.remove(call.unit, base, document, call.services.blobs)
    call.audit("document.deleted", document.id, name=document.name, knowledgeBaseId=base.id)


@endpoint(
    "POST",
    "/api/knowledge/<base_id>/documents/<document_id>/reprocess",
    access=WRITE,
    status=202,
)
async def reprocess_document(
    call: Call, base_id: str, document_id: str, body: Reading
) -> DocumentAnswer:
    """Process an ended document again, read in another way if so said.

    What is found of it stays until the new chunks are there; passages that come out as before
    are not embedded again. Passages that somebody added stay, behind those that are read; edits,
    splits, merges and deletions of the others are undone.
    """
    reading = await reading_of(body)
    document = await _document(call, base_id, document_id)
    await intake.again(call.unit, document, call.services.queue, reading)
    return DocumentAnswer.model_validate(await call.unit.documents.fresh(document))


@endpoint("POST", "/api/knowledge/<base_id>/documents/<document_id>/cancel", access=WRITE)
async def cancel_document(call: Call, base_id: str, document_id: str) -> DocumentAnswer:
    """Stop the processing of a document."""
    document = await _document(call, base_id, document_id)
    await intake.cancel(call.unit, document)
    return DocumentAnswer.model_validate(await call.unit.documents.fresh(document))


async def _document(call: Call, base_id: str, document_id: str) -> Document:
    return found(await call.unit.documents.in_base(base_id, document_id), "document")
