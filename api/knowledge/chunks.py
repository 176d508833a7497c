"""Passages of a document: listed, corrected, taken out of search and put back."""

from __future__ import annotations

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.knowledge.schemas import ChunkAnswer, ChunkPatch
from api.paging import Page, PageQuery, cursor_of
from core.store.chunks import Chunk
from core.store.unit import Unit


@endpoint("GET", "/api/knowledge/<base_id>/documents/<document_id>/chunks", access=READ)
async def list_chunks(
    call: Call, base_id: str, document_id: str, query: PageQuery
) -> Page[ChunkAnswer]:
    """List the pieces of a document in its order."""
    found(await call.unit.documents.in_base(base_id, document_id), "document")
    page = await call.unit.chunks.page(document_id, query.position(), query.limit)
    return Page(
        data=[ChunkAnswer.model_validate(row) for row in page.rows],
        next_cursor=cursor_of(page.next),
    )


@endpoint(
    "PATCH", "/api/knowledge/<base_id>/documents/<document_id>/chunks/<chunk_id>", access=WRITE
)
async def update_chunk(
    call: Call, base_id: str, document_id: str, chunk_id: str, body: ChunkPatch
) -> ChunkAnswer:
    """Correct a passage's text, which is embedded and indexed anew, or take it out of search.

    Processing the document again brings back what it says.
    """
    open_unit = call.services.store.unit
    async with open_unit(call.workspace_id) as unit:
        chunk = await _chunk(unit, base_id, document_id, chunk_id)
        base = found(await unit.bases.get(base_id), "knowledge base")
        document = found(await unit.documents.get(document_id), "document")
    changes = body.changes()
    new = None
    if "content" in changes and body.content != chunk.content:
        from ingest.chunk_editing import build_edited_chunk

        new = await build_edited_chunk(base, document, chunk, body.content)
    async with open_unit(call.workspace_id) as unit:
        if new is not None:
            await unit.chunks.rewrite(base, chunk_id, chunk.content, new)
        row = await _chunk(unit, base_id, document_id, chunk_id)
        row.enabled = changes.get("enabled", row.enabled)
        await unit.flush()
        return ChunkAnswer.model_validate(row)


async def _chunk(unit: Unit, base_id: str, document_id: str, chunk_id: str) -> Chunk:
    return found(await unit.chunks.get(base_id, document_id, chunk_id), "chunk")
