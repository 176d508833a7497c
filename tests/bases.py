"""Knowledge bases with documents in them, written without a worker."""

from __future__ import annotations

from collections import Counter

from core.config import PACKAGED_EMBEDDING_MODEL
from core.ids import new_id
from core.models.embed import get_embedder
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from core.store.unit import Store
from core.text import analyze


async def write_base(store: Store, workspace_id: str, *texts: str) -> str:
    """Write a base with one document of the given pieces, a page each; return the base's id."""
    vectors = await get_embedder().embed_documents(texts)
    starts = [sum(map(len, texts[:i])) for i in range(len(texts))]
    chunks = [
        NewChunk(
            content=text,
            token_count=len(text.split()),
            start_offset=start,
            end_offset=start + len(text),
            embedding=vector,
            words=Counter(analyze(text)),
            page=page,
        )
        for page, (text, start, vector) in enumerate(zip(texts, starts, vectors, strict=True), 1)
    ]
    base_id, document_id = new_id("kb"), new_id("doc")
    async with store.unit(workspace_id) as unit:
        base = unit.bases.add(
            KnowledgeBase(
                id=base_id,
                name="Handbook",
                embedding_model=PACKAGED_EMBEDDING_MODEL,
                embedding_dimensions=384,
            )
        )
        await unit.flush()
        unit.documents.add(_document(document_id, base_id))
        await unit.flush()
        await unit.chunks.write_chunks(base, document_id, chunks)
    return base_id


def _document(document_id: str, base_id: str) -> Document:
    return Document(
        id=document_id,
        base_id=base_id,
        name="handbook.pdf",
        mime_type="application/pdf",
        size=1,
        checksum=document_id,
        blob_key=document_id,
        status="completed",
    )
