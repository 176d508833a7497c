"""Recordings of conversations by voice: written in pieces, ended once, deleted in time.

What a piece holds lies in a blob: frames of two 16-bit samples, one of the caller and one of the
copilot. A piece that is here stays, whatever becomes of the process that wrote it.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import (
    BigInteger,
    CursorResult,
    ForeignKey,
    Index,
    Update,
    delete,
    func,
    insert,
    select,
    text,
    update,
)
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.voice_sessions import ENDED, VoiceSession


class VoiceRecording(Timestamps, Base):
    __tablename__ = "voice_recordings"
    __table_args__ = (
        Index(
            "ix_voice_recordings_open",
            "session_id",
            postgresql_where=text("ended_at IS NULL"),
        ),
    )

    session_id: Mapped[str] = mapped_column(
        ForeignKey("voice_sessions.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    frames: Mapped[int] = mapped_column(BigInteger, default=0)
    pieces: Mapped[int] = mapped_column(default=0)
    retention_days: Mapped[int | None]
    is_whole: Mapped[bool | None]  # whether it reaches to the end of the session
    ended_at: Mapped[datetime | None]
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


class VoiceRecordingPiece(Base):
    __tablename__ = "voice_recording_pieces"

    session_id: Mapped[str] = mapped_column(
        ForeignKey("voice_recordings.session_id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True)  # from 0
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    blob_key: Mapped[str] = mapped_column(index=True)
    frames: Mapped[int]


class VoiceRecordings(TenantRepository):
    async def begin(self, session_id: str, retention_days: int | None) -> None:
        """Note that a session is recorded, and for how long that is kept; None for good."""
        values = {"session_id": session_id, "workspace_id": self._workspace_id}
        await self._session.execute(
            insert(VoiceRecording).values(
                **values, frames=0, pieces=0, retention_days=retention_days
            )
        )

    async def add(self, piece: VoiceRecordingPiece) -> bool:
        """Add the next piece; False when the recording has ended, or has that piece."""
        is_next = await self._changed(
            update(VoiceRecording)
            .where(
                VoiceRecording.session_id == piece.session_id,
                VoiceRecording.ended_at.is_(None),
                VoiceRecording.pieces == piece.number,
            )
            .values(frames=VoiceRecording.frames + piece.frames, pieces=VoiceRecording.pieces + 1)
        )
        if is_next:
            piece.workspace_id = self._workspace_id
            self._session.add(piece)
        return is_next

    async def end(self, session_id: str, *, is_whole: bool) -> bool:
        """End a recording for good; False when it has ended before."""
        return await self._changed(
            _ending(is_whole=is_whole).where(VoiceRecording.session_id == session_id)
        )

    async def of(self, session_ids: Sequence[str]) -> dict[str, VoiceRecording]:
        """Return the recordings of those sessions that have one."""
        rows = await self._session.scalars(
            select(VoiceRecording).where(
                VoiceRecording.session_id.in_(session_ids),
                VoiceRecording.workspace_id == self._workspace_id,
            )
        )
        return {row.session_id: row for row in rows}

    async def pieces(self, session_id: str) -> Sequence[VoiceRecordingPiece]:
        """Return a recording's pieces in order."""
        rows = await self._session.scalars(
            select(VoiceRecordingPiece)
            .where(
                VoiceRecordingPiece.session_id == session_id,
                VoiceRecordingPiece.workspace_id == self._workspace_id,
            )
            .order_by(VoiceRecordingPiece.number)
        )
        return rows.all()

    async def all_blob_keys(self) -> Sequence[str]:
        mine = VoiceRecordingPiece.workspace_id == self._workspace_id
        return (await self._session.scalars(select(VoiceRecordingPiece.blob_key).where(mine))).all()

    async def _changed(self, statement: Update) -> bool:
        mine = statement.where(VoiceRecording.workspace_id == self._workspace_id)
        result = await self._session.execute(mine.execution_options(synchronize_session=False))
        return isinstance(result, CursorResult) and result.rowcount > 0


class VoiceRecordingJobs(Repository):
    """Recordings of all workspaces that nobody ended, or that were kept long enough."""

    async def end_abandoned(self, grace: timedelta) -> Sequence[str]:
        """End what a lost process was recording, as far as it came; return the sessions' ids.

        Whoever holds a session has ``grace`` from its end on to write the rest.
        """
        lost = _ending(is_whole=False).where(
            VoiceRecording.session_id == VoiceSession.id,
            VoiceSession.status == ENDED,
            VoiceSession.ended_at < func.now() - grace,
        )
        return (await self._session.scalars(lost.returning(VoiceRecording.session_id))).all()

    async def take_expired(self, limit: int) -> tuple[int, list[str]]:
        """Delete recordings that were kept long enough; return how many, and their blobs' keys."""
        old = await self._session.scalars(
            select(VoiceRecording.session_id)
            .where(VoiceRecording.expires_at <= func.now())
            .order_by(VoiceRecording.expires_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        session_ids = old.all()
        of_them = VoiceRecordingPiece.session_id.in_(session_ids)
        keys = await self._session.scalars(select(VoiceRecordingPiece.blob_key).where(of_them))
        blob_keys = list(keys)
        await self._session.execute(
            delete(VoiceRecording).where(VoiceRecording.session_id.in_(session_ids))
        )
        return len(session_ids), blob_keys


def _ending(*, is_whole: bool) -> Update:
    days = func.make_interval(0, 0, 0, VoiceRecording.retention_days)
    return (
        update(VoiceRecording)
        .where(VoiceRecording.ended_at.is_(None))
        .values(is_whole=is_whole, ended_at=func.now(), expires_at=func.now() + days)
        .execution_options(synchronize_session=False)
    )
