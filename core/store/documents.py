"""Documents of a base; each row is also the job that processes it (``jobs``)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    UniqueConstraint,
    func,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.errors import Conflict
from core.store.base import Base, Timestamps, column_values, now
from core.store.jobs import TERMINAL, Job, Jobs
from core.store.knowledge_bases import KnowledgeBase
from core.store.pages import PageRequest, RowsPage, read_page


class Document(Job, Timestamps, Base):
    __tablename__ = "documents"
    __table_args__ = (
        # Same content again in one base is the same document.
        UniqueConstraint("base_id", "checksum"),
        Index(
            "ix_documents_unfinished",
            "workspace_id",
            "created_at",
            postgresql_where=text("status IN ('pending', 'processing')"),
        ),
        Index(
            "ix_documents_processing",
            "workspace_id",
            postgresql_where=text("status = 'processing'"),
        ),
        Index("ix_documents_disabled", "base_id", postgresql_where=text("NOT enabled")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    base_id: Mapped[str] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    file_id: Mapped[str | None]
    name: Mapped[str]
    mime_type: Mapped[str]
    size: Mapped[int] = mapped_column(BigInteger)  # bytes
    checksum: Mapped[str]  # SHA-256, hexadecimal
    blob_key: Mapped[str]
    meta: Mapped[dict[str, Any]] = mapped_column("metadata", default=dict)
    enabled: Mapped[bool] = mapped_column(default=True)
    source_url: Mapped[str | None]  # fetched by the worker; empty bytes until then
    created_by: Mapped[str | None]
    reading: Mapped[dict[str, Any] | None]  # {ocr, languages}, where they were said
    # What the document was called when its passages were embedded, which its vectors depend on.
    indexed_name: Mapped[str | None]
    # ``chunking_key`` of the settings its chunks were made by; null where they are those that the
    # base has had since it was made.
    chunked_as: Mapped[str | None]
    rechunk_error: Mapped[dict[str, Any] | None]  # {code, message}: why it kept its chunks

    chunk_count: Mapped[int] = mapped_column(default=0)
    token_count: Mapped[int] = mapped_column(default=0)
    word_count: Mapped[int] = mapped_column(default=0)


class Documents(Jobs[Document]):
    _model = Document

    async def get(self, document_id: str) -> Document | None:
        return await self._session.scalar(
            select(Document).where(
                Document.id == document_id, Document.workspace_id == self._workspace_id
            )
        )

    async def in_base(self, base_id: str, document_id: str) -> Document | None:
        """Return a document only if it is in the given base."""
        document = await self.get(document_id)
        return document if document and document.base_id == base_id else None

    async def by_checksum(self, base_id: str, checksum: str) -> Document | None:
        return await self._session.scalar(
            select(Document).where(
                Document.workspace_id == self._workspace_id,
                Document.base_id == base_id,
                Document.checksum == checksum,
            )
        )

    async def page(
        self,
        base_id: str,
        request: PageRequest,
        *,
        status: str | None = None,
        search: str | None = None,
    ) -> RowsPage[Document]:
        """Return the documents of a base, newest first; ``search`` is a part of the name."""
        query = select(Document).where(
            Document.workspace_id == self._workspace_id, Document.base_id == base_id
        )
        if status:
            query = query.where(Document.status == status)
        if search:
            query = query.where(Document.name.icontains(search, autoescape=True))
        order = (Document.created_at, Document.id)
        return await read_page(self._session, query, order, request)

    async def count_unfinished(self, base_id: str) -> int:
        """Return how many documents of a base wait or are in work."""
        count = await self._session.scalar(
            select(func.count()).where(
                Document.workspace_id == self._workspace_id,
                Document.base_id == base_id,
                Document.status.not_in(TERMINAL),
            )
        )
        return count or 0

    async def failures(self, base_id: str) -> list[tuple[str, str]]:
        """Return the names of the documents that failed, each with the reason."""
        rows = await self._session.execute(
            select(Document.name, Document.error["message"].astext)
            .where(
                Document.workspace_id == self._workspace_id,
                Document.base_id == base_id,
                Document.status == "failed",
            )
            .order_by(Document.name)
        )
        return [(name, reason) for name, reason in rows]

    async def blob_keys(self, base_id: str) -> Sequence[str]:
        """Return the keys of the bytes of a base's documents."""
        query = select(Document.blob_key).where(
            Document.workspace_id == self._workspace_id, Document.base_id == base_id
        )
        return (await self._session.scalars(query)).all()

    def add(self, document: Document) -> Document:
        document.workspace_id = self._workspace_id
        self._session.add(document)
        return document

    async def add_unless_known(self, document: Document) -> Document:
        """Write the document and count it, unless its base holds the same content; return the one
        it holds.

        The base was checked to be in the workspace. Safe against another caller who adds the same
        content at the same moment. A new document stays outside the session.
        """
        document.workspace_id = self._workspace_id
        document.created_at = document.updated_at = now()
        table = Base.metadata.tables["documents"]
        added = (
            insert(table)
            .values(column_values(document))
            .on_conflict_do_nothing(index_elements=["base_id", "checksum"])
            .returning(table.c.base_id)
            .cte("added")
        )
        # One statement, so that the base's row, which all who add to it count in, is locked no
        # longer.
        counted = await self._session.scalar(
            update(KnowledgeBase)
            .where(
                KnowledgeBase.id == added.c.base_id,
                KnowledgeBase.workspace_id == self._workspace_id,
            )
            .values(document_count=KnowledgeBase.document_count + 1)
            .returning(KnowledgeBase.id)
            .execution_options(synchronize_session=False)
        )
        if counted is not None:
            return document
        known = await self.by_checksum(document.base_id, document.checksum)
        if known is None:
            raise Conflict("The same document was just deleted; add it again.")
        return known

    async def delete(self, document: Document) -> None:
        await self._session.delete(document)
