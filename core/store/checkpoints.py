"""What workflows were before the copilot changed them."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page


class Checkpoint(Timestamps, Base):
    """``number`` is the workflow's snapshot that has what was there."""

    __tablename__ = "checkpoints"
    __table_args__ = (Index("ix_checkpoints_listing", "workspace_id", "user_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    workflow_id: Mapped[str] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    chat_id: Mapped[str | None] = mapped_column(ForeignKey("chats.id", ondelete="SET NULL"))
    message_id: Mapped[str | None]
    number: Mapped[int]
    reverted_at: Mapped[datetime | None]


class Checkpoints(TenantRepository):
    """A checkpoint is its user's, as the chat is."""

    def add(self, checkpoint: Checkpoint) -> None:
        checkpoint.workspace_id = self._workspace_id
        self._session.add(checkpoint)

    async def get(self, checkpoint_id: str, user_id: str) -> Checkpoint | None:
        return await self._session.scalar(
            select(Checkpoint).where(
                Checkpoint.id == checkpoint_id,
                Checkpoint.workspace_id == self._workspace_id,
                Checkpoint.user_id == user_id,
            )
        )

    async def page(
        self,
        user_id: str,
        request: PageRequest,
        chat_id: str | None = None,
        workflow_id: str | None = None,
    ) -> RowsPage[Checkpoint]:
        """Return a user's checkpoints, newest first, of a chat or of a workflow if it is named."""
        query = select(Checkpoint).where(
            Checkpoint.workspace_id == self._workspace_id, Checkpoint.user_id == user_id
        )
        if chat_id is not None:
            query = query.where(Checkpoint.chat_id == chat_id)
        if workflow_id is not None:
            query = query.where(Checkpoint.workflow_id == workflow_id)
        order = (Checkpoint.created_at, Checkpoint.id)
        return await read_page(self._session, query, order, request)
