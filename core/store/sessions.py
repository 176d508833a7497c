"""Signed-in browsers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import ForeignKey, delete, func, select, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, Timestamps, now
from core.store.pages import PageRequest, RowsPage, read_page


class Session(Timestamps, Base):
    __tablename__ = "sessions"

    id: Mapped[str] = mapped_column(primary_key=True)
    token_hash: Mapped[str] = mapped_column(unique=True)
    user_id: Mapped[str] = mapped_column(ForeignKey("users.id", ondelete="CASCADE"), index=True)
    workspace_id: Mapped[str]
    expires_at: Mapped[datetime]
    user_agent: Mapped[str | None]
    address: Mapped[str | None]
    last_seen_at: Mapped[datetime] = mapped_column(server_default=func.now())
    authenticated_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Sessions(Repository):
    async def by_token_hash(self, token_hash: str) -> Session | None:
        """Return the live session of a token, never an expired one."""
        return await self._session.scalar(
            select(Session).where(Session.token_hash == token_hash, Session.expires_at > now())
        )

    async def live(self, session_id: str) -> Session | None:
        """Return a session by its id; never an expired one."""
        return await self._session.scalar(
            select(Session).where(Session.id == session_id, Session.expires_at > now())
        )

    async def page(self, user_id: str, request: PageRequest) -> RowsPage[Session]:
        """Return a user's live sessions, the newest first."""
        query = select(Session).where(Session.user_id == user_id, Session.expires_at > now())
        order = (Session.created_at, Session.id)
        return await read_page(self._session, query, order, request)

    def add(self, session: Session) -> Session:
        self._session.add(session)
        return session

    async def touch(self, session_id: str, expires_at: datetime) -> None:
        """Note that a session was used, and that it lives until then."""
        # A statement, not the row: it may be deleted by its logout at this moment.
        await self._session.execute(
            update(Session)
            .where(Session.id == session_id)
            .values(last_seen_at=now(), expires_at=expires_at)
            .execution_options(synchronize_session=False)
        )

    async def note_authentication(self, session_id: str) -> None:
        """Note that the session's user proved their password."""
        await self._session.execute(
            update(Session).where(Session.id == session_id).values(authenticated_at=now())
        )

    async def delete(self, session_id: str, user_id: str) -> bool:
        """End a user's session, and with it its bearer tokens; whether there was one."""
        deleted = await self._session.scalar(
            delete(Session)
            .where(Session.id == session_id, Session.user_id == user_id)
            .returning(Session.id)
        )
        return deleted is not None

    async def delete_of(self, user_id: str, but: str | None = None) -> None:
        """End all sessions of a user, but for one that may stay."""
        query = delete(Session).where(Session.user_id == user_id)
        await self._session.execute(query if but is None else query.where(Session.id != but))

    async def delete_expired(self) -> None:
        await self._session.execute(delete(Session).where(Session.expires_at <= now()))
