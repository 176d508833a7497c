"""Chunks that another program writes under ids of its own, without a file.

Chunks of one group are one document (``core.store.external_documents``).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from sqlalchemy import (
    BigInteger,
    Double,
    ForeignKey,
    Select,
    UniqueConstraint,
    delete,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import Conflict
from core.store.base import Base, TenantRepository, is_one_of
from core.store.chunks import Chunk, Chunks
from core.store.documents import Document
from core.store.external_documents import ExternalDocuments
from core.store.knowledge_bases import KnowledgeBase, KnowledgeBases
from core.store.new_chunks import NewChunk, insert_chunks, word_count
from core.store.postings import Postings

DuplicateHandling = Literal["fail", "skip", "overwrite"]


class ExternalChunk(Base):
    __tablename__ = "external_chunks"
    __table_args__ = (UniqueConstraint("base_id", "external_id"),)

    chunk_no: Mapped[int] = mapped_column(
        BigInteger, ForeignKey("chunks.no", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str]
    base_id: Mapped[str] = mapped_column(ForeignKey("knowledge_bases.id", ondelete="CASCADE"))
    external_id: Mapped[str]
    # Length of the vector as it was given; null where the service embedded the chunk.
    vector_norm: Mapped[float | None] = mapped_column(Double)
    vector_set: Mapped[int] = mapped_column(BigInteger)  # the set that the vector was written to


@dataclass(frozen=True)
class NewExternalChunk:
    """A chunk to be written under the writer's id.

    ``group`` is the id of a document of the base, or another name for what belongs together.
    """

    external_id: str
    group: str
    document_name: str
    chunk: NewChunk
    vector_norm: float | None = None


class DuplicateIds(Conflict):
    """The base holds chunks under some of the ids; ``ids`` are these."""

    def __init__(self, ids: Iterable[str]) -> None:
        self.ids = sorted(ids)
        super().__init__(f"The knowledge base already has {self.ids[0]!r}; skip or overwrite it.")


_MAP: Final = text("""
    INSERT INTO external_chunks
        (chunk_no, workspace_id, base_id, external_id, vector_norm, vector_set)
    SELECT c.no, :workspace, :base, given.external_id, given.norm, :vector_set
    FROM unnest(CAST(:ids AS text[]), CAST(:external_ids AS text[]), CAST(:norms AS float8[]))
        AS given (id, external_id, norm)
    JOIN chunks c ON c.id = given.id AND c.base_id = :base AND c.workspace_id = :workspace
