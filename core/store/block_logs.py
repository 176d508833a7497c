"""How the blocks of a run ended: its log, and what a recovered run goes on from."""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, Identity, Index, UniqueConstraint, select, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.batches import Batcher
from core.ids import new_id
from core.store.base import Base, TenantRepository
from core.store.driver import Ask


class BlockLog(Base):
    __tablename__ = "block_logs"
    __table_args__ = (
        UniqueConstraint("execution_id", "block_id", "iteration", "attempt"),
        Index(
            "ix_block_logs_values_key",
            "values_key",
            postgresql_where=text("values_key IS NOT NULL"),
        ),
    )

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
    # The blob that holds input and output where they are large; they are null here then.
    values_key: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None]
    cost: Mapped[float | None]


_WRITE: Final = """
    INSERT INTO block_logs (
        id, execution_id, workspace_id, block_id, block_name, block_type, execution_order,
        iteration, attempt, status, started_at, ended_at, input, output, sealed_output,
        error_message, error_code, usage, cost, values_key
    )
    SELECT r.id, e.id, e.workspace_id, r.block_id, r.block_name, r.block_type, r.execution_order,
        r.iteration, r.attempt, r.status, r.started_at, r.ended_at, coalesce(r.input, 'null'),
        coalesce(r.output, 'null'), r.sealed_output, r.error_message, r.error_code, r.usage, r.cost,
        r.values_key
    FROM jsonb_to_recordset($1::jsonb) AS r (
        id text, execution_id text, owner text, block_id text, block_name text, block_type text,
        execution_order int, iteration text, attempt int, status text, started_at timestamptz,
        ended_at timestamptz, input jsonb, output jsonb, sealed_output text, error_message text,
        error_code text, usage jsonb, cost float, values_key text
    )
    JOIN executions e
        ON e.id = r.execution_id AND e.status = 'running' AND e.lease_owner = r.owner
    ON CONFLICT DO NOTHING
    RETURNING id
"""


class BlockLogWriter:
    """Writes how blocks ended, those of runs that go on side by side in one commit.

    ``ask`` puts a statement to the database above workspaces, committed when it returns.
    """

    def __init__(self, ask: Ask) -> None:
        self._ask = ask
        self._batches: Batcher[dict[str, Any], bool] = Batcher(self._write_all)

    async def write(self, execution_id: str, owner: str, row: dict[str, Any]) -> bool:
        """Write how a block ended, once, while the run is running in its owner's hands.

        ``row`` is plain JSON. False, and nothing written, when the run was taken away or the block
        is written already. Durable when it returns.
        """
        return await self._batches.ask(
            {"id": new_id("log"), "execution_id": execution_id, "owner": owner, **row}
        )

    async def _write_all(self, rows: Sequence[dict[str, Any]]) -> list[bool]:
        written = {row["id"] for row in await self._ask(_WRITE, [json.dumps(rows)])}
        return [row["id"] in written for row in rows]


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
