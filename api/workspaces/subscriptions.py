"""Subscriptions of a workspace to events, by signed webhooks."""

from __future__ import annotations

import base64
import secrets
from datetime import datetime
from typing import Annotated, Any, Final, Literal

from pydantic import AfterValidator, Field, JsonValue, StringConstraints

from api.access import ADMIN
from api.call import Call, Reply
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Flag, Wire, left_away
from core.errors import Conflict
from core.http.url import LONGEST_URL
from core.ids import new_id
from core.store.event_subscriptions import (
    EVENTS,
    MAX_SUBSCRIPTIONS,
    EventDelivery,
    EventName,
    EventSubscription,
)

_PATH: Final = "/api/workspaces/<workspace_id>/subscriptions"
_ONE: Final = f"{_PATH}/<subscription_id>"
_SECRET_BYTES: Final = 24  # as Standard Webhooks advises

Url = Annotated[str, StringConstraints(min_length=1, max_length=LONGEST_URL)]
Secret = Annotated[str, StringConstraints(min_length=16, max_length=256, pattern=r"^[\x21-\x7e]+$")]


def _sort_events(events: list[EventName]) -> list[EventName]:
    return sorted(set(events), key=EVENTS.index)


Events = Annotated[
    list[EventName], Field(min_length=1, max_length=50), AfterValidator(_sort_events)
]


class NewSubscription(Wire):
    """``secret`` signs each message by Standard Webhooks; one is made if it is absent."""

    url: Url
    events: Events
    secret: Secret | None = None
    enabled: Flag = True


class SubscriptionPatch(Wire):
    """``enabled: true`` resumes a disabled subscription with what is still pending."""

    url: Url = ""
    events: Events = Field(default=[])
    secret: Secret = ""
    enabled: Flag = True


class SubscriptionAnswer(Wire):
    """``notice`` says why a subscription was disabled; ``secret`` is shown when it is made."""

    id: str
    url: str
    events: list[EventName]
    enabled: bool
    notice: str | None
    consecutive_failures: int
    secret: str | None = left_away()
    created_at: datetime
    updated_at: datetime


class EventAttempt(Wire):
    at: datetime
    status: int | None
    error: str | None
    duration_ms: float


class EventDeliveryAnswer(Wire):
    """``id`` is the ``webhook-id`` of each attempt; ``nextAttemptAt`` is there while pending."""

    id: str
    event: EventName
    data: dict[str, JsonValue]
    status: Literal["pending", "delivered", "failed"]
    attempts: list[EventAttempt]
    next_attempt_at: datetime | None
    created_at: datetime


@endpoint("GET", _PATH, access=ADMIN)
async def list_subscriptions(call: Call, query: PageQuery) -> Page[SubscriptionAnswer]:
    """List the subscriptions to events, newest first."""
    page = await call.unit.event_subscriptions.page(query.position(), query.limit)
    return Page(data=[_render(row) for row in page.rows], next_cursor=cursor_of(page.next))


@endpoint("POST", _PATH, access=ADMIN, status=201)
async def create_subscription(call: Call, body: NewSubscription) -> SubscriptionAnswer:
    """Subscribe a URL to events; each is posted to it at least once, signed."""
    subscriptions = call.unit.event_subscriptions
    if await subscriptions.count() >= MAX_SUBSCRIPTIONS:
        raise Conflict(f"A workspace has at most {MAX_SUBSCRIPTIONS} subscriptions; delete one.")
    secret = body.secret or _make_secret()
    row = EventSubscription(
        id=new_id("sub"),
        url=call.services.http.checked(body.url),
        events=body.events,
        sealed_secret=call.services.sealer.seal(secret),
        enabled=body.enabled,
        created_by=call.user_id,
    )
    subscriptions.add(row)
    await call.unit.flush()
    call.audit("subscription.created", row.id, url=row.url, events=", ".join(row.events))
    return _render(row, secret)


