"""Runs of workflows and the log of their blocks."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps

TERMINAL = ("completed", "failed", "cancelled")


class Execution(Timestamps, Base):
    __tablename__ = "executions"
    __table_args__ = (
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


class BlockLog(Base):
    __tablename__ = "block_logs"
    __table_args__ = (UniqueConstraint("execution_id", "block_id", "iteration", "attempt"),)

    no: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    execution_id: Mapped[str] = mapped_column(ForeignKey("executions.id", ondelete="CASCADE"))
    workspace_id: Mapped[str]
    block_id: Mapped[str]
    block_name: Mapped[str]
    block_type: Mapped[str]
    execution_order: Mapped[int]
    iteration: Mapped[str] = mapped_column(default="")
    attempt: Mapped[int] = mapped_column(default=1)
    status: Mapped[str]  # success error skipped
    handle: Mapped[str | None]  # the branch that was taken
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    input: Mapped[Any] = mapped_column(JSONB, default=None)
    output: Mapped[Any] = mapped_column(JSONB, default=None)
    error_message: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None]
    cost: Mapped[float | None]


class Executions(TenantRepository):
    async def get(self, execution_id: str) -> Execution | None:
        return await self._session.scalar(
            select(Execution).where(
                Execution.id == execution_id, Execution.workspace_id == self._workspace_id
            )
        )

    def add(self, execution: Execution) -> Execution:
        execution.workspace_id = self._workspace_id
        self._session.add(execution)
        return execution


class ExecutionJobs(Repository):
    """The queue side of executions, over all workspaces."""
