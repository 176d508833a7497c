"""Webhooks that workflows have sent, with each attempt."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import UniqueConstraint, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.executions import of_execution


class SentWebhook(Timestamps, Base):
    """``status`` is ``pending``, ``delivered`` or ``failed``; an attempt is ``{at, status?,
    error?, durationMs}``. The id is the message's, the same at each attempt."""

    __tablename__ = "sent_webhooks"
    __table_args__ = (
        of_execution("workspace_id", "execution_id"),
        UniqueConstraint("workspace_id", "execution_id", "block_id", "iteration"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    execution_id: Mapped[str]
    block_id: Mapped[str]
    iteration: Mapped[str]
    url: Mapped[str]
    status: Mapped[str] = mapped_column(default="pending")
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)


class SentWebhooks(TenantRepository):
    async def at(self, execution_id: str, block_id: str, iteration: str) -> SentWebhook | None:
        """Return the webhook that a block has sent, or is sending."""
        return await self._session.scalar(
            select(SentWebhook).where(
                SentWebhook.execution_id == execution_id,
                SentWebhook.workspace_id == self._workspace_id,
                SentWebhook.block_id == block_id,
                SentWebhook.iteration == iteration,
            )
        )

    def add(self, sent: SentWebhook) -> None:
        sent.workspace_id = self._workspace_id
        self._session.add(sent)

    async def of(self, execution_id: str) -> Sequence[SentWebhook]:
        """Return the webhooks of a run, oldest first."""
        rows = await self._session.scalars(
            select(SentWebhook)
            .where(
                SentWebhook.execution_id == execution_id,
                SentWebhook.workspace_id == self._workspace_id,
            )
            .order_by(SentWebhook.created_at, SentWebhook.id)
        )
        return rows.all()
