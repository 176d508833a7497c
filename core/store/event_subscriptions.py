"""Subscriptions to events, and the outbox of what is to be delivered to them.

Database triggers add the deliveries, in the transaction of the change itself.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, get_args

from sqlalchemy import ForeignKey, Index, Text, delete, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from core.store.audit import Actor, AuditWriter
from core.store.base import Base, Repository, TenantRepository, Timestamps
from core.store.pages import Position, RowsPage, read_page

EventName = Literal[
    "execution.completed",
    "execution.failed",
    "execution.paused",
    "document.completed",
    "document.failed",
    "chat.turn.completed",
    "chat.turn.failed",
    "chat.turn.aborted",
    "approval.requested",
]
EVENTS: Final[tuple[EventName, ...]] = get_args(EventName)
MAX_SUBSCRIPTIONS: Final = 20  # of a workspace
MAX_CONSECUTIVE_FAILURES: Final = 20
RETRY_DELAYS: Final = (5, 30, 120, 600, 3_600, 10_800, 28_800)  # seconds after each attempt
RETENTION: Final = timedelta(days=7)
_LEASE: Final = timedelta(seconds=60)
_SYSTEM: Final = Actor("operator")


class EventSubscription(Timestamps, Base):
    """``notice`` says why it was disabled, where nobody asked for that."""

    __tablename__ = "event_subscriptions"

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(
        ForeignKey("workspaces.id", ondelete="CASCADE"), index=True
    )
    url: Mapped[str]
    events: Mapped[list[str]] = mapped_column(ARRAY(Text))
    sealed_secret: Mapped[str]
    enabled: Mapped[bool]
    notice: Mapped[str | None]
    consecutive_failures: Mapped[int] = mapped_column(default=0, server_default=text("0"))
    attempted_at: Mapped[datetime | None]
    created_by: Mapped[str | None]


class EventDelivery(Timestamps, Base):
    """``status`` is pending, delivered or failed; an attempt is ``{at, status?, error?,
    durationMs}``. The id is that of the message, the same at each attempt."""

    __tablename__ = "event_deliveries"
    __table_args__ = (
        Index(
            "ix_event_deliveries_pending",
            "subscription_id",
            "next_attempt_at",
            postgresql_where=text("status = 'pending'"),
        ),
        Index("ix_event_deliveries_listing", "workspace_id", "subscription_id", "created_at"),
    )

    id: Mapped[str] = mapped_column(primary_key=True)
    workspace_id: Mapped[str] = mapped_column(ForeignKey("workspaces.id", ondelete="CASCADE"))
    subscription_id: Mapped[str]  # no key: whoever ends a run waits for no deletion
    event: Mapped[str]
    data: Mapped[dict[str, Any]]
    status: Mapped[str] = mapped_column(server_default=text("'pending'"))
    attempt_count: Mapped[int] = mapped_column(server_default=text("0"))
    attempts: Mapped[list[dict[str, Any]]] = mapped_column(server_default=text("'[]'"))
    next_attempt_at: Mapped[datetime] = mapped_column(server_default=func.now())


@dataclass(frozen=True)
class ClaimedDelivery:
    """A delivery leased for one attempt; ``attempt_count`` fences its outcome."""

    id: str
    subscription_id: str
    event: str
    data: dict[str, Any]
    created_at: datetime
    attempt_count: int
    url: str
    sealed_secret: str


@dataclass(frozen=True)
class AttemptOutcome:
    """``is_gone`` says that the endpoint asked for no more messages."""

    record: dict[str, Any]
    is_delivered: bool
    is_gone: bool = False


class EventSubscriptions(TenantRepository):
    async def get(self, subscription_id: str) -> EventSubscription | None:
        return await self._session.scalar(
            select(EventSubscription).where(
                EventSubscription.id == subscription_id,
                EventSubscription.workspace_id == self._workspace_id,
            )
        )

    async def count(self) -> int:
        query = select(func.count()).where(EventSubscription.workspace_id == self._workspace_id)
        return int(await self._session.scalar(query) or 0)

    async def page(self, after: Position | None, limit: int) -> RowsPage[EventSubscription]:
        """Return subscriptions, newest first."""
        query = select(EventSubscription).where(
            EventSubscription.workspace_id == self._workspace_id
        )
        order = (EventSubscription.created_at, EventSubscription.id)
        return await read_page(self._session, query, order, after, limit)

    def add(self, subscription: EventSubscription) -> None:
        subscription.workspace_id = self._workspace_id
        self._session.add(subscription)

    def add_delivery(self, delivery: EventDelivery) -> None:
        delivery.workspace_id = self._workspace_id
        self._session.add(delivery)

    async def refresh(self, subscription: EventSubscription) -> None:
        """Read what the database set by itself, after a flush."""
        await self._session.refresh(subscription)

    async def delete(self, subscription: EventSubscription) -> None:
        """Delete a subscription and its deliveries."""
        await self._session.execute(
            delete(EventDelivery).where(
                EventDelivery.subscription_id == subscription.id,
                EventDelivery.workspace_id == self._workspace_id,
            )
        )
        await self._session.delete(subscription)

    async def deliveries(
        self, subscription_id: str, after: Position | None, limit: int
    ) -> RowsPage[EventDelivery]:
        """Return a subscription's deliveries, newest first."""
        query = select(EventDelivery).where(
            EventDelivery.subscription_id == subscription_id,
            EventDelivery.workspace_id == self._workspace_id,
        )
        order = (EventDelivery.created_at, EventDelivery.id)
        return await read_page(self._session, query, order, after, limit)

    async def lock_delivery(self, subscription_id: str, delivery_id: str) -> EventDelivery | None:
        return await self._session.scalar(
            select(EventDelivery)
            .where(
                EventDelivery.id == delivery_id,
                EventDelivery.subscription_id == subscription_id,
                EventDelivery.workspace_id == self._workspace_id,
            )
            .with_for_update()
        )

    async def requeue(self, delivery: EventDelivery) -> None:
        """Have a delivery attempted once more, at once; its earlier attempts stay listed."""
        delivery.status, delivery.attempt_count = "pending", 0
        await self._session.flush()
        await self._session.execute(
            update(EventDelivery)
            .where(
                EventDelivery.id == delivery.id,
                EventDelivery.workspace_id == self._workspace_id,
            )
            .values(next_attempt_at=func.now())
        )
        await self._session.refresh(delivery)


