"""Signed-in browsers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, delete, select
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, Timestamps, now


class Session(Timestamps, Base):
    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str]
    expires_at: Mapped[datetime]
    user_agent: Mapped[str | None]
    address: Mapped[str | None]


class Sessions(Repository):
    async def by_token_hash(self, token_hash: str) -> Session | None:
        """Return the live session of a token, never an expired one."""
        return await self._session.scalar(
            select(Session).where(Session.token_hash == token_hash, Session.expires_at > now())
        )

    def add(self, session: Session) -> Session:
        self._session.add(session)
        return session

    async def delete(self, session_id: str) -> None:
        await self._session.execute(delete(Session).where(Session.id == session_id))
