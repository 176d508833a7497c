"""Workflows that members of the workspace may chat with."""

from __future__ import annotations

from sqlalchemy import ForeignKey, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps


class PublishedChat(Timestamps, Base):
    __tablename__ = "published_chats"

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    greeting: Mapped[str | None]
    memory_messages: Mapped[int]  # how many earlier messages a run is given


class PublishedChats(TenantRepository):
    async def get(self, workflow_id: str) -> PublishedChat | None:
        return await self._session.scalar(
            select(PublishedChat).where(
                PublishedChat.workflow_id == workflow_id,
                PublishedChat.workspace_id == self._workspace_id,
            )
        )

    def add(self, row: PublishedChat) -> PublishedChat:
        row.workspace_id = self._workspace_id
        self._session.add(row)
        return row

    async def delete(self, row: PublishedChat) -> None:
        await self._session.delete(row)