# Subscriptions take turns, so that one with much to deliver holds up no other.
_CLAIM: Final = text("""
    WITH due AS (
        SELECT d.id, s.url, s.sealed_secret
        FROM (
            SELECT id, url, sealed_secret FROM event_subscriptions
            WHERE enabled ORDER BY attempted_at NULLS FIRST, id
        ) s
        CROSS JOIN LATERAL (
            SELECT id FROM event_deliveries
            WHERE subscription_id = s.id AND status = 'pending'
                AND next_attempt_at <= clock_timestamp()
            ORDER BY next_attempt_at LIMIT :per_subscription FOR UPDATE SKIP LOCKED
        ) d
        LIMIT :total
    )
    UPDATE event_deliveries e
    SET attempt_count = attempt_count + 1, next_attempt_at = clock_timestamp() + :lease,
        updated_at = now()
    FROM due WHERE e.id = due.id
    RETURNING e.id, e.subscription_id, e.event, e.data, e.created_at, e.attempt_count, due.url,
        due.sealed_secret
""")


class EventDeliveryJobs(Repository):
    """The sender's side of the outbox, over all workspaces."""

    async def claim(self, per_subscription: int, total: int) -> Sequence[ClaimedDelivery]:
        """Lease deliveries that are due, for one attempt each."""
        rows = await self._session.execute(
            _CLAIM, {"per_subscription": per_subscription, "total": total, "lease": _LEASE}
        )
        return [ClaimedDelivery(*row) for row in rows]

    async def finish(self, claimed: ClaimedDelivery, outcome: AttemptOutcome) -> None:
        """Record an attempt, unless another process has leased the delivery since."""
        query = (
            select(EventDelivery)
            .where(
                EventDelivery.id == claimed.id,
                EventDelivery.attempt_count == claimed.attempt_count,
                EventDelivery.status == "pending",
            )
            .with_for_update()
        )
        delivery = await self._session.scalar(query)
        if delivery is None:
            return
        delivery.attempts = [*delivery.attempts, outcome.record]
        is_last = claimed.attempt_count > len(RETRY_DELAYS)
        if outcome.is_delivered:
            delivery.status = "delivered"
        elif is_last or outcome.is_gone:
            delivery.status = "failed"
        else:
            delay = timedelta(seconds=RETRY_DELAYS[claimed.attempt_count - 1])
            delivery.next_attempt_at = (
                await self._session.scalars(select(func.clock_timestamp() + delay))
            ).one()
        await self._count(claimed.subscription_id, outcome)

    async def _count(self, subscription_id: str, outcome: AttemptOutcome) -> None:
        """Count failures in a row; disable a subscription that has too many."""
        query = select(EventSubscription).where(EventSubscription.id == subscription_id)
        row = await self._session.scalar(query.with_for_update())
        if row is None:
            return
        row.attempted_at = (await self._session.scalars(select(func.clock_timestamp()))).one()
        row.consecutive_failures = 0 if outcome.is_delivered else row.consecutive_failures + 1
        if not row.enabled:
            return
        if outcome.is_gone:
            _disable(row, "The endpoint answered 410 Gone.")
        elif row.consecutive_failures >= MAX_CONSECUTIVE_FAILURES:
            _disable(row, f"{row.consecutive_failures} attempts in a row failed.")
        else:
            return
        AuditWriter(self._session).record(
            row.workspace_id, _SYSTEM, "subscription.disabled", row.id, {"notice": row.notice}
        )

    async def purge(self) -> None:
        """Delete deliveries that are older than the retention, and those without subscription."""
        await self._session.execute(
            delete(EventDelivery).where(EventDelivery.created_at < func.now() - RETENTION)
        )


def _disable(row: EventSubscription, reason: str) -> None:
    row.enabled = False
    row.notice = f"{reason} Mend the endpoint, then set enabled to true."
