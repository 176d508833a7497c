"""A pool that gives out the connection used last, and serves those who wait by workspaces in turn.

The server keeps plans and memory for each connection: the one used last is the quickest, and the
fewer are used, the sooner each is warm. SQLAlchemy's own ``pool_use_lifo`` lets whoever comes take
what was just returned, before the one who was woken for it: with more callers than connections
some starve.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from contextvars import ContextVar
from typing import Final

from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry
from sqlalchemy.util import await_only
from sqlalchemy.util.queue import Empty, QueueCommon

from core.fair_limiter import FairQueue

# The workspace that the task works for; SQLAlchemy's pool is told nothing of who asks.
pool_owner: Final[ContextVar[str]] = ContextVar("pool_owner", default="")


class LastUsedFirst(QueueCommon[ConnectionPoolEntry]):
    """Idle connections, the last returned on top; one returned goes to the workspace next in turn.

    It holds no more than the pool opens, so that it is never full.
    """

    def __init__(self, maxsize: int = 0, use_lifo: bool = True) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._idle: list[ConnectionPoolEntry] = []
        self._waiting: FairQueue[asyncio.Future[ConnectionPoolEntry]] = FairQueue()

    def empty(self) -> bool:
        return not self._idle

    def full(self) -> bool:
        return False

    def qsize(self) -> int:
        return len(self._idle)

    def put(  # it is never full, so that there is nothing to wait for
        self,
        item: ConnectionPoolEntry,
        block: bool = True,  # noqa: ARG002
        timeout: float | None = None,  # noqa: ARG002
    ) -> None:
        self.put_nowait(item)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        while turn := self._waiting.pop():
            _, waiter = turn
            if not waiter.done():
                waiter.set_result(item)
                return
        self._idle.append(item)

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """Raises ``Empty`` where none is idle, or none was returned within ``timeout`` seconds."""
        if self._idle or not block:
            return self.get_nowait()
        return await_only(self._next(timeout))

    def get_nowait(self) -> ConnectionPoolEntry:
        if not self._idle:
            raise Empty
        return self._idle.pop()

    async def _next(self, seconds: float | None) -> ConnectionPoolEntry:
        waiter: asyncio.Future[ConnectionPoolEntry] = asyncio.get_running_loop().create_future()
        owner = pool_owner.get()
        self._waiting.put(owner, waiter)
        try:
            async with asyncio.timeout(seconds):
                return await waiter
        except (TimeoutError, asyncio.CancelledError) as error:
            with suppress(ValueError):  # it was its turn in the same moment
                self._waiting.remove(owner, waiter)
            if waiter.done() and not waiter.cancelled():
                self.put_nowait(waiter.result())  # it came with the end of waiting: to the next
            if isinstance(error, TimeoutError):
                raise Empty from error
            raise


class WarmPool(AsyncAdaptedQueuePool):
    """SQLAlchemy's pool, with connections kept in :class:`LastUsedFirst`."""

    _queue_class = LastUsedFirst
