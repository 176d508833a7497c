"""Chats with the copilot."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import ForeignKey, Index, Select, delete, false, func, select, text, update
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page


class Chat(Timestamps, Base):
    __tablename__ = "chats"
    __table_args__ = (
        Index("ix_chats_listing", "workspace_id", "user_id", "updated_at"),
        Index("ix_chats_anonymous", "updated_at", postgresql_where=text("is_anonymous")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"))
    title: Mapped[str]
    mode: Mapped[str]
    workflow_id: Mapped[str | None]
    agent_id: Mapped[str | None] = mapped_column(ForeignKey("agents.id", ondelete="CASCADE"))
    # A visitor's, by a share link that its user made; no chat of the user's.
    is_anonymous: Mapped[bool] = mapped_column(default=False, server_default=false())
    # Tools whose use its user has allowed for as long as it goes on.
    allowed_tools: Mapped[list[str]] = mapped_column(
        JSONB, default=list, server_default=text("'[]'::jsonb")
    )
    summary: Mapped[dict[str, Any] | None]  # of what was said up to a message: copilot.memory


class Chats(TenantRepository):
    """A chat is private to the user who began it."""

    async def get(self, chat_id: str, user_id: str) -> Chat | None:
        return await self._session.scalar(self._of(user_id).where(Chat.id == chat_id))

    async def get_anonymous(self, chat_id: str, agent_id: str) -> Chat | None:
        """Return a visitor's chat with an agent."""
        return await self._session.scalar(
            select(Chat).where(
                Chat.id == chat_id,
                Chat.workspace_id == self._workspace_id,
                Chat.agent_id == agent_id,
                Chat.is_anonymous,
            )
        )

    async def page(
        self, user_id: str, request: PageRequest, search: str | None = None
    ) -> RowsPage[Chat]:
        """Return a user's chats, the last used first; ``search`` is a part of the title."""
        query = self._of(user_id)
        if search:
            query = query.where(Chat.title.icontains(search, autoescape=True))
        return await read_page(self._session, query, (Chat.updated_at, Chat.id), request)

    async def refresh(self, chat: Chat) -> None:
        """Read what the database set by itself, after a flush."""
        await self._session.refresh(chat)

    async def hold_turn(self, user_id: str, user_message_id: str) -> None:
        """Have other units that begin the same turn wait here, until the end of this one."""
        key = func.hashtextextended(f"turn:{user_id}:{user_message_id}", 0)
        await self._session.execute(select(func.pg_advisory_xact_lock(key)))

    async def lock(self, chat_id: str) -> None:
        """Have other units that begin a turn in this chat wait here, until the end of this one."""
        await self._session.execute(select(Chat.id).where(Chat.id == chat_id).with_for_update())

    async def allow(self, chat: Chat, tool: str) -> None:
        """Allow a tool's use in a chat from now on; hold its lock."""
        if tool not in chat.allowed_tools:
            chat.allowed_tools = [*chat.allowed_tools, tool]

    async def summary(self, chat_id: str) -> dict[str, Any] | None:
        """Return what is remembered of a chat's beginning."""
        return await self._session.scalar(
            select(Chat.summary).where(Chat.id == chat_id, Chat.workspace_id == self._workspace_id)
        )

    async def summarise(self, chat_id: str, summary: dict[str, Any], after: str) -> None:
        """Put a summary in the place of the one that reached to ``after``, '' for none."""
        until = func.coalesce(Chat.summary["until"].as_string(), "")
        await self._session.execute(
            update(Chat)
            .where(Chat.id == chat_id, Chat.workspace_id == self._workspace_id, until == after)
            .values(summary=summary, updated_at=Chat.updated_at)
        )

    async def delete(self, user_id: str, chat_id: str | None = None) -> int:
        """Delete one chat of a user's, or all, with their messages; return how many there were."""
        gone = delete(Chat).where(
            Chat.workspace_id == self._workspace_id,
            Chat.user_id == user_id,
            Chat.is_anonymous.is_(False),
        )
        if chat_id is not None:
            gone = gone.where(Chat.id == chat_id)
        return len((await self._session.scalars(gone.returning(Chat.id))).all())

    def _of(self, user_id: str) -> Select[Chat]:
        return select(Chat).where(
            Chat.workspace_id == self._workspace_id,
            Chat.user_id == user_id,
            Chat.is_anonymous.is_(False),
        )


class AnonymousChats(Repository):
    """Chats of visitors in all workspaces."""

    async def delete_unused(self, age: timedelta) -> None:
        """Delete those that were not used for some time, with their messages."""
        await self._session.execute(
            delete(Chat).where(Chat.is_anonymous, Chat.updated_at < func.now() - age)
        )
