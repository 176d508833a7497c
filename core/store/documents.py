"""Documents of a base; each row is also the job that processes it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Index, UniqueConstraint, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps, now
from core.store.pages import Position, RowsPage, read_page

TERMINAL = ("completed", "failed", "cancelled")


class Document(Timestamps, Base):
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
    created_by: Mapped[str | None]

    status: Mapped[str] = mapped_column(default="pending")
    stage: Mapped[str | None]  # parsing ocr chunking embedding indexing
    progress: Mapped[float] = mapped_column(default=0.0)  # 0 to 1
    pages_done: Mapped[int] = mapped_column(default=0)
    pages_total: Mapped[int | None]
    chunk_count: Mapped[int] = mapped_column(default=0)
    token_count: Mapped[int] = mapped_column(default=0)
    word_count: Mapped[int] = mapped_column(default=0)
    quality: Mapped[dict[str, Any] | None]
    error: Mapped[dict[str, Any] | None]  # {code, message}
    attempts: Mapped[int] = mapped_column(default=0)
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]


class Documents(TenantRepository):
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
        after: Position | None,
        limit: int,
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
        return await read_page(self._session, query, order, after, limit)

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

    async def delete(self, document: Document) -> None:
        await self._session.delete(document)


class DocumentJobs(Repository):
    """The queue side of documents, over all workspaces."""

    async def claim(self, owner: str, lease: timedelta) -> Document | None:
        """Take the next unclaimed document, of the workspace with the fewest in work."""
        due = text("""
            SELECT d.id FROM documents d
            LEFT JOIN LATERAL (
                SELECT count(*) AS busy FROM documents b
                WHERE b.workspace_id = d.workspace_id
                  AND b.status = 'processing' AND b.lease_until >= now()
            ) load ON true
            WHERE d.status = 'pending' OR (d.status = 'processing' AND d.lease_until < now())
            ORDER BY load.busy, d.created_at, d.id
            LIMIT 1 FOR UPDATE OF d SKIP LOCKED
        """)
        document_id = await self._session.scalar(due)
        if document_id is None:
            return None
        return await self._session.scalar(
            update(Document)
            .where(Document.id == document_id)
            .values(
                status="processing",
                attempts=Document.attempts + 1,
                lease_owner=owner,
                lease_until=now() + lease,
                started_at=now(),
            )
            .returning(Document)
        )
