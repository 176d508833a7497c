"""Chats with the copilot; an assistant's message row is also its turn's job."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint, select, text
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps


class Chat(Timestamps, Base):
    __tablename__ = "chats"
    __table_args__ = (Index("ix_chats_listing", "workspace_id", "user_id", "updated_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str]
    mode: Mapped[str]
    workflow_id: Mapped[str | None]


class Message(Timestamps, Base):
    __tablename__ = "messages"
    __table_args__ = (
        UniqueConstraint("chat_id", "user_message_id", "role"),
        Index("ix_messages_chat", "chat_id", "created_at"),
        Index("ix_messages_running", "lease_until", postgresql_where=text("status = 'running'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str]
    chat_id: Mapped[str] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"))
    role: Mapped[str]  # user assistant
    content: Mapped[str]
    user_message_id: Mapped[str | None]  # the caller's id of the turn
    citations: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    tool_calls: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    artifacts: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    model: Mapped[str | None]
    usage: Mapped[dict[str, Any] | None]
    cost: Mapped[float | None]
    request: Mapped[dict[str, Any] | None]  # what the turn was asked with
    status: Mapped[str] = mapped_column(default="completed")  # running completed failed aborted
    error: Mapped[dict[str, Any] | None]
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class Chats(TenantRepository):
    async def get(self, chat_id: str, user_id: str) -> Chat | None:
        """Return a chat of its owner; a chat is private to the user who began it."""
        return await self._session.scalar(
            select(Chat).where(
                Chat.id == chat_id,
                Chat.workspace_id == self._workspace_id,
                Chat.user_id == user_id,
            )
        )

    def add(self, chat: Chat) -> Chat:
        chat.workspace_id = self._workspace_id
        self._session.add(chat)
        return chat


class Messages(TenantRepository):
    async def get(self, message_id: str) -> Message | None:
        return await self._session.scalar(
            select(Message).where(
                Message.id == message_id, Message.workspace_id == self._workspace_id
            )
        )

    def add(self, message: Message) -> Message:
        message.workspace_id = self._workspace_id
        self._session.add(message)
        return message


class TurnJobs(Repository):
    """Turns of all workspaces whose process may be gone."""
