"""The queue side of runs: claimed by workers, counted, forgotten."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import case, delete, func, select, text, update

from core.store.base import Repository
from core.store.executions import HOLDS_SLOT, TERMINAL, Execution

_MOST_FORGOTTEN = 500  # at once; each takes its block logs along
_WAITS = "e.status = 'queued' OR (e.status = 'running' AND e.lease_until < now())"


class ExecutionJobs(Repository):
    """The queue side of executions, over all workspaces."""

    async def count_by_status(self) -> dict[str, int]:
        """Return how many runs have each status."""
        query = select(Execution.status, func.count()).group_by(Execution.status)
        return {status: count for status, count in await self._session.execute(query)}  # noqa: C416

    async def claim(self, owner: str, lease: timedelta) -> Execution | None:
        """Take the next waiting run, of the workspace with the fewest in work.

        A run whose holder fell silent waits too; taking it counts as a recovery.
        """
        waiting = text(f"""
            WITH busy AS (
                SELECT workspace_id, count(*) AS runs FROM executions
                WHERE status = 'running' AND lease_until >= now() GROUP BY workspace_id
            )
            SELECT e.id FROM executions e LEFT JOIN busy USING (workspace_id)
            WHERE {_WAITS}
            ORDER BY coalesce(busy.runs, 0), e.created_at, e.id
            LIMIT 1 FOR UPDATE OF e SKIP LOCKED
        """)  # noqa: S608 - a constant
        execution_id = await self._session.scalar(waiting)
        if execution_id is None:
            return None
        return await self._session.scalar(
            update(Execution)
            .where(Execution.id == execution_id)
            .values(
                recoveries=Execution.recoveries + case((Execution.status == "running", 1), else_=0),
                status="running",
                started_at=func.coalesce(Execution.started_at, func.clock_timestamp()),
                lease_owner=owner,
                lease_until=func.now() + lease,
            )
            .returning(Execution)
        )

    async def waiting_with_slot(self) -> list[tuple[str, str]]:
        """Return workspace and id of the runs that wait for a worker and hold a slot."""
        rows = await self._session.execute(
            select(Execution.workspace_id, Execution.id).where(
                Execution.status == "queued", Execution.options.has_key(HOLDS_SLOT)
            )
        )
        return [(row[0], row[1]) for row in rows]

    async def purge(self, kept: timedelta) -> int:
        """Delete runs, with their logs, that ended longer ago than that; return how many.

        At most five hundred; a run that another run waits for goes with that one.
        """
        old = (
            select(Execution.id)
            .where(
                Execution.status.in_(TERMINAL),
                Execution.ended_at < func.now() - kept,
                Execution.parent_id.is_(None),
            )
            .limit(_MOST_FORGOTTEN)
            .with_for_update(skip_locked=True)
        )
        gone = await self._session.scalars(
            delete(Execution).where(Execution.id.in_(old)).returning(Execution.id)
        )
        return len(gone.all())

    async def count_waiting(self) -> int:
        """Count the runs that a worker could take now."""
        waiting = text(f"SELECT count(*) FROM executions e WHERE {_WAITS}")  # noqa: S608
        return await self._session.scalar(waiting) or 0
