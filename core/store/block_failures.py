"""What went wrong in the blocks of a workspace's runs, equal failures together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from core.store.base import TenantRepository, is_one_of
from core.store.block_logs import BlockLog
from core.store.executions import Execution
from core.store.workflows import Workflow


@dataclass(frozen=True)
class BlockFailure:
    """One way in which a block failed: how often, when last, and in which run then."""

    workflow_id: str
    workflow_name: str
    block_name: str
    block_type: str
    code: str | None
    message: str | None
    count: int
    last_at: datetime
    last_execution_id: str


class BlockFailures(TenantRepository):
    async def since(
        self,
        moment: datetime,
        limit: int,
        *,
        block_types: Sequence[str] = (),
        workflow_id: str | None = None,
    ) -> list[BlockFailure]:
        """Return failures of blocks that ended since a moment, the most frequent first."""
        last = func.max(BlockLog.ended_at)
        newest = func.array_agg(
            aggregate_order_by(BlockLog.execution_id, BlockLog.ended_at.desc())
        )[1]
        key = (
            Workflow.id,
            Workflow.name,
            BlockLog.block_name,
            BlockLog.block_type,
            BlockLog.error_code,
            BlockLog.error_message,
        )
        query = (
            select(*key, func.count(), last, newest)
            .join(Execution, Execution.id == BlockLog.execution_id)
            .join(Workflow, Workflow.id == Execution.workflow_id)
            .where(
                BlockLog.workspace_id == self._workspace_id,
                Execution.workspace_id == self._workspace_id,
                BlockLog.status == "error",
                BlockLog.ended_at >= moment,
            )
            .group_by(*key)
            .order_by(func.count().desc(), last.desc())
            .limit(limit)
        )
        if block_types:
            query = query.where(is_one_of(BlockLog.block_type, block_types))
        if workflow_id is not None:
            query = query.where(Workflow.id == workflow_id)
        return [BlockFailure(*row) for row in await self._session.execute(query)]
