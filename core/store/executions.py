"""Runs of workflows."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    CursorResult,
    ForeignKey,
    Index,
    Result,
    Text,
    UniqueConstraint,
    Update,
    case,
    cast,
    delete,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps, is_one_of
from core.store.pages import Position, RowsPage, read_page

TERMINAL = ("completed", "failed", "cancelled")
_UNIQUE = "23505"
_MOST_FORGOTTEN = 500  # at once; each takes its block logs along
HOLDS_SLOT = "holdsSlot"  # the option of a run that counts against the plan's limit
_WAITS = "e.status = 'queued' OR (e.status = 'running' AND e.lease_until < now())"


class Execution(Timestamps, Base):
    __tablename__ = "executions"
    __table_args__ = (
        UniqueConstraint("parent_id", "parent_place"),
        Index("ix_executions_listing", "workspace_id", "workflow_id", "created_at"),
        Index(
            "ix_executions_unfinished",
            "workspace_id",
            "created_at",
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    workflow_id: Mapped[str] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    version: Mapped[int | None]  # the snapshot that ran; None: a draft
    definition: Mapped[dict[str, Any]]  # frozen at the start
    options: Mapped[dict[str, Any]] = mapped_column(default=dict)
    status: Mapped[str] = mapped_column(default="queued")
    trigger: Mapped[str]
    input: Mapped[Any] = mapped_column(JSONB, default=None)
    output: Mapped[Any] = mapped_column(JSONB, default=None)
    error: Mapped[dict[str, Any] | None]
    usage: Mapped[dict[str, Any] | None]
    cost: Mapped[float | None]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    created_by: Mapped[str | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    recoveries: Mapped[int] = mapped_column(default=0)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]
    paused_at: Mapped[datetime | None]
    paused_seconds: Mapped[float] = mapped_column(default=0.0, server_default=text("0"))
    # The run whose block has this one run, and where: ``block/iteration/attempt``.
    parent_id: Mapped[str | None] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    parent_place: Mapped[str | None]
    depth: Mapped[int] = mapped_column(default=0, server_default=text("0"))


@dataclass(frozen=True)
class ExecutionFilter:
    """What a run must be to be listed; None means whatever. Durations are in milliseconds."""

    workflow_id: str | None = None
    status: Sequence[str] = ()
    trigger: Sequence[str] = ()
    since: datetime | None = None
    until: datetime | None = None
    search: str | None = None
    min_duration: int | None = None
    max_duration: int | None = None
    min_cost: float | None = None
    max_cost: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return the filter as parts of a WHERE."""
        lasted = func.extract("epoch", Execution.ended_at - Execution.started_at) * 1000
        words = cast(Execution.input, Text) + cast(Execution.output, Text)
        words += func.coalesce(cast(Execution.error, Text), "")
        bounds: list[tuple[Any, Callable[[Any], ColumnElement[bool]]]] = [
            (self.workflow_id, lambda value: Execution.workflow_id == value),
            (self.status or None, Execution.status.in_),
            (self.trigger or None, Execution.trigger.in_),
            (self.since, lambda value: Execution.created_at >= value),
            (self.until, lambda value: Execution.created_at <= value),
            (self.search, lambda value: words.icontains(value, autoescape=True)),
            (self.min_duration, lambda value: lasted >= literal(value, BigInteger)),
            (self.max_duration, lambda value: lasted <= literal(value, BigInteger)),
            (self.min_cost, lambda value: Execution.cost >= value),
            (self.max_cost, lambda value: Execution.cost <= value),
        ]
        return [condition(bound) for bound, condition in bounds if bound is not None]


class Executions(TenantRepository):
    async def get(self, execution_id: str) -> Execution | None:
        return await self._session.scalar(
            select(Execution).where(
                Execution.id == execution_id, Execution.workspace_id == self._workspace_id
            )
        )

    async def page(
        self, found_by: ExecutionFilter, after: Position | None, limit: int
    ) -> RowsPage[Execution]:
        """Return runs, newest first."""
        query = select(Execution).where(
            Execution.workspace_id == self._workspace_id, *found_by.conditions()
        )
        order = (Execution.created_at, Execution.id)
        return await read_page(self._session, query, order, after, limit)

    async def statuses(self, execution_ids: Sequence[str]) -> dict[str, str]:
        """Return the status of each of these runs that is there."""
        rows = await self._session.execute(
            select(Execution.id, Execution.status).where(
                is_one_of(Execution.id, execution_ids),
                Execution.workspace_id == self._workspace_id,
            )
        )
        return {row.id: row.status for row in rows}

    async def insert(self, execution: Execution) -> bool:
        """Add a run; False, and nothing added, when its id is taken (by whomever)."""
        execution.workspace_id = self._workspace_id
        try:
            async with self._session.begin_nested():
                self._session.add(execution)
        except IntegrityError as error:
            # Another workspace's run cannot be seen, only run into.
            if getattr(error.orig, "sqlstate", None) != _UNIQUE:
                raise
            return False
        return True

    async def renew(self, execution_id: str, owner: str, lease: timedelta) -> bool:
        """Keep a running run for its owner; False when it is the owner's no more."""
        changed = await self._session.execute(
            self._mine(execution_id, owner).values(lease_until=func.now() + lease)
        )
        return _changed(changed)

    async def release(self, execution_id: str, owner: str) -> bool:
        """Put a running run back, for another process to take it up at once."""
        changed = await self._session.execute(
            self._mine(execution_id, owner).values(
                status="queued", lease_owner=None, lease_until=None
            )
        )
        return _changed(changed)

    async def finish(self, execution_id: str, owner: str, end: dict[str, Any]) -> Execution | None:
        """End a running run of its owner's; None when it is not, or no longer, running there."""
        return await self._session.scalar(
            self._mine(execution_id, owner)
            .values(ended_at=func.clock_timestamp(), lease_owner=None, lease_until=None, **end)
            .returning(Execution)
            .execution_options(populate_existing=True)
        )

    async def cancel(self, execution_id: str) -> Execution | None:
        """End a run that has not ended as ``cancelled``; None when there is no such run."""
        return await self._session.scalar(
            update(Execution)
            .where(
                Execution.id == execution_id,
                Execution.workspace_id == self._workspace_id,
                Execution.status.not_in(TERMINAL),
            )
            .values(
                status="cancelled",
                cancel_requested=True,
                ended_at=func.clock_timestamp(),
                lease_owner=None,
                lease_until=None,
            )
            .returning(Execution)
            .execution_options(populate_existing=True)
        )

    def _mine(self, execution_id: str, owner: str) -> Update:
        return update(Execution).where(
            Execution.id == execution_id,
            Execution.workspace_id == self._workspace_id,
            Execution.status == "running",
            Execution.lease_owner == owner,
        )


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


def _changed(result: Result[Any]) -> bool:
    return isinstance(result, CursorResult) and result.rowcount > 0
