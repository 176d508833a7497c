"""The queue side of jobs: which row of a table is next, over all workspaces."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Generic

from sqlalchemy import TextClause, text, update
from sqlalchemy.ext.asyncio import AsyncSession

from core.store.base import Repository, now
from core.store.jobs import J


class JobQueue(Repository, Generic[J]):
    """Asked by workers and upkeep only; ``model`` is the class of the rows."""

    def __init__(self, session: AsyncSession, model: type[J]) -> None:
        super().__init__(session)
        self._model: Any = model
        self._table = model.__tablename__

    async def claim(self, owner: str, lease: timedelta, barred: Collection[str] = ()) -> J | None:
        """Take the next unclaimed row, of the workspace with the fewest in work.

        Rows of the ``barred`` workspaces are left to others.
        """
        due = self._statement("""
            SELECT d.id FROM {table} d
            LEFT JOIN LATERAL (
                SELECT count(*) AS busy FROM {table} b
                WHERE b.workspace_id = d.workspace_id
                  AND b.status = 'processing' AND b.lease_until >= now()
            ) load ON true
            WHERE (d.status = 'pending' OR (d.status = 'processing' AND d.lease_until < now()))
              AND d.workspace_id <> ALL(CAST(:barred AS text[]))
            ORDER BY load.busy, d.created_at, d.id
            LIMIT 1 FOR UPDATE OF d SKIP LOCKED
        """)
        row_id = await self._session.scalar(due, {"barred": list(barred)})
        if row_id is None:
            return None
        row: J | None = await self._session.scalar(
            update(self._model)
            .where(self._model.id == row_id)
            .values(
                status="processing",
                attempts=self._model.attempts + 1,
                lease_owner=owner,
                lease_until=now() + lease,
                started_at=now(),
            )
            .returning(self._model)
        )
        return row

    async def count_waiting(self) -> int:
        """Count the rows that a worker could take now."""
        count: int | None = await self._session.scalar(
            self._statement("""
                SELECT count(*) FROM {table}
                WHERE status = 'pending' OR (status = 'processing' AND lease_until < now())
            """)
        )
        return count or 0

    async def count_by_status(self) -> dict[str, int]:
        """Return how many rows have each status."""
        rows = await self._session.execute(
            self._statement("SELECT status, count(*) FROM {table} GROUP BY status")
        )
        return {status: int(count) for status, count in rows}

    def _statement(self, template: str) -> TextClause:
        return text(template.format(table=self._table))  # a table's name, never a caller's text
