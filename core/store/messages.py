"""Messages of chats; an assistant's message row is also its turn's job."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ForeignKey, Index, Select, UniqueConstraint, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.chats import Chat
from core.store.driver import fetch, look
from core.store.pages import PageRequest, RowsPage, read_page

TERMINAL: Final = ("completed", "failed", "aborted")

_STEERING: Final = """
    SELECT content FROM messages
    WHERE chat_id = $1 AND workspace_id = $2 AND request ->> 'steers' = $3 ORDER BY created_at
"""
_MINE: Final = "id = $1 AND workspace_id = $2 AND lease_owner = $3 AND status = 'running'"
_FINISH: Final = f"""
    UPDATE messages SET status = $4, content = $5, citations = $6::jsonb, tool_calls = $7::jsonb,
        artifacts = $8::jsonb, model = coalesce($9, model), usage = $10::jsonb, cost = $11,
        error = $12::jsonb, notice = $13::jsonb,
        lease_owner = NULL, lease_until = NULL, updated_at = now()
    WHERE {_MINE} RETURNING id
"""  # noqa: S608 - a constant


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
    notice: Mapped[dict[str, Any] | None]  # who answered, where no language model did
    feedback: Mapped[dict[str, Any] | None]  # {rating, comment}
    cancel_requested: Mapped[bool] = mapped_column(default=False)
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class Messages(TenantRepository):
    async def get(self, message_id: str, user_id: str) -> Message | None:
        """Return a message of one of the user's chats, as it is in the database now."""
        query = self._of(user_id).where(Message.id == message_id)
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def get_anonymous(self, message_id: str, agent_id: str) -> Message | None:
        """Return a message of a visitor's chat with an agent, as the database has it."""
        query = self._of_visitors(agent_id).where(Message.id == message_id)
        return await self._session.scalar(query.execution_options(populate_existing=True))

    async def count_running_anonymous(self, agent_id: str) -> int:
        """Return how many answers to visitors of an agent are being written."""
        running = self._of_visitors(agent_id).where(Message.status == "running")
        count = await self._session.scalar(select(func.count()).select_from(running.subquery()))
        return count or 0

    async def cancel_anonymous(self, agent_id: str) -> None:
        """Ask the processes that write answers to visitors of an agent to end them."""
        running = self._of_visitors(agent_id).where(Message.status == "running")
        ids = running.with_only_columns(Message.id)
        await self._session.execute(
            update(Message).where(Message.id.in_(ids)).values(cancel_requested=True)
        )

    async def answer_to(self, user_id: str, user_message_id: str) -> Message | None:
        """Return the turn that the caller's own id names."""
        return await self._session.scalar(
            self._of(user_id)
            .where(Message.user_message_id == user_message_id, Message.role == "assistant")
            .limit(1)
        )

    async def running(self, chat_id: str) -> str | None:
        """Return the id of the message that is being written in a chat."""
        return await self._session.scalar(
            select(Message.id).where(
                Message.chat_id == chat_id,
                Message.workspace_id == self._workspace_id,
                Message.status == "running",
            )
        )

    async def page(
        self, user_id: str, chat_id: str | None, request: PageRequest
    ) -> RowsPage[Message]:
        """Return messages of one of the user's chats, or of all, oldest first."""
        query = self._of(user_id)
        if chat_id is not None:
            query = query.where(Message.chat_id == chat_id)
        order = (Message.created_at, Message.id)
        return await read_page(self._session, query, order, request, descending=False)

    async def before(self, message: Message, limit: int) -> Sequence[Message]:
        """Return the ``limit`` messages before one in its chat, the newest first."""
        rows = await self._session.scalars(
            select(Message)
            .where(
                Message.chat_id == message.chat_id,
                Message.workspace_id == self._workspace_id,
                Message.created_at < message.created_at,
            )
            .order_by(Message.created_at.desc())
            .limit(limit)
        )
        return rows.all()

    async def latest(self, chat_id: str, limit: int) -> Sequence[Message]:
        """Return the last ``limit`` messages of a chat, the newest first."""
        rows = await self._session.scalars(
            select(Message)
            .where(Message.chat_id == chat_id, Message.workspace_id == self._workspace_id)
            .order_by(Message.created_at.desc())
            .limit(limit)
        )
        return rows.all()

    async def steering(self, message_id: str, chat_id: str) -> list[str]:
        """Return what was said to a turn while it went on, in order."""
        rows = await look(self._session, _STEERING, chat_id, self._workspace_id, message_id)
        return [content for (content,) in rows]

    async def add(self, message: Message) -> None:
        message.workspace_id = self._workspace_id
        self._session.add(message)
        await self._session.flush()

    async def begin_turn(self, new_chat: Chat | None, question: Message, answer: Message) -> None:
        """Write a question and the answer to be written, and the chat if it is new."""
        if new_chat is not None:
            new_chat.workspace_id = self._workspace_id
            self._session.add(new_chat)
            await self._session.flush()
        question.workspace_id = answer.workspace_id = self._workspace_id
        self._session.add_all([question, answer])
        await self._session.flush()

    async def finish(self, message_id: str, owner: str, end: dict[str, Any]) -> bool:
        """End a running turn of its owner's; False when it is not running there any more.

        ``end`` holds ``status`` and ``content``, and columns of the answer that are not empty.
        """
        ended = await fetch(
            self._session,
            _FINISH,
            *(message_id, self._workspace_id, owner),
            *(end["status"], end["content"]),
            *(json.dumps(end.get(name, [])) for name in ("citations", "tool_calls", "artifacts")),
            end.get("model"),
            _json(end.get("usage")),
            end.get("cost"),
            _json(end.get("error")),
            _json(end.get("notice")),
        )
        return bool(ended)

    async def request_cancel(self, message: Message) -> None:
        """Ask the process that writes a message to end it."""
        await self._session.execute(
            update(Message)
            .where(
                Message.id == message.id,
                Message.workspace_id == self._workspace_id,
                Message.status == "running",
            )
            .values(cancel_requested=True)
        )

    def _of(self, user_id: str) -> Select[Message]:
        return (
            select(Message)
            .join(Chat, Chat.id == Message.chat_id)
            .where(
                Message.workspace_id == self._workspace_id,
                Chat.user_id == user_id,
                Chat.is_anonymous.is_(False),
            )
        )

    def _of_visitors(self, agent_id: str) -> Select[Message]:
        return (
            select(Message)
            .join(Chat, Chat.id == Message.chat_id)
            .where(
                Message.workspace_id == self._workspace_id,
                Chat.agent_id == agent_id,
                Chat.is_anonymous,
            )
        )


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value)


