"""Schedules of workflows, and the fire times that were claimed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, Select, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page

KEPT: Final = timedelta(days=30)


class Schedule(Timestamps, Base):
    __tablename__ = "schedules"

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    cron: Mapped[str]
    timezone: Mapped[str]
    misfire: Mapped[str]  # skip latest all
    enabled: Mapped[bool]
    input: Mapped[dict[str, Any]]
    next_at: Mapped[datetime | None] = mapped_column(index=True)  # None: it fires no more
    created_by: Mapped[str | None]


class ScheduleFire(Timestamps, Base):
    """A fire time, claimed by whoever adds its row first."""

    __tablename__ = "schedule_fires"
    __table_args__ = (
        Index(
            "ix_schedule_fires_waiting",
            "workspace_id",
            "fire_at",
            postgresql_where=text("status = 'waiting'"),
        ),
    )

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    fire_at: Mapped[datetime] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    status: Mapped[str]  # waiting started missed failed
    input: Mapped[dict[str, Any]]
    execution_id: Mapped[str | None]
    error: Mapped[dict[str, Any] | None]


class Schedules(TenantRepository):
    async def get(self, workflow_id: str) -> Schedule | None:
        found: Schedule | None = await self._session.scalar(self._of(workflow_id))
        return found

    async def lock(self, workflow_id: str) -> Schedule | None:
        """Return a schedule that no clock claims times of until this unit ends."""
        query = self._of(workflow_id).with_for_update()
        found: Schedule | None = await self._session.scalar(query)
        return found

    def _of(self, workflow_id: str) -> Select[Schedule]:
        return select(Schedule).where(
            Schedule.workflow_id == workflow_id, Schedule.workspace_id == self._workspace_id
        )

    def add(self, schedule: Schedule) -> Schedule:
        schedule.workspace_id = self._workspace_id
        self._session.add(schedule)
        return schedule

    async def delete(self, schedule: Schedule) -> None:
        await self._session.delete(schedule)

    async def fires(self, workflow_id: str, request: PageRequest) -> RowsPage[ScheduleFire]:
        """Return a workflow's fire times that have come, latest first."""
        query = select(ScheduleFire).where(
            ScheduleFire.workflow_id == workflow_id,
            ScheduleFire.workspace_id == self._workspace_id,
        )
        order = (ScheduleFire.fire_at, ScheduleFire.workflow_id)
        return await read_page(self._session, query, order, request)

    async def oldest_waiting(self) -> ScheduleFire | None:
        """Lock and return the workspace's oldest fire that waits and nobody else is at."""
        return await self._session.scalar(
            select(ScheduleFire)
            .where(
                ScheduleFire.workspace_id == self._workspace_id, ScheduleFire.status == "waiting"
            )
            .order_by(ScheduleFire.fire_at, ScheduleFire.workflow_id)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

    async def forget_waiting(self, workflow_id: str) -> None:
        """Take back the fires that have not found a slot."""
        await self._session.execute(
            delete(ScheduleFire).where(
                ScheduleFire.workflow_id == workflow_id,
                ScheduleFire.workspace_id == self._workspace_id,
                ScheduleFire.status == "waiting",
            )
        )


class ScheduleJobs(Repository):
    """The clock's side of schedules, over all workspaces."""

    async def time(self) -> datetime:
        """Return the database's time: one clock for all schedulers."""
        now: datetime = (await self._session.scalars(select(func.clock_timestamp()))).one()
        return now

    async def due(self, moment: datetime) -> Schedule | None:
        """Lock and return a schedule whose time has come and that nobody else is at."""
        return await self._session.scalar(
            select(Schedule)
            .where(Schedule.enabled, Schedule.next_at <= moment)
            .order_by(Schedule.next_at)
            .limit(1)
            .with_for_update(skip_locked=True)
        )

    async def claim(self, schedule: Schedule, fires: Sequence[datetime], status: str) -> None:
        """Add fire times; those that were claimed before stay as they are."""
        if not fires:
            return
        rows = [
            {
                "workflow_id": schedule.workflow_id,
                "workspace_id": schedule.workspace_id,
                "fire_at": fire_at,
                "status": status,
                "input": schedule.input,
            }
            for fire_at in fires
        ]
        await self._session.execute(insert(ScheduleFire).values(rows).on_conflict_do_nothing())

    async def workspaces_waiting(self) -> Sequence[str]:
        """Return the workspaces in which fires wait for a slot."""
        waiting = ScheduleFire.status == "waiting"
        rows = await self._session.scalars(
            select(ScheduleFire.workspace_id).where(waiting).distinct()
        )
        return rows.all()

    async def purge(self) -> None:
        """Delete what was claimed long ago and waits no more."""
        await self._session.execute(
            delete(ScheduleFire).where(
                ScheduleFire.status != "waiting", ScheduleFire.fire_at < func.now() - KEPT
            )
        )