@endpoint("GET", _ONE, access=ADMIN)
async def get_subscription(call: Call, subscription_id: str) -> SubscriptionAnswer:
    """Return a subscription; its secret is not shown again."""
    return _render(await _find(call, subscription_id))


@endpoint("PATCH", _ONE, access=ADMIN)
async def update_subscription(
    call: Call, subscription_id: str, body: SubscriptionPatch
) -> SubscriptionAnswer:
    """Change a subscription's URL, events or secret, or whether it is enabled."""
    row = await _find(call, subscription_id)
    changes = body.changes()
    if "url" in changes:
        row.url = call.services.http.checked(body.url)
    if "events" in changes:
        row.events = list(body.events)
    if "secret" in changes:
        row.sealed_secret = call.services.sealer.seal(body.secret)
    if "enabled" in changes:
        row.enabled = body.enabled
        row.notice, row.consecutive_failures = None, 0
    await call.unit.flush()
    await call.unit.event_subscriptions.refresh(row)
    call.audit("subscription.changed", row.id, fields=", ".join(sorted(changes)))
    return _render(row)


@endpoint("DELETE", _ONE, access=ADMIN, status=204)
async def delete_subscription(call: Call, subscription_id: str) -> None:
    """Delete a subscription with its deliveries; nothing is posted any more."""
    await call.unit.event_subscriptions.delete(await _find(call, subscription_id))
    call.audit("subscription.deleted", subscription_id)


@endpoint("GET", f"{_ONE}/deliveries", access=ADMIN)
async def list_event_deliveries(
    call: Call, subscription_id: str, query: PageQuery
) -> Page[EventDeliveryAnswer]:
    """List the deliveries of the last seven days with each attempt, newest first."""
    row = await _find(call, subscription_id)
    page = await call.unit.event_subscriptions.deliveries(row.id, query.position(), query.limit)
    data = [_render_delivery(delivery) for delivery in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint(
    "POST",
    f"{_ONE}/deliveries/<event_delivery_id>/redeliver",
    access=ADMIN,
    answers={202: EventDeliveryAnswer},
    errors=(Conflict,),
)
async def redeliver_event(call: Call, subscription_id: str, event_delivery_id: str) -> Reply:
    """Post an event once more, under its first id."""
    row = await _find(call, subscription_id)
    subscriptions = call.unit.event_subscriptions
    delivery = found(await subscriptions.lock_delivery(row.id, event_delivery_id), "delivery")
    if delivery.status == "pending":
        raise Conflict("The delivery is still pending; wait for its next attempt.")
    await subscriptions.requeue(delivery)
    call.audit("subscription.redelivered", row.id, delivery=delivery.id)
    return Reply(_render_delivery(delivery), 202)


async def _find(call: Call, subscription_id: str) -> EventSubscription:
    return found(await call.unit.event_subscriptions.get(subscription_id), "subscription")


def _make_secret() -> str:
    return f"whsec_{base64.b64encode(secrets.token_bytes(_SECRET_BYTES)).decode()}"


def _render(row: EventSubscription, secret: str | None = None) -> SubscriptionAnswer:
    names = set(SubscriptionAnswer.model_fields) - {"secret"}
    return SubscriptionAnswer(secret=secret, **{name: getattr(row, name) for name in names})


def _render_delivery(row: EventDelivery) -> EventDeliveryAnswer:
    names = set(EventDeliveryAnswer.model_fields) - {"attempts", "next_attempt_at"}
    fields: dict[str, Any] = {name: getattr(row, name) for name in names}
    return EventDeliveryAnswer(
        **fields,
        attempts=[
            EventAttempt(
                at=attempt["at"],
                status=attempt.get("status"),
                error=attempt.get("error"),
                duration_ms=attempt["durationMs"],
            )
            for attempt in row.attempts
        ],
        next_attempt_at=row.next_attempt_at if row.status == "pending" else None,
    )
