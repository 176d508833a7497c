"""Runs that blocks of other runs have run."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

from sqlalchemy import case, func, or_, select, update

from core.store.base import TenantRepository
from core.store.executions import TERMINAL, Execution

_MOST_SHOWN: Final = 100


class SubRuns(TenantRepository):
    async def at(self, parent_id: str, place: str) -> Execution | None:
        """Return the run that a block of another has run at a place."""
        return await self._session.scalar(
            select(Execution)
            .where(
                Execution.parent_id == parent_id,
                Execution.parent_place == place,
                Execution.workspace_id == self._workspace_id,
            )
            .execution_options(populate_existing=True)
        )

    async def claim(self, execution_id: str, owner: str, lease: timedelta) -> Execution | None:
        """Take one run that waits, or whose holder fell silent; None when it is another's."""
        return await self._session.scalar(
            update(Execution)
            .where(
                Execution.id == execution_id,
                Execution.workspace_id == self._workspace_id,
                or_(
                    Execution.status == "queued",
                    (Execution.status == "running") & (Execution.lease_until < func.now()),
                ),
            )
            .values(
                recoveries=Execution.recoveries + case((Execution.status == "running", 1), else_=0),
                status="running",
                started_at=func.coalesce(Execution.started_at, func.clock_timestamp()),
                lease_owner=owner,
                lease_until=func.now() + lease,
            )
            .returning(Execution)
            .execution_options(populate_existing=True)
        )

    async def under(self, execution_id: str) -> Sequence[Execution]:
        """Return all runs that a run, or one under it, has begun; a hundred at most."""
        mine = Execution.workspace_id == self._workspace_id
        runs = select(Execution.id).where(Execution.parent_id == execution_id, mine)
        tree = runs.cte(recursive=True)
        tree = tree.union_all(select(Execution.id).where(Execution.parent_id == tree.c.id, mine))
        rows = await self._session.scalars(
            select(Execution)
            .where(Execution.id.in_(select(tree.c.id)), mine)
            .order_by(Execution.created_at, Execution.id)
            .limit(_MOST_SHOWN)
        )
        return rows.all()

    async def count_under(self, execution_id: str) -> int:
        """Return how many runs a run, and those under it, have begun."""
        mine = Execution.workspace_id == self._workspace_id
        runs = select(Execution.id).where(Execution.parent_id == execution_id, mine)
        tree = runs.cte(recursive=True)
        tree = tree.union_all(select(Execution.id).where(Execution.parent_id == tree.c.id, mine))
        return await self._session.scalar(select(func.count()).select_from(tree)) or 0

    async def cancel_under(
        self, execution_id: str, place: str | None = None
    ) -> Sequence[Execution]:
        """End as ``cancelled`` all runs under a run, or only those of one of its places."""
        mine = Execution.workspace_id == self._workspace_id
        first = select(Execution.id).where(Execution.parent_id == execution_id, mine)
        if place is not None:
            first = first.where(Execution.parent_place == place)
        runs = first.cte(recursive=True)
        runs = runs.union_all(select(Execution.id).where(Execution.parent_id == runs.c.id, mine))
        ended = await self._session.scalars(
            update(Execution)
            .where(Execution.id.in_(select(runs.c.id)), mine, Execution.status.not_in(TERMINAL))
            .values(
                status="cancelled",
                cancel_requested=True,
                ended_at=func.clock_timestamp(),
                lease_owner=None,
                lease_until=None,
            )
            .returning(Execution)
            .execution_options(populate_existing=True, synchronize_session=False)
        )
        return ended.all()
