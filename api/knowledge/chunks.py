"""Passages of a document: listed, added, changed, split, merged, deleted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from api.access import READ, WRITE
from api.call import Call, Json
from api.endpoint import endpoint
from api.errors import found
from api.knowledge.schemas import ChunkAnswer, ChunkMerge, ChunkPatch, ChunkSplit, NewChunk
from api.paging import Page, PageQuery, cursor_of
from core.errors import Conflict, ValidationFailed
from core.store.chunks import Chunk
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase

_CHUNKS = "/api/knowledge/<base_id>/documents/<document_id>/chunks"


class _Loaded(NamedTuple):
    base: KnowledgeBase
    document: Document
    chunks: list[Chunk]


@endpoint("GET", _CHUNKS, access=READ)
async def list_chunks(
    call: Call,
    base_id: str,
    document_id: str,
    query: PageQuery[Literal["index", "tokenCount", "page"]],
) -> Page[ChunkAnswer]:
    """List the pieces of a document in its order."""
    found(await call.unit.documents.in_base(base_id, document_id), "document")
    page = await call.unit.chunks.page(document_id, query.request())
    return Page(
        data=[ChunkAnswer.model_validate(row) for row in page.rows],
        next_cursor=cursor_of(page.next),
    )


@endpoint("POST", _CHUNKS, access=WRITE, status=201, errors=[Conflict])
async def add_chunk(call: Call, base_id: str, document_id: str, body: NewChunk) -> ChunkAnswer:
    """Add a passage to a document; it is embedded and indexed before this is answered.

    It has no offsets, since the document does not say it. Processing the document again keeps it,
    behind the passages that are read.
    """
    from ingest.chunk_editing import Draft, build_added_chunk

    base, document, _ = await _load(call, base_id, document_id)
    draft = Draft(
        content=body.content,
        page=body.page,
        heading_path=tuple(body.heading_path),
        enabled=body.enabled,
    )
    new = await build_added_chunk(base, document, draft)
    chunk_id = await call.unit.chunk_edits.add(base, document_id, new, body.index)
    call.audit("chunk.added", chunk_id, documentId=document_id, knowledgeBaseId=base_id)
    return await _answer(call, base_id, document_id, chunk_id)


@endpoint("PATCH", f"{_CHUNKS}/<chunk_id>", access=WRITE, errors=[Conflict])
async def update_chunk(
    call: Call, base_id: str, document_id: str, chunk_id: str, body: ChunkPatch
) -> ChunkAnswer:
    """Correct a passage's text, which is embedded and indexed anew, or take it out of search.

    A corrected passage has offsets only where the document still says it so. Processing the
    document again brings back what it says.
    """
    from ingest.chunk_editing import build_edited_chunk

    base, document, (chunk,) = await _load(call, base_id, document_id, [chunk_id])
    changes = body.changes()
    if "content" in changes and body.content != chunk.content:
        new = await build_edited_chunk(base, document, chunk, body.content)
        await call.unit.chunk_edits.rewrite(base, chunk, new)
        call.audit("chunk.edited", chunk_id, documentId=document_id, knowledgeBaseId=base_id)
    row = found(await call.unit.chunks.get(base_id, document_id, chunk_id), "chunk")
    row.enabled = changes.get("enabled", row.enabled)
    await call.unit.flush()
    return ChunkAnswer.model_validate(row)


@endpoint("DELETE", f"{_CHUNKS}/<chunk_id>", access=WRITE, status=204, errors=[Conflict])
async def delete_chunk(call: Call, base_id: str, document_id: str, chunk_id: str) -> None:
    """Delete a passage; no search finds it from the moment this is answered.

    Processing the document again brings back what it says.
    """
    base, _, (chunk,) = await _load(call, base_id, document_id, [chunk_id])
    await call.unit.chunk_edits.delete(base, chunk)
    call.audit("chunk.deleted", chunk_id, documentId=document_id, knowledgeBaseId=base_id)


@endpoint("POST", f"{_CHUNKS}/<chunk_id>/split", access=WRITE, errors=[Conflict])
async def split_chunk(
    call: Call, base_id: str, document_id: str, chunk_id: str, body: ChunkSplit
) -> Page[ChunkAnswer]:
    """Split a passage in two; the first part keeps its id, both keep true offsets."""
    from ingest.chunk_editing import build_split_chunks

    base, document, (chunk,) = await _load(call, base_id, document_id, [chunk_id])
    first, second = await build_split_chunks(base, document, chunk, body.offset)
    other_id = await call.unit.chunk_edits.split(base, chunk, first, second)
    where = {"documentId": document_id, "knowledgeBaseId": base_id}
    call.audit("chunk.split", chunk_id, into=[chunk_id, other_id], **where)
    parts = [await _answer(call, base_id, document_id, each) for each in (chunk_id, other_id)]
    return Page(data=parts)


@endpoint("POST", f"{_CHUNKS}/merge", access=WRITE, errors=[Conflict])
async def merge_chunks(call: Call, base_id: str, document_id: str, body: ChunkMerge) -> ChunkAnswer:
    """Merge passages that follow each other into one, under the id of the first.

    The merged passage has offsets where the document says it so, and a page where all are on it.
    """
    from ingest.chunk_editing import build_merged_chunk

    base, document, chunks = await _load(call, base_id, document_id, body.chunk_ids)
    if chunks[-1].index - chunks[0].index != len(chunks) - 1 or len(chunks) < 2:
        raise ValidationFailed.at(
            "chunkIds",
            "must follow each other",
            sentence="chunkIds must name at least two passages that follow each other.",
        )
    new = await build_merged_chunk(base, document, chunks)
    await call.unit.chunk_edits.merge(base, chunks, new)
    first_id, merged = chunks[0].id, list[Json](chunk.id for chunk in chunks)
    where = {"documentId": document_id, "knowledgeBaseId": base_id}
    call.audit("chunk.merged", first_id, merged=merged, **where)
    return await _answer(call, base_id, document_id, first_id)


async def _load(
    call: Call, base_id: str, document_id: str, chunk_ids: Sequence[str] = ()
) -> _Loaded:
    """Read what a change is made from; embedding comes next, so no transaction stays open."""
    async with call.services.store.unit(call.workspace_id) as unit:
        document = found(await unit.documents.in_base(base_id, document_id), "document")
        base = found(await unit.bases.get(base_id), "knowledge base")
        chunks = await unit.chunks.get_all(base_id, document_id, chunk_ids)
    if len(chunks) != len(set(chunk_ids)):
        found(None, "chunk")
    return _Loaded(base, document, chunks)


async def _answer(call: Call, base_id: str, document_id: str, chunk_id: str) -> ChunkAnswer:
    row = await call.unit.chunks.get(base_id, document_id, chunk_id)
    return ChunkAnswer.model_validate(found(row, "chunk"))
