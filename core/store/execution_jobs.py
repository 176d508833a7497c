"""The queue side of runs: claimed by workers, counted, forgotten."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import delete, func, select, text, tuple_

from core.store.base import Repository, load_detached
from core.store.executions import HOLDS_SLOT, TERMINAL, Execution

_MOST_FORGOTTEN = 500  # at once; each takes its block logs along
# The first words are those of the index that finds such rows.
_WAITS: Final = """
    e.status IN ('queued', 'running') AND (e.status = 'queued' OR e.lease_until < now())
"""
# From one workspace with runs that wait to the next, however many runs each has; then the oldest
# run of the workspace with the fewest in work.
_CLAIM: Final = f"""
    WITH RECURSIVE waiting (workspace_id) AS (
        (
            SELECT e.workspace_id FROM executions e WHERE {_WAITS}
            ORDER BY e.workspace_id LIMIT 1
        )
        UNION ALL
        SELECT (
            SELECT e.workspace_id FROM executions e
            WHERE {_WAITS} AND e.workspace_id > w.workspace_id
            ORDER BY e.workspace_id LIMIT 1
        ) FROM waiting w WHERE w.workspace_id IS NOT NULL
    ), chosen AS (
        SELECT w.workspace_id FROM waiting w
        CROSS JOIN LATERAL (
            SELECT count(*) AS busy FROM executions b
            WHERE b.workspace_id = w.workspace_id AND b.status = 'running'
                AND b.lease_until >= now()
        ) AS load
        CROSS JOIN LATERAL (
            SELECT e.created_at FROM executions e WHERE e.workspace_id = w.workspace_id AND {_WAITS}
            ORDER BY e.created_at LIMIT 1
        ) AS oldest
        ORDER BY load.busy, oldest.created_at, w.workspace_id LIMIT 1
    ), next AS (
        SELECT e.workspace_id, e.id, e.status FROM executions e
        WHERE e.workspace_id = (SELECT workspace_id FROM chosen) AND {_WAITS}
        ORDER BY e.created_at, e.id LIMIT 1 FOR UPDATE SKIP LOCKED
    )
    UPDATE executions SET status = 'running', lease_owner = :owner,
        lease_until = now() + CAST(:lease AS interval),
        started_at = coalesce(executions.started_at, clock_timestamp()), updated_at = now(),
        recoveries = recoveries + CASE next.status WHEN 'running' THEN 1 ELSE 0 END
    FROM next WHERE executions.workspace_id = next.workspace_id AND executions.id = next.id
    RETURNING executions.*
"""  # noqa: S608 - constants
_HAS_WAITING: Final = f"SELECT EXISTS (SELECT FROM executions e WHERE {_WAITS})"  # noqa: S608
_TRIES: Final = 3
_KEY: Final = (Execution.workspace_id, Execution.id)


class ExecutionJobs(Repository):
    """The queue side of executions, over all workspaces."""

    async def count_by_status(self) -> dict[str, int]:
        """Return how many runs have each status."""
        query = select(Execution.status, func.count()).group_by(Execution.status)
        return {status: count for status, count in await self._session.execute(query)}  # noqa: C416

    async def claim(self, owner: str, lease: timedelta) -> Execution | None:
        """Take the next waiting run, of the workspace with the fewest in work.

        A run whose holder fell silent waits too; taking it counts as a recovery. The row
        stays outside the session.
        """
        for _ in range(_TRIES):
            rows = await load_detached(self._session, Execution, _CLAIM, owner=owner, lease=lease)
            if rows:
                return rows[0]
            # Others may have taken what was the last of the chosen workspace, not of all.
            if not await self._session.scalar(text(_HAS_WAITING)):
                return None
        return None

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
            select(*_KEY)
            .where(
                Execution.status.in_(TERMINAL),
                Execution.ended_at < func.now() - kept,
                Execution.parent_id.is_(None),
            )
            .limit(_MOST_FORGOTTEN)
            .with_for_update(skip_locked=True)
        )
        gone = await self._session.scalars(
            delete(Execution).where(tuple_(*_KEY).in_(old)).returning(Execution.id)
        )
        return len(gone.all())

    async def count_waiting(self) -> int:
        """Count the runs that a worker could take now."""
        waiting = text(f"SELECT count(*) FROM executions e WHERE {_WAITS}")  # noqa: S608
        return await self._session.scalar(waiting) or 0
