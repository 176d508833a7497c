"""Delivers events to subscriptions: leased, signed, retried, at least once."""

from __future__ import annotations

import asyncio
import json
import time
from datetime import UTC, datetime
from typing import Any, Final

import structlog

from core.errors import NuxaError, UpstreamError
from core.http import Outgoing
from core.services import Services
from core.store.event_subscriptions import AttemptOutcome, ClaimedDelivery
from core.webhook_signing import sign

_PER_SUBSCRIPTION: Final = 4
_BATCH: Final = 32
_SECONDS: Final = 10.0
_GONE: Final = 410
log = structlog.get_logger(__name__)


async def deliver_events(services: Services) -> None:
    """Attempt each delivery that is due, in batches; a crash leaves those leased for a minute."""
    while True:
        async with services.store.system() as unit:
            claimed = await unit.event_deliveries.claim(_PER_SUBSCRIPTION, _BATCH)
        if not claimed:
            return
        await asyncio.gather(*(_deliver(services, delivery) for delivery in claimed))


async def _deliver(services: Services, delivery: ClaimedDelivery) -> None:
    outcome = await _attempt(services, delivery)
    async with services.store.system() as unit:
        await unit.event_deliveries.finish(delivery, outcome)


async def _attempt(services: Services, delivery: ClaimedDelivery) -> AttemptOutcome:
    """Send a message once. The answer's body is never read: it is of no use to anybody."""
    started = time.time()
    record: dict[str, Any] = {"at": datetime.fromtimestamp(started, UTC).isoformat()}
    status: int | None = None
    try:
        async with services.http.stream(_build_call(services, delivery, int(started))) as answer:
            status = record["status"] = answer.status
    except UpstreamError as error:
        record["error"] = error.message
    except NuxaError as error:  # a secret that no key opens, an address that is refused
        log.warning("event_delivery_refused", delivery_id=delivery.id, code=error.code)
        record["error"] = error.message
    record["durationMs"] = round((time.time() - started) * 1000)
    is_delivered = status is not None and 200 <= status < 300
    if status is not None and not is_delivered:
        record["error"] = f"The endpoint answered {status}."
    return AttemptOutcome(record, is_delivered, status == _GONE)


def _build_call(services: Services, delivery: ClaimedDelivery, moment: int) -> Outgoing:
    message = {
        "type": delivery.event,
        "timestamp": delivery.created_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "data": delivery.data,
    }
    body = json.dumps(message, ensure_ascii=False, separators=(",", ":")).encode()
    secret = services.sealer.open(delivery.sealed_secret)
    headers = sign(body, [secret], delivery.id, moment)
    headers["Content-Type"] = "application/json"
    return Outgoing("POST", delivery.url, headers, body, seconds=_SECONDS, redirects=0)


async def forget_event_deliveries(services: Services) -> None:
    """Delete deliveries of more than seven days ago."""
    async with services.store.system() as unit:
        await unit.event_deliveries.purge()
