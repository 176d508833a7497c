"""Runs of workflows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    PrimaryKeyConstraint,
    Text,
    UniqueConstraint,
    cast,
    func,
    literal,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, TenantRepository, Timestamps, column_values, is_one_of
from core.store.driver import fetch
from core.store.pages import PageRequest, RowsPage, read_page

TERMINAL = ("completed", "failed", "cancelled")
HOLDS_SLOT = "holdsSlot"  # the option of a run that counts against the plan's limit


class Execution(Timestamps, Base):
    """A run. Its id may be of a caller's choice and is unique in its workspace only; `log_id` is
    the service's own, and names the log of its events."""

    __tablename__ = "executions"
    __table_args__ = (
        PrimaryKeyConstraint("workspace_id", "id"),
        ForeignKeyConstraint(
            ["workspace_id", "parent_id"],
            ["executions.workspace_id", "executions.id"],
            ondelete="CASCADE",
        ),
        UniqueConstraint("workspace_id", "parent_id", "parent_place"),
        Index("ix_executions_listing", "workspace_id", "workflow_id", "created_at"),
        Index(
            "ix_executions_unfinished",
            "workspace_id",
            "created_at",
            postgresql_where=text("status IN ('queued', 'running')"),
        ),
    )

    id: Mapped[str]
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    log_id: Mapped[str] = mapped_column(default=lambda: new_id("log"))
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
    parent_id: Mapped[str | None]
    parent_place: Mapped[str | None]
    depth: Mapped[int] = mapped_column(default=0, server_default=text("0"))


_OF_OWNER: Final = "id = $1 AND workspace_id = $2 AND lease_owner = $3 AND status = 'running'"
_RENEW: Final = f"""
    UPDATE executions SET lease_until = now() + $4, updated_at = now()
    WHERE {_OF_OWNER} RETURNING id
"""  # noqa: S608 - constants
_RELEASE: Final = f"""
    UPDATE executions
    SET status = 'queued', lease_owner = NULL, lease_until = NULL, updated_at = now()
    WHERE {_OF_OWNER} RETURNING id
"""  # noqa: S608 - constants
_ENDS: Final = ("output", "error", "usage")  # JSON; what an end does not say stays as it is
_FINISH: Final = f"""
    UPDATE executions SET status = $4, cost = $5, output = coalesce($6, output),
        error = coalesce($7, error), usage = coalesce($8, usage), ended_at = clock_timestamp(),
        lease_owner = NULL, lease_until = NULL, updated_at = now()
    WHERE {_OF_OWNER} RETURNING ended_at
"""  # noqa: S608 - constants


def of_execution(workspace_id: str, execution_id: str) -> ForeignKeyConstraint:
    """Return the constraint of a table whose rows belong to a run, and are deleted with it."""
    key = ["executions.workspace_id", "executions.id"]
    return ForeignKeyConstraint([workspace_id, execution_id], key, ondelete="CASCADE")


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

    async def page(self, found_by: ExecutionFilter, request: PageRequest) -> RowsPage[Execution]:
        """Return runs, newest first."""
        query = select(Execution).where(
            Execution.workspace_id == self._workspace_id, *found_by.conditions()
        )
        order = (Execution.created_at, Execution.id)
        return await read_page(self._session, query, order, request)

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
        """Add a run; False, and nothing added, when its id is taken in its workspace.

        The object stays outside the session: what is changed on it later is not written.
        """
        execution.workspace_id = self._workspace_id
        table = Base.metadata.tables["executions"]
        added = await self._session.execute(
            insert(table)
            .values(column_values(execution))
            .on_conflict_do_nothing()
            .returning(table.c.created_at, table.c.updated_at)
        )
        row = added.one_or_none()
        if row is not None:
            execution.created_at, execution.updated_at = row
        return row is not None

    async def renew(self, execution_id: str, owner: str, lease: timedelta) -> bool:
        """Keep a running run for its owner; False when it is the owner's no more."""
        return bool(await fetch(self._session, _RENEW, *self._mine(execution_id, owner), lease))

    async def release(self, execution_id: str, owner: str) -> bool:
        """Put a running run back, for another process to take it up at once."""
        return bool(await fetch(self._session, _RELEASE, *self._mine(execution_id, owner)))

    async def finish(self, run: Execution, owner: str, end: dict[str, Any]) -> bool:
        """End a running run of its owner's, also on the object; False when it is not, or no
        longer, running there. ``end`` has ``status`` and what else comes with it."""
        given = (None if end.get(key) is None else json.dumps(end[key]) for key in _ENDS)
        values = (*self._mine(run.id, owner), end["status"], end.get("cost"), *given)
        for row in await fetch(self._session, _FINISH, *values):
            set_ended(run, end, row.ended_at)
            return True
        return False

    async def cancel(
        self, execution_id: str, error: dict[str, Any] | None = None
    ) -> Execution | None:
        """End a run that has not ended as ``cancelled``; None when there is no such run."""
        ended = await self._cancel(Execution.id == execution_id, error)
        return ended[0] if ended else None

    async def cancel_of(self, workflow_id: str) -> Sequence[Execution]:
        """End as ``cancelled`` all runs of a workflow that have not ended."""
        return await self._cancel(Execution.workflow_id == workflow_id)

    async def _cancel(
        self, which: ColumnElement[bool], error: dict[str, Any] | None = None
    ) -> Sequence[Execution]:
        ended = await self._session.scalars(
            update(Execution)
            .where(
                which,
                Execution.workspace_id == self._workspace_id,
                Execution.status.not_in(TERMINAL),
            )
            .values(
                status="cancelled",
                error=error,
                cancel_requested=True,
                ended_at=func.clock_timestamp(),
                lease_owner=None,
                lease_until=None,
            )
            .returning(Execution)
            .execution_options(populate_existing=True)
        )
        return ended.all()

    def _mine(self, execution_id: str, owner: str) -> tuple[str, str, str]:
        return execution_id, self._workspace_id, owner


def set_ended(run: Execution, end: dict[str, Any], moment: datetime) -> None:
    """Set on a run what ending its row has set there."""
    given = {**end, "ended_at": moment, "updated_at": moment}
    for key, value in {**given, "lease_owner": None, "lease_until": None}.items():
        setattr(run, key, value)
