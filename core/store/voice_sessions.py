"""Conversations by voice: waiting for audio, then active under a lease, then ended for good."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    CursorResult,
    ForeignKey,
    Index,
    Select,
    Update,
    and_,
    cast,
    func,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page

ENDED: Final = "ended"
_IS_CALL: Final = text("channel = 'twilio'")  # a call's id is its own; a room is met in again


class VoiceSession(Timestamps, Base):
    __tablename__ = "voice_sessions"
    __table_args__ = (
        Index(
            "uq_voice_sessions_call",
            "workspace_id",
            "external_id",
            unique=True,
            postgresql_where=_IS_CALL,
        ),
        Index("ix_voice_sessions_listing", "workspace_id", "created_at"),
        Index("ix_voice_sessions_live", "expires_at", postgresql_where=text("status <> 'ended'")),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    user_id: Mapped[str]  # in whose name it asks
    way: Mapped[str | None]  # session key: what it was made with, and ends with
    credential_id: Mapped[str | None]
    channel: Mapped[str]  # web twilio daily
    mode: Mapped[str | None]
    workflow_id: Mapped[str | None]
    chat_id: Mapped[str | None]
    external_id: Mapped[str | None]  # Twilio's CallSid, Daily's room
    token_hash: Mapped[str] = mapped_column(unique=True)
    sealed_token: Mapped[str | None]  # where the same answer is given again
    settings: Mapped[dict[str, Any]]  # of the workspace, as they were at the start
    status: Mapped[str] = mapped_column(default="waiting")  # waiting active ended
    end_reason: Mapped[str | None]  # closed hangup limit lost failed
    transcript: Mapped[list[dict[str, Any]]] = mapped_column(default=list)
    expires_at: Mapped[datetime]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
    lease_owner: Mapped[str | None]
    lease_until: Mapped[datetime | None]


class VoiceSessions(TenantRepository):
    async def get(self, session_id: str, user_id: str | None = None) -> VoiceSession | None:
        """Return a session, of a user if one is named."""
        query = self._all(user_id).where(VoiceSession.id == session_id)
        return await self._session.scalar(query)

    async def of_call(self, call_sid: str) -> VoiceSession | None:
        """Return the session that a call of Twilio's has or had."""
        return await self._session.scalar(
            self._all().where(
                VoiceSession.channel == "twilio", VoiceSession.external_id == call_sid
            )
        )

    async def page(self, user_id: str | None, request: PageRequest) -> RowsPage[VoiceSession]:
        """Return sessions, newest first."""
        order = (VoiceSession.created_at, VoiceSession.id)
        return await read_page(self._session, self._all(user_id), order, request)

    async def insert(self, session: VoiceSession) -> bool:
        """Add a session; False, and nothing added, when its call has one."""
        session.workspace_id = self._workspace_id
        columns = {c.name for c in VoiceSession.__table__.columns}
        values = {name: value for name, value in vars(session).items() if name in columns}
        added = await self._session.scalar(
            insert(VoiceSession)
            .values(status="waiting", transcript=[], **values)
            .on_conflict_do_nothing(
                index_elements=["workspace_id", "external_id"], index_where=_IS_CALL
            )
            .returning(VoiceSession.id)
        )
        return added is not None

    async def claim(self, session_id: str, owner: str, lease: timedelta) -> VoiceSession | None:
        """Begin to hold a session that waits; None when it is held, over, or not there."""
        return await self._session.scalar(
            update(VoiceSession)
            .where(
                VoiceSession.id == session_id,
                VoiceSession.workspace_id == self._workspace_id,
                VoiceSession.status == "waiting",
                VoiceSession.expires_at > func.now(),
            )
            .values(
                status="active",
                started_at=func.clock_timestamp(),
                lease_owner=owner,
                lease_until=func.now() + lease,
            )
            .returning(VoiceSession)
            .execution_options(populate_existing=True)
        )

    async def renew(self, session_id: str, owner: str, lease: timedelta) -> bool:
        """Keep a session for its holder; False when it has ended."""
        held = update(VoiceSession).where(
            VoiceSession.id == session_id,
            VoiceSession.lease_owner == owner,
            VoiceSession.expires_at > func.now(),
        )
        return await self._changed(held.values(lease_until=func.now() + lease))

    async def add_line(self, session_id: str, line: dict[str, Any]) -> None:
        """Append what was said."""
        more = VoiceSession.transcript.op("||")(cast([line], JSONB))
        await self._changed(
            update(VoiceSession).where(VoiceSession.id == session_id).values(transcript=more)
        )

    async def set_chat(self, session_id: str, chat_id: str) -> None:
        """Note the copilot's chat that it is."""
        await self._changed(
            update(VoiceSession).where(VoiceSession.id == session_id).values(chat_id=chat_id)
        )

    async def end(self, session_id: str, reason: str) -> bool:
        """End a session for good; False when it has ended before."""
        return await self._changed(_ending(reason).where(VoiceSession.id == session_id))

    async def end_of(self, channel: str, external_id: str, reason: str) -> bool:
        """End what goes on in a call or room; False when nothing does."""
        call = and_(VoiceSession.channel == channel, VoiceSession.external_id == external_id)
        return await self._changed(_ending(reason).where(call))

    async def _changed(self, statement: Update) -> bool:
        mine = statement.where(VoiceSession.workspace_id == self._workspace_id)
        mine = mine.execution_options(synchronize_session=False)
        result = await self._session.execute(mine)
        return isinstance(result, CursorResult) and result.rowcount > 0

    def _all(self, user_id: str | None = None) -> Select[VoiceSession]:
        query = select(VoiceSession).where(VoiceSession.workspace_id == self._workspace_id)
        return query if user_id is None else query.where(VoiceSession.user_id == user_id)


class VoiceSessionJobs(Repository):
    """Sessions of all workspaces: by token, and those that nobody ended."""

    async def by_token(self, token_hash: str) -> VoiceSession | None:
        """Return the session of a token that has not ended."""
        return await self._session.scalar(
            select(VoiceSession).where(
                VoiceSession.token_hash == token_hash,
                VoiceSession.status != ENDED,
                VoiceSession.expires_at > func.now(),
            )
        )

    async def end_overdue(self) -> Sequence[str]:
        """End what is past its limit, and what lost its process; return their ids."""
        limit = _ending("limit").where(VoiceSession.expires_at <= func.now())
        lost = _ending("lost").where(
            VoiceSession.status == "active",
            or_(VoiceSession.lease_until.is_(None), VoiceSession.lease_until < func.now()),
        )
        ended: list[str] = []
        for statement in (limit, lost):
            ended += (await self._session.scalars(statement.returning(VoiceSession.id))).all()
        return ended


def _ending(reason: str) -> Update:
    return (
        update(VoiceSession)
        .where(VoiceSession.status != ENDED)
        .values(
            status=ENDED,
            end_reason=reason,
            ended_at=func.clock_timestamp(),
            lease_owner=None,
            lease_until=None,
        )
        .execution_options(synchronize_session=False)
    )
