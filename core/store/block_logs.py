"""How the blocks of a run ended: its log, and what a recovered run goes on from."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, ForeignKey, Identity, UniqueConstraint, exists, literal, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, TenantRepository
from core.store.executions import Execution


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
    # The output as it is, sealed, where the shown one has secrets masked; a recovery reads it.
    sealed_output: Mapped[str | None]
    error_code: Mapped[str | None]
    started_at: Mapped[datetime]
    ended_at: Mapped[datetime]
    input: Mapped[Any] = mapped_column(JSONB, default=None)
    output: Mapped[Any] = mapped_column(JSONB, default=None)
    error_message: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None]
    cost: Mapped[float | None]


class BlockLogs(TenantRepository):
    async def write(self, execution_id: str, owner: str, row: dict[str, Any]) -> bool:
        """Write how a block ended, once, while the run is running in its owner's hands.

        False, and nothing written, when the run was taken away or the block is written already.
        """
        values = {
            "id": new_id("log"),
            "execution_id": execution_id,
            "workspace_id": self._workspace_id,
            **row,
        }
        table = BlockLog.__table__
        is_mine = exists().where(
            Execution.id == execution_id,
            Execution.workspace_id == self._workspace_id,
            Execution.status == "running",
            Execution.lease_owner == owner,
        )
        source = select(*(literal(v, table.c[k].type) for k, v in values.items())).where(is_mine)
        written = await self._session.scalar(
            insert(BlockLog)
            .from_select(list(values), source)
            .on_conflict_do_nothing()
            .returning(BlockLog.no)
        )
        return written is not None

    async def of(self, execution_id: str) -> Sequence[BlockLog]:
        """Return a run's blocks in the order they began."""
        rows = await self._session.scalars(
            select(BlockLog)
            .where(
                BlockLog.execution_id == execution_id,
                BlockLog.workspace_id == self._workspace_id,
            )
            .order_by(BlockLog.execution_order, BlockLog.no)
        )
        return rows.all()

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
