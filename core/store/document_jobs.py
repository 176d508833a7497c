"""The queue side of documents: which one is next, over all workspaces."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import text, update

from core.store.base import Repository, now
from core.store.documents import Document


class DocumentJobs(Repository):
    """Asked by workers and upkeep only."""

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

    async def count_waiting(self) -> int:
        """Count the documents that a worker could take now."""
        count = await self._session.scalar(
            text("""
                SELECT count(*) FROM documents
                WHERE status = 'pending' OR (status = 'processing' AND lease_until < now())
            """)
        )
        return count or 0
