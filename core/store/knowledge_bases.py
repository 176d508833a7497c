"""Knowledge bases: what can be searched together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Identity, select
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import NotFound
from core.store.base import Base, TenantRepository, Timestamps
from core.store.driver import fetch, look
from core.store.pages import PageRequest, RowsPage, read_page

_DEFAULT_CHUNKING: Final = {"strategy": "auto", "maxTokens": 200, "overlapTokens": 0}
_EXISTS: Final = "SELECT id FROM knowledge_bases WHERE id = $1 AND workspace_id = $2"


def chunking_key(chunking: Mapping[str, Any] | None) -> str:
    """Name how documents are cut by a base's settings: equal keys give equal chunks."""
    settings = {**_DEFAULT_CHUNKING, **(chunking or {})}
    return "/".join(str(settings[name]) for name in _DEFAULT_CHUNKING)


class KnowledgeBase(Timestamps, Base):
    __tablename__ = "knowledge_bases"

    id: Mapped[str] = mapped_column(primary_key=True)
    # Short key of the base in postings, where a text id would double the size.
    no: Mapped[int] = mapped_column(BigInteger, Identity(), unique=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    name: Mapped[str]
    description: Mapped[str | None]
    language: Mapped[str] = mapped_column(default="en")
    embedding_model: Mapped[str]
    embedding_dimensions: Mapped[int]
    chunking: Mapped[dict[str, Any]] = mapped_column(default=dict)
    document_count: Mapped[int] = mapped_column(default=0)
    chunk_count: Mapped[int] = mapped_column(default=0)
    token_count: Mapped[int] = mapped_column(BigInteger, default=0)
    word_count: Mapped[int] = mapped_column(BigInteger, default=0)  # analyzed words, for BM25
    has_vector_index: Mapped[bool] = mapped_column(default=False)  # HNSW, of this base alone
    # Where its vectors are since its model was changed; until then under its own number.
    vector_set_no: Mapped[int | None] = mapped_column(BigInteger)

    @property
    def vector_set(self) -> int:
        """The number its vectors are under; they are all of its embedding model."""
        return self.no if self.vector_set_no is None else self.vector_set_no

    @property
    def chunking_key(self) -> str:
        """How its documents are cut; see ``documents.chunked_as``."""
        return chunking_key(self.chunking)


class KnowledgeBases(TenantRepository):
    async def get(self, base_id: str) -> KnowledgeBase | None:
        return await self._session.scalar(
            select(KnowledgeBase).where(
                KnowledgeBase.id == base_id, KnowledgeBase.workspace_id == self._workspace_id
            )
        )

    async def exists(self, base_id: str) -> bool:
        return bool(await look(self._session, _EXISTS, base_id, self._workspace_id))

    async def get_all(self, base_ids: Sequence[str]) -> list[KnowledgeBase]:
        """Return the bases in the given order; raises :class:`NotFound` unless all are there."""
        rows = await self._session.scalars(
            select(KnowledgeBase).where(
                KnowledgeBase.id.in_(base_ids), KnowledgeBase.workspace_id == self._workspace_id
            )
        )
        found = {base.id: base for base in rows}
        if any(base_id not in found for base_id in base_ids):
            raise NotFound("A knowledge base does not exist; list the bases to see which do.")
        return [found[base_id] for base_id in dict.fromkeys(base_ids)]

    async def named(self, name: str) -> Sequence[KnowledgeBase]:
        """Return the bases of exactly this name, newest first."""
        rows = await self._session.scalars(
            select(KnowledgeBase)
            .where(KnowledgeBase.workspace_id == self._workspace_id, KnowledgeBase.name == name)
            .order_by(KnowledgeBase.created_at.desc(), KnowledgeBase.id)
        )
        return rows.all()

    async def page(
        self, request: PageRequest, search: str | None = None
    ) -> RowsPage[KnowledgeBase]:
        """Return bases, newest first; ``search`` is a part of the name."""
        query = select(KnowledgeBase).where(KnowledgeBase.workspace_id == self._workspace_id)
        if search:
            query = query.where(KnowledgeBase.name.icontains(search, autoescape=True))
        order = (KnowledgeBase.created_at, KnowledgeBase.id)
        return await read_page(self._session, query, order, request)

    def add(self, base: KnowledgeBase) -> KnowledgeBase:
        base.workspace_id = self._workspace_id
        self._session.add(base)
        return base

    async def lock(self, base_id: str) -> KnowledgeBase | None:
        """Return a base as it is now, and have others who write to it wait for this unit's end."""
        return await self._session.scalar(
            select(KnowledgeBase)
            .where(KnowledgeBase.id == base_id, KnowledgeBase.workspace_id == self._workspace_id)
            .with_for_update(key_share=True)
            .execution_options(populate_existing=True)
        )

    async def switch(
        self, base: KnowledgeBase, model: str, dimensions: int, vector_set: int
    ) -> None:
        """Give a locked base another model and the vectors that it has made of every chunk."""
        base.embedding_model, base.embedding_dimensions = model, dimensions
        base.vector_set_no, base.has_vector_index = vector_set, False
        await self._session.flush()

    async def delete(self, base: KnowledgeBase) -> None:
        await self._session.delete(base)

    async def count(
        self, base_id: str, *, documents: int = 0, chunks: int = 0, tokens: int = 0, words: int = 0
    ) -> None:
        """Add to the base's totals; this locks its row until the transaction ends."""
        await fetch(
            self._session,
            """
                UPDATE knowledge_bases SET document_count = document_count + $3,
                    chunk_count = chunk_count + $4, token_count = token_count + $5,
                    word_count = word_count + $6, updated_at = now()
                WHERE id = $1 AND workspace_id = $2
            """,
            *(base_id, self._workspace_id, documents, chunks, tokens, words),
        )
