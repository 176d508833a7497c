"""A passage whose text its reader corrected: embedded and indexed anew, alone."""

from __future__ import annotations

from core.errors import ValidationFailed
from core.models.embed import get_embedder
from core.store.chunks import Chunk as Row
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from ingest import index
from ingest.document import Box, Chunk
from ingest.split import MAX_TOKENS, embedding_text
from ingest.tokens import count_tokens


async def edited(base: KnowledgeBase, document: Document, row: Row, content: str) -> NewChunk:
    """Return what is to be written of a passage with another text; takes a model's call.

    Its place in the document, headings and page stay. Raises ``ValidationFailed`` for more text
    than the embedding model reads.
    """
    tokens = count_tokens(content)
    if tokens > MAX_TOKENS:
        raise ValidationFailed(
            f"The text has {tokens} tokens; a passage holds at most {MAX_TOKENS}. Shorten it."
        )
    chunk = Chunk(
        index=row.index,
        text=content,
        page=row.page,
        bbox=_box(row.bbox),
        heading_path=tuple(row.heading_path),
        start=row.start_offset,
        end=row.end_offset,
        token_count=tokens,
        context=row.meta.get("tableHeader", ""),
    )
    embedder = get_embedder(base.embedding_model)
    name = document.indexed_name or document.name  # as its other passages
    vectors = await index.embed(
        [embedding_text(chunk, name)], embedder, lambda _done, _of: None, base.workspace_id
    )
    (new,) = await index.rows([chunk], name, base.language, vectors)
    return new


def _box(values: list[float] | None) -> Box | None:
    if values is None:
        return None
    x0, y0, x1, y1 = values
    return (x0, y0, x1, y1)
