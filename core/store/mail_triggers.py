"""Mailboxes whose new mails start workflows, and how far each was read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import BigInteger, ForeignKey, func, select, text, update
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps

_LEASE: Final = timedelta(minutes=5)  # longer than a look and the runs it starts take
_MAX_DELAY_SECONDS: Final = 3600


class MailTrigger(Timestamps, Base):
    """``last_uid`` belongs to ``uid_validity``: mails up to it have started their runs."""

    __tablename__ = "mail_triggers"

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    host: Mapped[str]
    port: Mapped[int]
    username: Mapped[str]
    password_secret: Mapped[str]  # the name of one of the workspace's secrets
    folder: Mapped[str]
    interval_seconds: Mapped[int]
    enabled: Mapped[bool]
    uid_validity: Mapped[int | None] = mapped_column(BigInteger)
    last_uid: Mapped[int | None] = mapped_column(BigInteger)
    next_poll_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    polled_at: Mapped[datetime | None]
    failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))  # in a row
    error: Mapped[dict[str, Any] | None]  # of the last look


class MailTriggers(TenantRepository):
    async def get(self, workflow_id: str) -> MailTrigger | None:
        return await self._session.scalar(
            select(MailTrigger).where(
                MailTrigger.workflow_id == workflow_id,
                MailTrigger.workspace_id == self._workspace_id,
            )
        )

    async def lock(self, workflow_id: str) -> MailTrigger | None:
        """Return a trigger that no other unit advances or changes until this one ends."""
        return await self._session.scalar(
            select(MailTrigger)
            .where(
                MailTrigger.workflow_id == workflow_id,
                MailTrigger.workspace_id == self._workspace_id,
            )
            .with_for_update()
            .execution_options(populate_existing=True)
        )

    def add(self, trigger: MailTrigger) -> MailTrigger:
        trigger.workspace_id = self._workspace_id
        self._session.add(trigger)
        return trigger

    async def delete(self, trigger: MailTrigger) -> None:
        await self._session.delete(trigger)


class MailTriggerJobs(Repository):
    """The poller's side of mail triggers, over all workspaces."""

    async def claim(self, limit: int) -> Sequence[MailTrigger]:
        """Lease triggers that are due, one of a workspace at a time, those due longest first."""
        first_of_each = (
            select(MailTrigger.workflow_id)
            .where(MailTrigger.enabled, MailTrigger.next_poll_at <= func.now())
            .distinct(MailTrigger.workspace_id)
            .order_by(MailTrigger.workspace_id, MailTrigger.next_poll_at)
        )
        due = (
            select(MailTrigger.workflow_id)
            .where(
                MailTrigger.workflow_id.in_(first_of_each),
                MailTrigger.next_poll_at <= func.now(),
            )
            .order_by(MailTrigger.next_poll_at)
            .limit(limit)
            .with_for_update(skip_locked=True)
        )
        rows = await self._session.scalars(
            update(MailTrigger)
            .where(MailTrigger.workflow_id.in_(due))
            .values(next_poll_at=func.now() + _LEASE)
            .returning(MailTrigger)
        )
        return rows.all()

    async def finish(self, workflow_id: str, error: dict[str, Any] | None, *, more: bool) -> None:
        """Note how a look ended and when the next is: at once where there is ``more``.

        After failures it is ever later, up to an hour.
        """
        trigger = await self._session.get(MailTrigger, workflow_id, with_for_update=True)
        if trigger is None:
            return
        trigger.failures = 0 if error is None else trigger.failures + 1
        trigger.error = error
        delay = min(trigger.interval_seconds << min(trigger.failures, 10), _MAX_DELAY_SECONDS)
        now = (await self._session.scalars(select(func.clock_timestamp()))).one()
        trigger.polled_at = now
        trigger.next_poll_at = now + timedelta(seconds=0 if more and error is None else delay)