""")


class ExternalChunks(TenantRepository):
    """Each change locks the base's row first, as ``Chunks`` does."""

    def __init__(self, session: AsyncSession, workspace_id: str) -> None:
        super().__init__(session, workspace_id)
        self._bases = KnowledgeBases(session, workspace_id)
        self._chunks = Chunks(session, workspace_id)
        self._postings = Postings(session, workspace_id)
        self._documents = ExternalDocuments(session, workspace_id)

    async def find_numbers(self, base_id: str, ids: Sequence[str]) -> dict[str, int]:
        """Return the numbers of the base's chunks with these ids, the writer's or the service's."""
        mine = (Chunk.base_id == base_id, Chunk.workspace_id == self._workspace_id)
        joined = select(ExternalChunk.external_id, Chunk.no).join(
            Chunk, Chunk.no == ExternalChunk.chunk_no
        )
        external = joined.where(
            ExternalChunk.base_id == base_id, is_one_of(ExternalChunk.external_id, ids), *mine
        )
        ingested = (
            select(Chunk.id, Chunk.no)
            .outerjoin(ExternalChunk, ExternalChunk.chunk_no == Chunk.no)
            .where(is_one_of(Chunk.id, ids), ExternalChunk.chunk_no.is_(None), *mine)
        )
        rows = await self._session.execute(external.union_all(ingested))
        return {row[0]: row[1] for row in rows}

    async def write(
        self,
        base: KnowledgeBase,
        chunks: Sequence[NewExternalChunk],
        on_duplicate: DuplicateHandling = "fail",
    ) -> int:
        """Write chunks, of which no two have the same id; return how many were written.

        Raises:
            DuplicateIds: The base has one of the ids, and ``on_duplicate`` is ``fail``.
            ModelChanged: The base has another embedding model by now.
            NotFound: The base is gone.
        """
        await self._chunks.lock(base)
        known = await self.find_numbers(base.id, [chunk.external_id for chunk in chunks])
        if known and on_duplicate == "fail":
            raise DuplicateIds(known)
        if on_duplicate == "skip":
            chunks = [chunk for chunk in chunks if chunk.external_id not in known]
            known = {}
        left = await self._remove(base, known.values())
        groups = {chunk.group: chunk.document_name for chunk in chunks}
        documents = await self._documents.load(base, groups)
        await self._insert(base, chunks, documents)
        changed = left | {document.id for document in documents.values()}
        await self._documents.recount(base.id, changed)
        await self._documents.delete_empty(base.id, left)
        return len(chunks)

    async def delete(self, base: KnowledgeBase, ids: Sequence[str]) -> int:
        """Delete the chunks with these ids; return how many there were."""
        await self._chunks.lock(base)
        known = await self.find_numbers(base.id, ids)
        await self._documents.delete_empty(base.id, await self._remove(base, known.values()))
        return len(known)

    async def delete_matching(self, base: KnowledgeBase, matching: Select[Any]) -> int:
        """Delete the chunks whose numbers a query gives; return how many there were."""
        await self._chunks.lock(base)
        nos = (await self._session.scalars(matching)).all()
        await self._documents.delete_empty(base.id, await self._remove(base, nos))
        return len(nos)

    async def delete_all(self, base: KnowledgeBase) -> None:
        """Delete every chunk and document of a base; bytes that no row names are swept later."""
        await self._chunks.delete_of_base(base)
        of_base = (Document.base_id == base.id, Document.workspace_id == self._workspace_id)
        await self._session.execute(delete(Document).where(*of_base))
        await self._session.execute(
            update(KnowledgeBase)
            .where(KnowledgeBase.id == base.id, KnowledgeBase.workspace_id == self._workspace_id)
            .values(document_count=0, chunk_count=0, token_count=0, word_count=0)
        )

    async def update_metadata(
        self, base: KnowledgeBase, matching: Select[Any], metadata: Mapping[str, Any]
    ) -> int:
        """Lay metadata over that of the chunks whose numbers a query gives; return how many."""
        await self._chunks.lock(base)
        changed = await self._session.scalars(
            update(Chunk)
            .where(
                Chunk.no.in_(matching),
                Chunk.base_id == base.id,
                Chunk.workspace_id == self._workspace_id,
            )
            .values(meta=Chunk.meta.op("||")(literal(dict(metadata), JSONB)))
            .returning(Chunk.no)
            .execution_options(synchronize_session=False)
        )
        count = len(changed.all())
        await self._bases.count(base.id)  # what was read of the base before is outdated
        return count

    async def _remove(self, base: KnowledgeBase, nos: Iterable[int]) -> set[str]:
        """Delete chunks and what they are found by; return the documents that they were of."""
        deleted = await self._session.execute(
            delete(Chunk)
            .where(
                is_one_of(Chunk.no, nos),
                Chunk.base_id == base.id,
                Chunk.workspace_id == self._workspace_id,
            )
            .returning(
                Chunk.no, Chunk.document_id, Chunk.terms, Chunk.token_count, Chunk.frequencies
            )
            .execution_options(synchronize_session=False)
        )
        rows = deleted.all()
        if not rows:
            return set()
        await self._postings.remove(base.no, [(row.no, row.terms) for row in rows])
        await self._bases.count(
            base.id,
            chunks=-len(rows),
            tokens=-sum(row.token_count for row in rows),
            words=-sum(sum(row.frequencies) for row in rows),
        )
        document_ids = {row.document_id for row in rows}
        await self._documents.renumber(base.id, document_ids)
        await self._documents.recount(base.id, document_ids)
        return document_ids

    async def _insert(
        self,
        base: KnowledgeBase,
        chunks: Sequence[NewExternalChunk],
        documents: Mapping[str, Document],
    ) -> None:
        by_document: dict[str, list[NewExternalChunk]] = {}
        for chunk in chunks:
            by_document.setdefault(documents[chunk.group].id, []).append(chunk)
        lengths = {document.id: document.chunk_count for document in documents.values()}
        for length in sorted(set(lengths.values())):
            rows = {id_: of for id_, of in by_document.items() if lengths[id_] == length}
            given = [(id_, [chunk.chunk for chunk in of]) for id_, of in rows.items()]
            ids = await insert_chunks(self._session, base, given, length)
            await self._map(base, ids, [chunk for of in rows.values() for chunk in of])
        new = [chunk.chunk for chunk in chunks]
        await self._bases.count(
            base.id,
            chunks=len(new),
            tokens=sum(chunk.token_count for chunk in new),
            words=sum(word_count(chunk) for chunk in new),
        )

    async def _map(
        self, base: KnowledgeBase, ids: Sequence[str], chunks: Sequence[NewExternalChunk]
    ) -> None:
        values = {
            "workspace": self._workspace_id,
            "base": base.id,
            "vector_set": base.vector_set,
            "ids": list(ids),
            "external_ids": [chunk.external_id for chunk in chunks],
            "norms": [chunk.vector_norm for chunk in chunks],
        }
        await self._session.execute(_MAP, values)
