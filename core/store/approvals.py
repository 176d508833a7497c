"""What a tool that writes was to be used for, and what its user has decided."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, TenantRepository, Timestamps
from core.store.chats import Chat


class Approval(Timestamps, Base):
    """``decision`` is None while it is waited for, then allow, allowForChat or skip for good."""

    __tablename__ = "approvals"
    __table_args__ = (
        UniqueConstraint("message_id", "tool_call_id"),
        Index("ix_approvals_call", "workspace_id", "tool_call_id"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    chat_id: Mapped[str] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    message_id: Mapped[str] = mapped_column(ForeignKey("messages.id", ondelete="CASCADE"))
    tool_call_id: Mapped[str]
    name: Mapped[str]
    arguments: Mapped[dict[str, Any]]
    decision: Mapped[str | None]


class Approvals(TenantRepository):
    def add(self, approval: Approval) -> None:
        approval.workspace_id = self._workspace_id
        self._session.add(approval)

    async def decision(self, approval_id: str) -> str | None:
        """Return what was decided, None while nothing is."""
        return await self._session.scalar(
            select(Approval.decision).where(
                Approval.id == approval_id, Approval.workspace_id == self._workspace_id
            )
        )

    async def asked(
        self, user_id: str, tool_call_id: str, message_id: str | None
    ) -> Sequence[Approval]:
        """Return what the user was asked for a call, the newest first: models number their calls
        as they like, so that several messages may have one of that id."""
        query = (
            select(Approval)
            .join(Chat, Chat.id == Approval.chat_id)
            .where(
                Approval.workspace_id == self._workspace_id,
                Chat.user_id == user_id,
                Approval.tool_call_id == tool_call_id,
            )
            .order_by(Approval.created_at.desc())
        )
        if message_id is not None:
            query = query.where(Approval.message_id == message_id)
        return (await self._session.scalars(query)).all()

    async def decide(self, approval_id: str, decision: str) -> bool:
        """Decide what is still open; False when it was decided before."""
        decided = await self._session.scalar(
            update(Approval)
            .where(
                Approval.id == approval_id,
                Approval.workspace_id == self._workspace_id,
                Approval.decision.is_(None),
            )
            .values(decision=decision)
            .returning(Approval.id)
        )
        return decided is not None
