"""The way jobs leave: a task only wakes a worker, which claims the next row itself."""

from __future__ import annotations

import asyncio
import math
import time
from typing import Final, Literal

import structlog
from celery import Celery
from kombu.exceptions import OperationalError

from core.errors import ServiceUnavailable

Kind = Literal["documents", "executions"]

# Above the longest task, since Redis redelivers whatever is older; leases find the dead sooner.
VISIBILITY_SECONDS: Final = 6 * 3600


def make_celery(broker_url: str) -> Celery:
    """Return the Celery application that API and workers share."""
    app = Celery("nuxa", broker=broker_url)
    app.conf.update(
        task_ignore_result=True,
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        task_default_queue="executions",
        task_routes={
            "documents.*": {"queue": "documents"},
            "executions.*": {"queue": "executions"},
        },
        broker_connection_retry_on_startup=True,
        broker_transport_options=_transport_options(broker_url),
        broker_connection_timeout=5,
        task_publish_retry_policy={"max_retries": 2, "interval_start": 0.1, "interval_max": 0.5},
    )
    return app


def _transport_options(broker_url: str) -> dict[str, object]:
    if not broker_url.startswith(("redis", "valkey")):
        return {}
    return {
        "visibility_timeout": VISIBILITY_SECONDS,
        "unacked_restore_interval": 1,
        "unacked_restore_throttle": 1,
    }


_BETWEEN_WAKES_SECONDS: Final = 0.1  # who is woken looks for as long, and finds what came since

_log = structlog.get_logger(__name__)


class Queue:
    """Wakes workers; publishing blocks, so it happens off the event loop.

    Whoever is woken for a document takes all that wait, so that documents that come one soon after
    the other need one wake more, after the last of them was committed; nobody waits for that.
    """

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._woken = -math.inf  # when, by the monotonic clock
        self._next: asyncio.Task[None] | None = None  # a wake that is still to come

    async def wake(self, kind: Kind, row_id: str = "") -> None:
        """Tell a worker of a kind that a row waits; the id is a hint and may be stale. Without one
        the wake is not shared: upkeep wakes as many workers as there are rows.

        Raises ``ServiceUnavailable`` when the broker does not take it; upkeep wakes again later.
        """
        if kind != "documents" or not row_id:
            await self._publish(kind, row_id)
        elif self._next is not None and not self._next.done():
            return  # its wake comes after this row, too
        elif (rest := self._woken + _BETWEEN_WAKES_SECONDS - time.monotonic()) > 0:
            self._next = asyncio.create_task(self._wake_later(rest, row_id))
        else:
            self._woken = time.monotonic()
            await self._publish(kind, row_id)

    async def _wake_later(self, seconds: float, row_id: str) -> None:
        await asyncio.sleep(seconds)
        self._next, self._woken = None, time.monotonic()  # who comes from here on needs another
        try:
            await self._publish("documents", row_id)
        except ServiceUnavailable as error:
            _log.warning("documents wait for upkeep to wake a worker", reason=error.message)

    async def _publish(self, kind: Kind, row_id: str) -> None:
        try:
            await asyncio.to_thread(self._celery.send_task, f"{kind}.wake", args=[row_id])
        except OperationalError as error:
            raise ServiceUnavailable(
                "The queue does not confirm the job; it waits until it is back."
            ) from error

    async def depth(self, kind: Kind) -> int:
        """Return how many wakes of a kind no worker has taken yet.

        Raises ``ServiceUnavailable`` when the broker does not say.
        """
        try:
            return await asyncio.to_thread(self._depth, kind)
        except OperationalError as error:
            raise ServiceUnavailable("The queue does not answer; try again soon.") from error

    def _depth(self, kind: Kind) -> int:
        with self._celery.connection_for_read() as connection:
            try:
                declared = connection.default_channel.queue_declare(kind, passive=True)
            except connection.channel_errors:
                return 0  # no worker and no wake yet
            count: int = declared.message_count
            return count
