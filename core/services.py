"""What a process holds open: made after fork, once a process and event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from redis.asyncio import Redis

from core import tracing
from core.beginnings import Beginnings
from core.blobs import Blobs, open_blobs
from core.config import Settings
from core.errors import NuxaError
from core.events import EventLogs
from core.fair_limiter import FairLimiter
from core.http import HttpClient
from core.queue import Queue, make_celery
from core.sandbox.pool import Sandbox
from core.security import Sealer, load_or_make_key
from core.slots import Slots
from core.store.unit import Store, open_store

_RETRIEVALS = 2  # a few, so that one waits for the database while another computes
_BEGINNINGS = 4
_BEGINNING_SECONDS = 0.05  # about what the processor needs for four short runs
_REDIS_CONNECTIONS = 10_000  # as many as the server admits: each open stream waits on one
_REDIS_SECONDS = 30.0  # readers of logs wait 10 s for an event; the client's own limit is 5 s


class NotConfigured(NuxaError):
    """A server's address is missing."""


@dataclass(frozen=True)
class Services:
    """The process's doors to all that is outside it, and the settings they were made from.

    ``retrievals`` limits how many chats search at once: side by side, the first of many would be
    answered as late as the last; ``beginnings`` does so for runs whose callers wait.
    """

    settings: Settings
    store: Store
    redis: Redis
    events: EventLogs
    queue: Queue
    blobs: Blobs
    sealer: Sealer
    http: HttpClient
    sandbox: Sandbox
    slots: Slots
    retrievals: FairLimiter
    beginnings: Beginnings


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open the process's services; raises :class:`NotConfigured` without server addresses.

    ``python -m api run`` starts the embedded servers and passes their addresses on.
    """
    if not settings.database_url or not settings.redis_url:
        raise NotConfigured(
            "Set NUXA_DATABASE_URL and NUXA_REDIS_URL, or start with `make run`, which brings both."
        )
    tracing.start(settings)
    store = open_store(settings.database_url, settings)
    redis = _open_redis(settings.redis_url)
    http = HttpClient(settings)
    sandbox = Sandbox(settings)
    celery = make_celery(settings.broker_url or settings.redis_url)
    try:
        yield Services(
            settings=settings,
            store=store,
            redis=redis,
            events=EventLogs(redis),
            queue=Queue(celery),
            blobs=open_blobs(settings),
            sealer=Sealer(seal_keys(settings)),
            http=http,
            sandbox=sandbox,
            slots=Slots(redis, settings.lease_seconds),
            retrievals=FairLimiter(_RETRIEVALS),
            beginnings=Beginnings(_BEGINNINGS, _BEGINNING_SECONDS),
        )
    finally:
        await sandbox.close()
        await http.close()
        await redis.aclose()
        await store.close()
        await asyncio.to_thread(tracing.stop)


def _open_redis(url: str) -> Redis:
    return Redis.from_url(
        url,
        max_connections=_REDIS_CONNECTIONS,
        health_check_interval=30,
        socket_timeout=_REDIS_SECONDS,
    )


def seal_keys(settings: Settings) -> list[str]:
    """Return the keys of sealed values: the first seals, all open."""
    given = settings.secret_key
    text = given.get_secret_value() if given else load_or_make_key(settings.data_dir / "secret.key")
    return text.replace(",", " ").split()
