"""How the blocks of a run ended: its log, and what a recovered run goes on from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Identity, Index, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, TenantRepository
from core.store.executions import of_execution


class BlockLog(Base):
    __tablename__ = "block_logs"
    __table_args__ = (
        of_execution("workspace_id", "execution_id"),
        UniqueConstraint(
            "workspace_id",
            "execution_id",
            "block_id",
            "iteration",
            "attempt",
            name="uq_block_logs_place",
        ),
        Index(
            "ix_block_logs_values_key",
            "values_key",
            postgresql_where=text("values_key IS NOT NULL"),
        ),
    )

    no: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    id: Mapped[str] = mapped_column(unique=True)
    execution_id: Mapped[str]
    workspace_id: Mapped[str]
    block_id: Mapped[str]
    block_name: Mapped[str]
    block_type: Mapped[str]
    execution_order: Mapped[int]
    iteration: Mapped[str] = mapped_column(default="")
    attempt: Mapped[int] = mapped_column(default=1)
    status: Mapped[str]  # success error skipped
    handle: Mapped[str | None]  # the branch that was taken
    # The output as it is, sealed, where the shown one has secrets masked; a recovery reads it.
    sealed_output: Mapped[str | None]
    error_code: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    input: Mapped[Any] = mapped_column(JSONB, default=None)
    output: Mapped[Any] = mapped_column(JSONB, default=None)
    error_message: Mapped[str | None]
    # The blob that holds input and output where they are large; they are null here then.
    values_key: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None]
    cost: Mapped[float | None]


class BlockLogs(TenantRepository):
    async def of(self, execution_id: str) -> Sequence[BlockLog]:
        """Return a run's blocks in the order they began, to be read only."""
        rows = await self._session.scalars(
            select(BlockLog)
            .where(
                BlockLog.execution_id == execution_id,
                BlockLog.workspace_id == self._workspace_id,
            )
            .order_by(BlockLog.execution_order, BlockLog.no)
        )
        found = rows.all()
        for row in found:
            self._session.expunge(row)
        return found

    async def has_answered(self, execution_id: str) -> bool:
        """Whether a ``response`` block set what the run answers."""
        found = await self._session.scalar(
            select(BlockLog.no)
            .where(
                BlockLog.execution_id == execution_id,
                BlockLog.workspace_id == self._workspace_id,
                BlockLog.block_type == "response",
                BlockLog.status == "success",
            )
            .limit(1)
        )
        return found is not None

    async def copy(self, from_id: str, to_id: str, block_ids: Collection[str]) -> None:
        """Give a run what another has finished of the named blocks."""
        for row in await self.of(from_id):
            if row.block_id in block_ids:
                kept = {
                    column.key: getattr(row, column.key)
                    for column in BlockLog.__table__.columns
                    if column.key not in ("no", "id", "execution_id")
                }
                self._session.add(BlockLog(id=new_id("log"), execution_id=to_id, **kept))
