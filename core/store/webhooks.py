"""Webhooks of workflows: who may send them, and what was taken."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import ForeignKey, Index, Text, UniqueConstraint, delete, func, select
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.orm import Mapped, mapped_column

from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import PageRequest, RowsPage, read_page
from core.store.workflows import Workflow
from core.store.workspaces import Workspace

KEPT: Final = timedelta(days=7)  # how long a delivery's id is known again


class Webhook(Timestamps, Base):
    __tablename__ = "webhooks"

    workflow_id: Mapped[str] = mapped_column(
        ForeignKey("workflows.id", ondelete="CASCADE"), primary_key=True
    )
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    auth: Mapped[str]  # none bearer hmac slack
    mode: Mapped[str]  # sync async
    sealed_secrets: Mapped[str | None]  # a JSON list; several while one replaces another
    secret_name: Mapped[str | None]  # one of the workspace's secrets, beside those
    allowed_addresses: Mapped[list[str]] = mapped_column(ARRAY(Text))  # CIDRs; none: whatever


class WebhookDelivery(Timestamps, Base):
    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        UniqueConstraint("workflow_id", "delivery_id"),
        Index("ix_webhook_deliveries_listing", "workspace_id", "workflow_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    workflow_id: Mapped[str] = mapped_column(ForeignKey("workflows.id", ondelete="CASCADE"))
    delivery_id: Mapped[str | None]  # the sender's; those without one are all different
    execution_id: Mapped[str]
    event: Mapped[str | None]
    method: Mapped[str]
    address: Mapped[str]
    redelivery_of: Mapped[str | None]
    expires_at: Mapped[datetime] = mapped_column(index=True)


@dataclass(frozen=True)
class Target:
    """Where a webhook leads; ``webhook`` is empty for a workflow that has none set."""

    workspace: Workspace
    webhook: Webhook | None


class Webhooks(TenantRepository):
    async def get(self, workflow_id: str) -> Webhook | None:
        return await self._session.scalar(
            select(Webhook).where(
                Webhook.workflow_id == workflow_id, Webhook.workspace_id == self._workspace_id
            )
        )

    def add(self, webhook: Webhook) -> Webhook:
        webhook.workspace_id = self._workspace_id
        self._session.add(webhook)
        return webhook

    async def delete(self, webhook: Webhook) -> None:
        await self._session.delete(webhook)

    async def claim(self, delivery: WebhookDelivery) -> WebhookDelivery | None:
        """Add a delivery; or return the one that came with the same id in the last seven days.

        Of two at the same time one waits here until the other's unit ends.
        """
        table = WebhookDelivery
        same = (
            table.workflow_id == delivery.workflow_id,
            table.delivery_id == delivery.delivery_id,
        )
        await self._session.execute(delete(table).where(*same, table.expires_at < func.now()))
        given = {
            name: getattr(delivery, name)
            for name in ("id", "workflow_id", "delivery_id", "execution_id", "event", "method")
        }
        added = await self._session.scalar(
            insert(table)
            .values(
                **given,
                address=delivery.address,
                redelivery_of=delivery.redelivery_of,
                workspace_id=self._workspace_id,
                expires_at=func.now() + KEPT,
            )
            .on_conflict_do_nothing(index_elements=["workflow_id", "delivery_id"])
            .returning(table.id)
        )
        if added is not None:
            return None
        mine = table.workspace_id == self._workspace_id
        return (await self._session.scalars(select(table).where(*same, mine))).one()

    async def delivery(self, workflow_id: str, delivery_id: str) -> WebhookDelivery | None:
        """Return a delivery by our own id of it."""
        return await self._session.scalar(
            select(WebhookDelivery).where(
                WebhookDelivery.id == delivery_id,
                WebhookDelivery.workflow_id == workflow_id,
                WebhookDelivery.workspace_id == self._workspace_id,
            )
        )

    async def deliveries(self, workflow_id: str, request: PageRequest) -> RowsPage[WebhookDelivery]:
        """Return what was taken for a workflow, newest first."""
        query = select(WebhookDelivery).where(
            WebhookDelivery.workspace_id == self._workspace_id,
            WebhookDelivery.workflow_id == workflow_id,
        )
        order = (WebhookDelivery.created_at, WebhookDelivery.id)
        return await read_page(self._session, query, order, request)


class WebhookLookup(Repository):
    """Asked by senders, who are in no workspace."""

    async def target(self, workflow_id: str) -> Target | None:
        """Return where a workflow's webhooks lead; None when there is no such workflow."""
        found = await self._session.execute(
            select(Workspace, Webhook)
            .join(Workflow, Workflow.workspace_id == Workspace.id)
            .outerjoin(Webhook, Webhook.workflow_id == Workflow.id)
            .where(Workflow.id == workflow_id)
        )
        row = found.one_or_none()
        return Target(row[0], row[1]) if row else None

    async def purge(self) -> None:
        """Delete the deliveries whose ids are no longer known again."""
        await self._session.execute(
            delete(WebhookDelivery).where(WebhookDelivery.expires_at < func.now())
        )
