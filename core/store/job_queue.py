"""The queue side of jobs: which row of a table is next, over all workspaces."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from typing import Any, Final, Generic

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from core.store.base import Repository, load_detached
from core.store.jobs import J

# The first words are those of the index that finds such rows.
_DUE: Final = """
    {row}.status IN ('pending', 'processing')
    AND ({row}.status = 'pending' OR {row}.lease_until < now())
"""
# From one workspace with rows that are due to the next, however many rows each has; then the
# oldest row of the workspace with the fewest in work.
_CLAIM: Final = """
    WITH RECURSIVE waiting (workspace_id) AS (
        (
            SELECT d.workspace_id FROM {table} d WHERE {due_d} AND {let_in}
            ORDER BY d.workspace_id LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT d.workspace_id FROM {table} d
            WHERE {due_d} AND {let_in} AND d.workspace_id > w.workspace_id
            ORDER BY d.workspace_id LIMIT 1
        ) FROM waiting w WHERE w.workspace_id IS NOT NULL
    ), chosen AS (
        SELECT w.workspace_id FROM waiting w
        CROSS JOIN LATERAL (
            SELECT count(*) AS busy FROM {table} b
            WHERE b.workspace_id = w.workspace_id AND b.status = 'processing'
                AND b.lease_until >= now()
        ) AS load
        CROSS JOIN LATERAL (
            SELECT d.created_at FROM {table} d WHERE d.workspace_id = w.workspace_id AND {due_d}
            ORDER BY d.created_at LIMIT 1
        ) AS oldest
        ORDER BY load.busy, oldest.created_at, w.workspace_id LIMIT 1
    )
    UPDATE {table} SET status = 'processing', attempts = attempts + 1, lease_owner = :owner,
        lease_until = now() + CAST(:lease AS interval), started_at = now(), updated_at = now()
    WHERE id = (
        SELECT d.id FROM {table} d
        WHERE d.workspace_id = (SELECT workspace_id FROM chosen) AND {due_d}
        ORDER BY d.created_at, d.id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    RETURNING *
"""
_NOT_BARRED: Final = "d.workspace_id <> ALL(CAST(:barred AS text[]))"
_TRIES: Final = 3


class JobQueue(Repository, Generic[J]):
    """Asked by workers and upkeep only; ``model`` is the class of the rows."""

    def __init__(self, session: AsyncSession, model: type[J]) -> None:
        super().__init__(session)
        self._model: Any = model
        self._table = model.__tablename__

    async def claim(self, owner: str, lease: timedelta, barred: Collection[str] = ()) -> J | None:
        """Take the next unclaimed row, of the workspace with the fewest in work.

        Rows of the ``barred`` workspaces are left to others. The row stays outside the session.
        """
        sql = self._filled(_CLAIM, _NOT_BARRED)
        values = {"owner": owner, "lease": lease, "barred": list(barred)}
        for _ in range(_TRIES):
            rows: list[J] = await load_detached(self._session, self._model, sql, **values)
            if rows:
                return rows[0]
            # Others may have taken what was the last of the chosen workspace, not of all.
            if not await self.has_waiting(barred):
                return None
        return None

    async def has_waiting(self, barred: Collection[str] = ()) -> bool:
        """Whether a worker could take a row now that is of no ``barred`` workspace."""
        sql = "SELECT EXISTS (SELECT FROM {table} d WHERE {due_d} AND {let_in})"
        sql = self._filled(sql, _NOT_BARRED)
        return bool(await self._session.scalar(text(sql), {"barred": list(barred)}))

    async def count_waiting(self) -> int:
        """Count the rows that a worker could take now."""
        count: int | None = await self._session.scalar(
            self._statement("SELECT count(*) FROM {table} d WHERE {due_d}")
        )
        return count or 0

    async def count_by_status(self) -> dict[str, int]:
        """Return how many rows have each status."""
        rows = await self._session.execute(
            self._statement("SELECT status, count(*) FROM {table} GROUP BY status")
        )
        return {status: int(count) for status, count in rows}

    def _statement(self, template: str) -> TextClause:
        return text(self._filled(template))

    def _filled(self, template: str, let_in: str = "true") -> str:
        """Fill in a table's name and a condition of ours, never a caller's text."""
        return template.format(table=self._table, due_d=_DUE.format(row="d"), let_in=let_in)
