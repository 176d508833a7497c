"""What was done to a workspace, and by whom: written with the change, never a secret in it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from pydantic import JsonValue
from sqlalchemy import ForeignKey, Index, select
from sqlalchemy.orm import Mapped, mapped_column

from core.ids import new_id
from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page


class AuditEvent(Timestamps, Base):
    __tablename__ = "audit_events"
    __table_args__ = (Index("ix_audit_events_listing", "workspace_id", "created_at"),)

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    action: Mapped[str]  # <what>.<done>, such as member.removed
    target: Mapped[str | None]  # id or name of what it was done to
    details: Mapped[dict[str, Any]] = mapped_column(default=dict)
    actor_id: Mapped[str | None]  # the user; outlives the account
    actor_way: Mapped[str]  # session key operator
    credential_id: Mapped[str | None]
    request_id: Mapped[str | None]
    address: Mapped[str | None]


@dataclass(frozen=True)
class Actor:
    """Who does something, how they came in, and under which request."""

    way: str
    user_id: str | None = None
    credential_id: str | None = None
    request_id: str | None = None
    address: str | None = None


OPERATOR: Final = Actor("operator")  # whoever may run commands on the server


@dataclass(frozen=True)
class AuditFilter:
    """What an event must be to be listed; None means whatever."""

    action: str | None = None
    actor_id: str | None = None
    target: str | None = None
    since: datetime | None = None
    until: datetime | None = None


class AuditWriter(Repository):
    """Writes events of any workspace, for units above workspaces."""

    def record(
        self,
        workspace_id: str,
        actor: Actor,
        action: str,
        target: str | None = None,
        details: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Write an event into the running transaction; ``details`` must hold no secret."""
        self._session.add(_event(workspace_id, actor, action, target, details))


class AuditLog(TenantRepository):
    def record(
        self,
        actor: Actor,
        action: str,
        target: str | None = None,
        details: Mapping[str, JsonValue] | None = None,
    ) -> None:
        """Write an event into the running transaction; ``details`` must hold no secret."""
        self._session.add(_event(self._workspace_id, actor, action, target, details))

    async def page(self, found_by: AuditFilter, request: PageRequest) -> RowsPage[AuditEvent]:
        """Return events, newest first."""
        wanted = [
            column == value
            for column, value in (
                (AuditEvent.action, found_by.action),
                (AuditEvent.actor_id, found_by.actor_id),
                (AuditEvent.target, found_by.target),
            )
            if value is not None
        ]
        if found_by.since is not None:
            wanted.append(AuditEvent.created_at >= found_by.since)
        if found_by.until is not None:
            wanted.append(AuditEvent.created_at < found_by.until)
        query = select(AuditEvent).where(AuditEvent.workspace_id == self._workspace_id, *wanted)
        order = (AuditEvent.created_at, AuditEvent.id)
        return await read_page(self._session, query, order, request)


def _event(
    workspace_id: str,
    actor: Actor,
    action: str,
    target: str | None,
    details: Mapping[str, JsonValue] | None,
) -> AuditEvent:
    return AuditEvent(
        id=new_id("audit"),
        workspace_id=workspace_id,
        action=action,
        target=target,
        details=dict(details or {}),
        actor_id=actor.user_id,
        actor_way=actor.way,
        credential_id=actor.credential_id,
        request_id=actor.request_id,
        address=actor.address,
    )
