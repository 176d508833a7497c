"""How a workspace speaks: one row, and the secrets of the services that call it, sealed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import ForeignKey, func, select
from sqlalchemy.dialects.postgresql import JSONB, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps

_MOST_OF_AN_ACCOUNT: Final = 20


class VoiceConfig(Timestamps, Base):
    __tablename__ = "voice_configs"

    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), primary_key=True
    )
    provider: Mapped[str]  # local, or a hosted provider of speech models
    language: Mapped[str]
    voice_id: Mapped[str | None]
    greeting: Mapped[str | None]
    system_prompt: Mapped[str | None]
    model: Mapped[str | None]
    base_ids: Mapped[list[str]] = mapped_column(JSONB)
    turn_detection: Mapped[dict[str, Any]]
    max_duration_seconds: Mapped[int]
    recording: Mapped[dict[str, Any]]
    twilio_account_sid: Mapped[str | None] = mapped_column(index=True)
    sealed_twilio_auth_token: Mapped[str | None]
    sealed_daily_webhook_secret: Mapped[str | None]
    updated_by: Mapped[str]  # calls are answered in this user's name


class VoiceConfigs(TenantRepository):
    async def get(self, *, to_change: bool = False) -> VoiceConfig | None:
        """Return the workspace's settings, None as long as nobody has made any; locked if they
        are to be changed."""
        query = select(VoiceConfig).where(VoiceConfig.workspace_id == self._workspace_id)
        return await self._session.scalar(query.with_for_update() if to_change else query)

    async def put(self, values: dict[str, Any]) -> VoiceConfig:
        """Save all columns; return the row."""
        changed = {**values, "updated_at": func.now()}
        row = await self._session.scalar(
            insert(VoiceConfig)
            .values(workspace_id=self._workspace_id, **values)
            .on_conflict_do_update(index_elements=["workspace_id"], set_=changed)
            .returning(VoiceConfig)
            .execution_options(populate_existing=True)
        )
        if row is None:
            raise RuntimeError("an upsert returns its row")
        return row


class VoiceConfigLookup(Repository):
    """By what another service says of itself, before it is known whose call it is."""

    async def of_twilio(self, account_sid: str, workspace_id: str | None) -> Sequence[VoiceConfig]:
        """Return the settings that name an account of Twilio's, the oldest first.

        Anybody may name any account: whose call it is, the signature shows.
        """
        query = (
            select(VoiceConfig)
            .where(
                VoiceConfig.twilio_account_sid == account_sid,
                VoiceConfig.sealed_twilio_auth_token.is_not(None),
            )
            .order_by(VoiceConfig.created_at)
            .limit(_MOST_OF_AN_ACCOUNT)
        )
        if workspace_id is not None:
            query = query.where(VoiceConfig.workspace_id == workspace_id)
        return (await self._session.scalars(query)).all()

    async def of_workspace(self, workspace_id: str) -> VoiceConfig | None:
        return await self._session.get(VoiceConfig, workspace_id)
