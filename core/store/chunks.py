"""Pieces of documents: written and deleted together with their vectors, words and counts."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Identity,
    Index,
    String,
    Text,
    UniqueConstraint,
    delete,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column
from sqlalchemy.types import Float, SmallInteger

from core.errors import Conflict, NotFound
from core.store.base import Base, TenantRepository
from core.store.driver import fetch
from core.store.knowledge_bases import KnowledgeBase, KnowledgeBases, chunking_key
from core.store.new_chunks import NewChunk, Origin, insert_chunks, word_count
from core.store.pages import PageRequest, RowsPage, read_page
from core.store.postings import Postings
from core.store.vectors import Embedded, Vectors

IS_PLAIN: Final = "metadata = '{}'::jsonb"  # without metadata of its own
HAS_METADATA: Final = "metadata <> '{}'::jsonb"


class Chunk(Base):
    __tablename__ = "chunks"
    __table_args__ = (
        UniqueConstraint("document_id", "chunk_index"),
        Index("ix_chunks_disabled", "base_id", postgresql_where=text("NOT enabled")),
        # For filters: most chunks count or not as their documents do, and are not read for it.
        Index(
            "ix_chunks_plain",
            "document_id",
            postgresql_include=["no", "workspace_id"],
            postgresql_where=text(f"enabled AND {IS_PLAIN}"),
        ),
        Index("ix_chunks_own_metadata", "base_id", postgresql_where=text(HAS_METADATA)),
    )

    no: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    workspace_id: Mapped[str]
    base_id: Mapped[str] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    document_id: Mapped[str] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"))
    index: Mapped[int] = mapped_column("chunk_index")
    content: Mapped[str]
    token_count: Mapped[int]
    page: Mapped[int | None]  # from 1
    bbox: Mapped[list[float] | None] = mapped_column(ARRAY(Float))  # x0 y0 x1 y1, 0 to 1
    heading_path: Mapped[list[str]] = mapped_column(ARRAY(Text))
    # Code points in the document's text; null where the content does not occur in it.
    start_offset: Mapped[int | None]
    end_offset: Mapped[int | None]
    # Where the content is from: ``Origin`` of ``new_chunks``.
    origin: Mapped[Origin] = mapped_column(String, server_default=text("'document'"))
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    enabled: Mapped[bool] = mapped_column(default=True)
    # The chunk's indexed words: they name its postings when it goes.
    terms: Mapped[list[str]] = mapped_column(ARRAY(Text))
    frequencies: Mapped[list[int]] = mapped_column(ARRAY(SmallInteger))


# The base's row before the document's: who writes to a base waits there for who did before.
_COUNT: Final = """
    WITH base AS (
        UPDATE knowledge_bases SET chunk_count = chunk_count + $4, token_count = token_count + $5,
            word_count = word_count + $6, updated_at = now()
        WHERE id = $2 AND workspace_id = $3
        RETURNING id, coalesce(vector_set_no, no) AS vector_set, chunking::text AS chunking
    ), document AS (
        UPDATE documents d SET chunk_count = $4, token_count = $5, word_count = $6,
            updated_at = now()
        FROM base WHERE d.id = $1 AND d.base_id = base.id AND d.workspace_id = $3 RETURNING d.id
    )
    SELECT vector_set, chunking, EXISTS (SELECT FROM document) FROM base
"""


# Numbers are unique row by row, so they pass through negative ones.
_MOVE_ADDED: Final = """
    WITH added AS MATERIALIZED (
        SELECT no, token_count, (SELECT sum(f) FROM unnest(frequencies) AS f) AS words,
            row_number() OVER (ORDER BY chunk_index) - 1 AS at
        FROM chunks WHERE document_id = $1 AND workspace_id = $3
    ), counted AS (
        UPDATE documents d SET chunk_count = d.chunk_count + a.chunks,
            token_count = d.token_count + a.tokens, word_count = d.word_count + a.words
        FROM (
            SELECT count(*) AS chunks, sum(token_count) AS tokens, sum(words) AS words FROM added
        ) AS a
        WHERE d.id = $1 AND d.workspace_id = $3 AND a.chunks > 0
    )
    UPDATE chunks c SET chunk_index = -1 - ($2 + a.at) FROM added a WHERE c.no = a.no
    RETURNING c.no
"""
MOVED: Final = """
    UPDATE chunks SET chunk_index = -1 - chunk_index
    WHERE document_id = $1 AND chunk_index < 0 AND workspace_id = $2
"""


class BaseChanged(Conflict):
    """Chunks came too late: their base has other settings than they were made by."""


class ModelChanged(BaseChanged):
    """What was embedded with a base's model came too late: it has another."""


class ChunkingChanged(BaseChanged):
    """What was cut by a base's settings came too late: it has others."""


