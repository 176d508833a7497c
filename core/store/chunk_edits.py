"""Changes of single chunks: edited, added, deleted, split and merged."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Any, Final

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from core.errors import Conflict, NotFound, ValidationFailed
from core.store.base import TenantRepository, is_one_of
from core.store.chunks import MOVED, Chunk, Chunks
from core.store.driver import fetch
from core.store.knowledge_bases import KnowledgeBase, KnowledgeBases
from core.store.new_chunks import NewChunk, insert_chunks, word_count
from core.store.postings import MOST_COUNTED, Postings
from core.store.vectors import Vectors

_SHIFT: Final = """
    UPDATE chunks SET chunk_index = -1 - (chunk_index + $3)
    WHERE document_id = $1 AND chunk_index >= $2 AND workspace_id = $4
"""
_COUNT: Final = """
    UPDATE documents SET chunk_count = chunk_count + $3, token_count = token_count + $4,
        word_count = word_count + $5, updated_at = now()
    WHERE id = $1 AND workspace_id = $2
"""
_LENGTH: Final = """
    SELECT chunk_count FROM documents
    WHERE id = $1 AND base_id = $2 AND workspace_id = $3 FOR NO KEY UPDATE
"""


class ChunkEdits(TenantRepository):
    """Writes a change with all that the chunks are found by, and the counts, in one transaction.

    Each locks the base's row first, as ``Chunks`` does. Chunks are given as they were read; a
    ``Conflict`` is raised where they have changed meanwhile, and ``ModelChanged`` where the base
    has another embedding model than the new chunks were embedded with.
    """

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        super().__init__(session, workspace_id)
        self._bases = KnowledgeBases(session, workspace_id)
        self._chunks = Chunks(session, workspace_id)
        self._postings = Postings(session, workspace_id)
        self._vectors = Vectors(session, workspace_id)

    async def rewrite(self, base: KnowledgeBase, chunk: Chunk, new: NewChunk) -> None:
        """Give a chunk another text; its id and place stay."""
        await self._chunks.lock(base)
        (row,) = await self._lock_unchanged(base, [chunk])
        await self._rewrite(base, row, new)

    async def add(
        self, base: KnowledgeBase, document_id: str, new: NewChunk, index: int | None = None
    ) -> str:
        """Add a chunk to a document, by default behind its last one; return the chunk's id.

        Raises:
            NotFound: The document is not in the base.
            ValidationFailed: The document has fewer chunks than ``index``.
        """
        await self._chunks.lock(base)
        rows = await fetch(self._session, _LENGTH, document_id, base.id, self._workspace_id)
        if not rows:
            raise NotFound("Document not found; list the base's documents.")
        ((length,),) = rows
        if index is not None and index > length:
            raise ValidationFailed.at(
                "index",
                "is behind the last passage",
                sentence=f"index must be at most {length}, the number of the document's passages.",
            )
        return await self._insert(base, document_id, new, length if index is None else index)

    async def delete(self, base: KnowledgeBase, chunk: Chunk) -> None:
        """Delete a chunk."""
        await self._chunks.lock(base)
        await self._remove(base, await self._lock_unchanged(base, [chunk]))

    async def split(
        self, base: KnowledgeBase, chunk: Chunk, first: NewChunk, second: NewChunk
    ) -> str:
        """Make two chunks of one, the first under its id; return the id of the second."""
        await self._chunks.lock(base)
        (row,) = await self._lock_unchanged(base, [chunk])
        await self._rewrite(base, row, first)
        return await self._insert(base, row.document_id, second, row.index + 1)

    async def merge(self, base: KnowledgeBase, chunks: Sequence[Chunk], new: NewChunk) -> None:
        """Make one chunk of several that follow each other, under the id of the first."""
        await self._chunks.lock(base)
        rows = await self._lock_unchanged(base, chunks)
        if any(row.index + 1 != following.index for row, following in pairwise(rows)):
            raise _changed()
        await self._rewrite(base, rows[0], new)
        await self._remove(base, rows[1:])

    async def _lock_unchanged(self, base: KnowledgeBase, chunks: Sequence[Chunk]) -> list[Chunk]:
        """Return the chunks as they are now, in the order given."""
        rows = await self._session.scalars(
            select(Chunk)
            .where(
                is_one_of(Chunk.id, [chunk.id for chunk in chunks]),
                Chunk.base_id == base.id,
                Chunk.workspace_id == self._workspace_id,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )
        found = {row.id: row for row in rows}
        current = [found[chunk.id] for chunk in chunks if chunk.id in found]
        if [_state(row) for row in current] != [_state(chunk) for chunk in chunks]:
            raise _changed()
        return current

    async def _rewrite(self, base: KnowledgeBase, row: Chunk, new: NewChunk) -> None:
        await self._postings.remove(base.no, [(row.no, row.terms)])
        await self._postings.add(base.no, [(row.no, new.words)])
        await self._vectors.replace(base.vector_set, row.no, new.embedding)
        tokens, words = new.token_count - row.token_count, word_count(new) - sum(row.frequencies)
        row.content, row.token_count = new.content, new.token_count
        row.start_offset, row.end_offset, row.origin = new.start_offset, new.end_offset, new.origin
        row.page, row.bbox = new.page, None if new.bbox is None else list(new.bbox)
        row.heading_path, row.meta = list(new.heading_path), dict(new.meta)
        row.enabled = new.enabled
        row.terms = list(new.words)
        row.frequencies = [min(frequency, MOST_COUNTED) for frequency in new.words.values()]
        await self._session.flush()
        await self._count(base, row.document_id, 0, tokens, words)

    async def _insert(
        self, base: KnowledgeBase, document_id: str, new: NewChunk, index: int
    ) -> str:
        await self._shift(document_id, index, 1)
        (chunk_id,) = await insert_chunks(self._session, base, [(document_id, [new])], index)
        await self._count(base, document_id, 1, new.token_count, word_count(new))
        return chunk_id

    async def _remove(self, base: KnowledgeBase, rows: Sequence[Chunk]) -> None:
        """Delete chunks that follow each other; those behind them move up."""
        document_id, behind = rows[0].document_id, rows[-1].index + 1
        tokens = sum(row.token_count for row in rows)
        words = sum(sum(row.frequencies) for row in rows)
        await self._postings.remove(base.no, [(row.no, row.terms) for row in rows])
        for row in rows:
            await self._session.delete(row)
        await self._session.flush()
        await self._shift(document_id, behind, -len(rows))
        await self._count(base, document_id, -len(rows), -tokens, -words)

    async def _shift(self, document_id: str, first: int, by: int) -> None:
        """Add to the index of the chunks of a document from one on."""
        await fetch(self._session, _SHIFT, document_id, first, by, self._workspace_id)
        await fetch(self._session, MOVED, document_id, self._workspace_id)

    async def _count(
        self, base: KnowledgeBase, document_id: str, chunks: int, tokens: int, words: int
    ) -> None:
        added = (chunks, tokens, words)
        await fetch(self._session, _COUNT, document_id, self._workspace_id, *added)
        await self._bases.count(base.id, chunks=chunks, tokens=tokens, words=words)


def _state(chunk: Chunk) -> tuple[Any, ...]:
    """Return what a change of a chunk was made from."""
    offsets = (chunk.start_offset, chunk.end_offset)
    return (chunk.document_id, chunk.content, chunk.origin, chunk.enabled, *offsets)


def _changed() -> Conflict:
    return Conflict("A passage was changed or replaced meanwhile; read the passages and retry.")
