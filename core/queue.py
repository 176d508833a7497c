"""The way jobs leave: a task only wakes a worker, which claims the next row itself."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from typing import Final, Literal

from celery import Celery
from kombu.exceptions import OperationalError

from core.batches import Batcher
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


# Who adds documents by the hundred is held up no more than this, and all who wait share a wake.
_BETWEEN_WAKES_SECONDS: Final = 0.02


class Queue:
    """Wakes workers; publishing blocks, so it happens off the event loop.

    Whoever is woken for a document takes all that wait, so that documents that are added together
    need one wake, after the last of them was committed.
    """

    def __init__(self, celery: Celery) -> None:
        self._celery = celery
        self._documents: Batcher[str, ServiceUnavailable | None] = Batcher(self._wake_for_all)
        self._woken = 0.0  # when, by the monotonic clock

    async def wake(self, kind: Kind, row_id: str = "") -> None:
        """Tell a worker of a kind that a row waits; the id is a hint and may be stale.

        Raises ``ServiceUnavailable`` when the broker does not take it; upkeep wakes again later.
        """
        if kind != "documents":
            await self._publish(kind, row_id)
        elif failed := await self._documents.ask(row_id):
            raise failed

    async def _wake_for_all(self, row_ids: Sequence[str]) -> list[ServiceUnavailable | None]:
        """Publish one wake for all; return for each what is to be raised."""
        rest = self._woken + _BETWEEN_WAKES_SECONDS - time.monotonic()
        if rest > 0:
            await asyncio.sleep(rest)
        failed = None
        try:
            await self._publish("documents", row_ids[-1])
        except ServiceUnavailable as error:
            failed = error
        self._woken = time.monotonic()
        return [failed] * len(row_ids)

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