_RUNNING: Final = """
    SELECT m.id, m.workspace_id
    FROM messages m JOIN chats c ON c.id = m.chat_id
        JOIN members s ON s.user_id = c.user_id AND s.workspace_id = m.workspace_id
    WHERE m.status = 'running' AND c.user_id = $1 AND NOT c.is_anonymous
        AND ($2::text IS NULL OR m.workspace_id = $2)
    ORDER BY m.created_at LIMIT $3
"""


class TurnJobs(Repository):
    """Turns of all workspaces: those that go on, and those whose process may be gone."""

    async def running_of(
        self, user_id: str, workspace_id: str | None, limit: int = 20
    ) -> list[tuple[str, str]]:
        """Return the turns in a user's chats that go on, oldest first, each with its workspace;
        without one named those of all workspaces that the user is in."""
        rows = await look(self._session, _RUNNING, user_id, workspace_id, limit)
        return [(row[0], row[1]) for row in rows]

    async def silent(self, limit: int = 100) -> Sequence[Message]:
        """Return running turns whose holder has fallen silent."""
        query = select(Message).where(Message.status == "running", Message.lease_until < func.now())
        return (await self._session.scalars(query.limit(limit))).all()

    async def end_silent(self, message_id: str, end: dict[str, Any]) -> bool:
        """End one of them; False when it is not silent any more, or was ended."""
        ended = await self._session.scalar(
            update(Message)
            .where(
                Message.id == message_id,
                Message.status == "running",
                Message.lease_until < func.now(),
            )
            .values(lease_owner=None, lease_until=None, **end)
            .returning(Message.id)
        )
        return ended is not None
