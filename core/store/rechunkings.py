"""Changes of a base's chunking: jobs that read its documents again, one by one.

A document says by ``chunked_as`` how it was cut. Those that say another way than their base's
settings are outdated; they keep their chunks until they are read again, each in one transaction.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, delete, select, text, update
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, Timestamps, column_values, now
from core.store.documents import Document
from core.store.driver import fetch
from core.store.jobs import WAITING, Job, Jobs
from core.store.knowledge_bases import KnowledgeBase


class Rechunking(Job, Timestamps, Base):
    __tablename__ = "rechunkings"
    __table_args__ = (
        Index(  # one at a time
            "ix_rechunkings_unfinished",
            "base_id",
            unique=True,
            postgresql_where=text("status IN ('pending', 'processing')"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    base_id: Mapped[str] = mapped_column(
        ForeignKey("knowledge_bases.id", ondelete="CASCADE"), index=True
    )
    document_id: Mapped[str | None]  # being read, or read last


@dataclass(frozen=True)
class DocumentCounts:
    """Documents of a base that have chunks: all, those cut as it says, those that cannot be."""

    total: int
    done: int
    failed: int


_READABLE: Final = "base_id = $1 AND workspace_id = $2 AND chunk_count > 0 AND blob_key <> ''"
# Those that wait or are in work are cut by the base's settings at their end.
_OUTDATED: Final = f"""
    FROM documents WHERE {_READABLE} AND chunked_as IS DISTINCT FROM $3
        AND status NOT IN ('pending', 'processing') AND rechunk_error IS NULL
"""
_COUNT: Final = f"""
    SELECT count(*), count(*) FILTER (WHERE chunked_as IS NOT DISTINCT FROM $3),
        count(*) FILTER (WHERE rechunk_error IS NOT NULL)
    FROM documents WHERE {_READABLE}
"""  # noqa: S608 - a constant
_NEXT: Final = f"SELECT id {_OUTDATED} ORDER BY id LIMIT $4"
_HAS_OUTDATED: Final = f"SELECT EXISTS (SELECT {_OUTDATED})"
_BEGIN: Final = """
    UPDATE documents SET chunked_as = coalesce(chunked_as, $3), rechunk_error = NULL
    WHERE base_id = $1 AND workspace_id = $2
        AND (chunked_as IS NULL AND chunk_count > 0 OR rechunk_error IS NOT NULL)
"""


class Rechunkings(Jobs[Rechunking]):
    """Begun and ended under the lock of the base's row, as chunks are written."""

    _model = Rechunking

    async def begin(self, base: KnowledgeBase, replaced_key: str) -> Rechunking | None:
        """Have a locked base's documents read again; ``replaced_key`` is how it cut them so far.

        Returns:
            The new job; ``None`` where no document is outdated, or a job is in progress already.
        """
        place = (base.id, self._workspace_id)
        await fetch(self._session, _BEGIN, *place, replaced_key)
        await self._session.execute(
            delete(Rechunking).where(
                Rechunking.base_id == base.id,
                Rechunking.workspace_id == self._workspace_id,
                Rechunking.status.not_in(WAITING),
            )
        )
        if not await self.has_outdated(base):
            return None
        row = Rechunking(id=new_id("rchk"), workspace_id=self._workspace_id, base_id=base.id)
        row.created_at = row.updated_at = now()
        table = Base.metadata.tables["rechunkings"]
        added = await self._session.scalar(
            insert(table).values(column_values(row)).on_conflict_do_nothing().returning(table.c.id)
        )
        return None if added is None else row

    async def latest(self, base_ids: Sequence[str]) -> dict[str, Rechunking]:
        """Return each base's last change of chunking, if it has not ended well."""
        rows = await self._session.scalars(
            select(Rechunking)
            .ext(distinct_on(Rechunking.base_id))
            .where(Rechunking.base_id.in_(base_ids), Rechunking.workspace_id == self._workspace_id)
            .order_by(Rechunking.base_id, Rechunking.created_at.desc())
        )
        return {row.base_id: row for row in rows if row.status in (*WAITING, "failed")}

    async def count_documents(self, base: KnowledgeBase) -> DocumentCounts:
        """Return how many documents are cut as the base says."""
        place = (base.id, self._workspace_id, base.chunking_key)
        ((total, done, failed),) = await fetch(self._session, _COUNT, *place)
        return DocumentCounts(total, done, failed)

    async def outdated(self, base: KnowledgeBase, limit: int) -> list[str]:
        """Return the ids of documents that are cut in another way than the base says."""
        place = (base.id, self._workspace_id, base.chunking_key, limit)
        return [document_id for (document_id,) in await fetch(self._session, _NEXT, *place)]

    async def has_outdated(self, base: KnowledgeBase) -> bool:
        """Whether a document is cut in another way than the base says."""
        place = (base.id, self._workspace_id, base.chunking_key)
        ((exists,),) = await fetch(self._session, _HAS_OUTDATED, *place)
        return bool(exists)

    async def switch(self, base: KnowledgeBase, document: Document) -> bool:
        """Note that a document is cut as its base says; its chunks are the caller's to write.

        Returns:
            False where the document was read again or replaced since it was read for this.
        """
        values = {"chunked_as": base.chunking_key, "indexed_name": document.name}
        return await self._write(document, values)

    async def note_failure(self, document: Document, error: Mapping[str, str]) -> None:
        """Note why a document keeps the chunks that it has."""
        await self._write(document, {"rechunk_error": dict(error)})

    async def _write(self, document: Document, values: Mapping[str, Any]) -> bool:
        written = await self._session.scalar(
            update(Document)
            .where(
                Document.id == document.id,
                Document.workspace_id == self._workspace_id,
                Document.checksum == document.checksum,
                Document.status == document.status,
                Document.ended_at.is_not_distinct_from(document.ended_at),
            )
            .values(values)
            .returning(Document.id)
            .execution_options(synchronize_session=False)
        )
        return written is not None
