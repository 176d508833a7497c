"""Ids of events that other services sent, so that a repeat changes nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from sqlalchemy import ForeignKey, Index, delete, func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps

_KEPT: Final = timedelta(days=7)


class VoiceEvent(Timestamps, Base):
    __tablename__ = "voice_events"
    __table_args__ = (Index("ix_voice_events_created_at", "created_at"),)

    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    id: Mapped[str] = mapped_column(primary_key=True)


class VoiceEvents(TenantRepository):
    async def claim(self, event_id: str) -> bool:
        """Note an event with what is done about it; False when it was noted before."""
        claimed = await self._session.scalar(
            insert(VoiceEvent)
            .values(workspace_id=self._workspace_id, id=event_id)
            .on_conflict_do_nothing()
            .returning(VoiceEvent.id)
        )
        return claimed is not None


class VoiceEventJobs(Repository):
    async def purge(self) -> None:
        """Delete what is older than any repeat."""
        await self._session.execute(
            delete(VoiceEvent).where(VoiceEvent.created_at < func.now() - _KEPT)
        )