class Chunks(TenantRepository):
    """Writing locks the base's row first, for the length of the transaction, which keeps its
    counts true and concurrent writers from deadlock: change the document's row after, not before.
    """

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        super().__init__(session, workspace_id)
        self._bases = KnowledgeBases(session, workspace_id)
        self._postings = Postings(session, workspace_id)
        self._vectors = Vectors(session, workspace_id)

    async def write_chunks(
        self, base: KnowledgeBase, document_id: str, chunks: Sequence[NewChunk]
    ) -> list[str]:
        """Make ``chunks`` the chunks of a document, instead of those it had; return their ids.

        Chunks that somebody added stay, behind them.
        Vectors, keyword index and the counts of document and base change with them. Raises
        :class:`NotFound` if base or document are gone, for example deleted during processing,
        and :class:`BaseChanged` when the base has another embedding model or cuts documents in
        another way by now: roll back then.
        """
        await self._count(base, document_id, chunks)
        await self._remove(base, document_id, keeps_added=True)
        await self._move_added(document_id, len(chunks))
        return await insert_chunks(self._session, base, [(document_id, chunks)])

    async def delete_of_document(self, base: KnowledgeBase, document_id: str) -> int:
        """Delete a document's chunks and everything found by them; return how many there were.

        The document's own row and the base's count of documents are the caller's.
        """
        await self._lock(base)
        return await self._remove(base, document_id)

    async def delete_of_base(self, base: KnowledgeBase) -> None:
        """Delete every chunk of a base that is about to be deleted."""
        await self._lock(base)
        await self._session.execute(delete(Chunk).where(Chunk.base_id == base.id))
        await self._postings.remove_base(base.no)

    async def embedded(self, base: KnowledgeBase, document_id: str) -> list[Embedded]:
        """Return a document's passages with the vectors that the base is searched by."""
        return await self._vectors.of_document(base.vector_set, document_id)

    async def contents(self, chunk_ids: Iterable[str]) -> dict[str, str]:
        """Return the texts of chunks by their ids; what is gone is left out."""
        rows = await self._session.execute(
            select(Chunk.id, Chunk.content).where(
                Chunk.id.in_(set(chunk_ids)), Chunk.workspace_id == self._workspace_id
            )
        )
        return {row.id: row.content for row in rows}

    async def get(self, base_id: str, document_id: str, chunk_id: str) -> Chunk | None:
        """Return a chunk only if it is in the given document of the given base."""
        return await self._session.scalar(
            select(Chunk).where(
                Chunk.id == chunk_id,
                Chunk.document_id == document_id,
                Chunk.base_id == base_id,
                Chunk.workspace_id == self._workspace_id,
            )
        )

    async def get_all(
        self, base_id: str, document_id: str, chunk_ids: Iterable[str]
    ) -> list[Chunk]:
        """Return those of the chunks that are in the given document, in its order."""
        rows = await self._session.scalars(
            select(Chunk)
            .where(
                Chunk.id.in_(set(chunk_ids)),
                Chunk.document_id == document_id,
                Chunk.base_id == base_id,
                Chunk.workspace_id == self._workspace_id,
            )
            .order_by(Chunk.index)
        )
        return list(rows)

    async def page(self, document_id: str, request: PageRequest) -> RowsPage[Chunk]:
        """Return the chunks of a document that was checked, in its order."""
        query = select(Chunk).where(
            Chunk.document_id == document_id, Chunk.workspace_id == self._workspace_id
        )
        order = (Chunk.index, Chunk.id)
        return await read_page(self._session, query, order, request, descending=False)

    async def _lock(self, base: KnowledgeBase) -> int:
        """Lock the base's row and return where its vectors are now."""
        found = await self._session.scalar(
            select(func.coalesce(KnowledgeBase.vector_set_no, KnowledgeBase.no))
            .where(KnowledgeBase.id == base.id, KnowledgeBase.workspace_id == self._workspace_id)
            .with_for_update(key_share=True)
        )
        if found is None:
            raise _no_base()
        return int(found)

    async def lock(self, base: KnowledgeBase) -> None:
        """Lock the base's row; raises :class:`ModelChanged` where it has other vectors by now."""
        _check_model(base, await self._lock(base))

    async def _remove(
        self, base: KnowledgeBase, document_id: str, *, keeps_added: bool = False
    ) -> int:
        rows = await fetch(
            self._session,
            """
                DELETE FROM chunks
                WHERE base_id = $1 AND document_id = $2 AND (origin <> 'added' OR NOT $3)
                RETURNING no, terms, token_count, frequencies
            """,
            *(base.id, document_id, keeps_added),
        )
        if rows:
            await self._postings.remove(base.no, [(no, terms) for no, terms, _, _ in rows])
            await self._bases.count(
                base.id,
                chunks=-len(rows),
                tokens=-sum(tokens for _, _, tokens, _ in rows),
                words=-sum(sum(frequencies) for _, _, _, frequencies in rows),
            )
        return len(rows)

    async def _move_added(self, document_id: str, behind: int) -> None:
        """Number the chunks that are left of a document from ``behind`` on, and count them."""
        if await fetch(self._session, _MOVE_ADDED, document_id, behind, self._workspace_id):
            await fetch(self._session, MOVED, document_id, self._workspace_id)

    async def _count(
        self, base: KnowledgeBase, document_id: str, chunks: Sequence[NewChunk]
    ) -> None:
        """Lock the base, and count in it and in a document what the document is to have."""
        rows = await fetch(
            self._session,
            _COUNT,
            *(document_id, base.id, self._workspace_id, len(chunks)),
            sum(chunk.token_count for chunk in chunks),
            sum(word_count(chunk) for chunk in chunks),
        )
        if not rows:
            raise _no_base()
        ((vector_set, chunking, has_document),) = rows
        check_base(base, vector_set, chunking)
        if not has_document:
            raise NotFound("This document is no longer in the base; add it again to index it.")


def check_base(base: KnowledgeBase, vector_set: int, chunking: str) -> None:
    """Raise ``BaseChanged`` unless the base has the vectors and the settings (JSON) it had."""
    _check_model(base, vector_set)
    if chunking_key(json.loads(chunking)) != base.chunking_key:
        raise ChunkingChanged("The chunking of the knowledge base was just changed; try again.")


def _check_model(base: KnowledgeBase, vector_set: int) -> None:
    if vector_set != base.vector_set:
        raise ModelChanged("The knowledge base got another embedding model just now; try again.")


def _no_base() -> NotFound:
    return NotFound("This knowledge base does not exist; list the bases to see which do.")
