"""The line before the model: one at a time, askers by turns, and no longer than it may be."""

from __future__ import annotations

import asyncio
from collections import OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class LineFull(Exception):
    """As many wait already as may."""


class Line:
    """Lets one in at a time. Who waits is let in by asker, round robin: whoever sends many at once
    waits for his own, not the others for him. Within an asker it is first come, first served."""

    def __init__(self, most_waiting: int) -> None:
        self._most = most_waiting
        self._waiting: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        self._is_taken = False

    @property
    def waiting(self) -> int:
        return sum(map(len, self._waiting.values()))

    @asynccontextmanager
    async def turn(self, asker: str) -> AsyncIterator[None]:
        """Wait for the asker's turn and hold it inside; raises ``LineFull`` at once."""
        await self._enter(asker)
        try:
            yield
        finally:
            self._next()

    async def _enter(self, asker: str) -> None:
        if not self._is_taken:
            self._is_taken = True
            return
        if self.waiting >= self._most:
            raise LineFull
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(asker, deque()).append(place)
        try:
            await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled():
                self._next()  # it was just let in
            else:
                self._leave(asker, place)
            raise

    def _leave(self, asker: str, place: asyncio.Future[None]) -> None:
        self._waiting[asker].remove(place)
        if not self._waiting[asker]:
            del self._waiting[asker]

    def _next(self) -> None:
        """Let the next in: of the asker whose last turn is longest ago."""
        if not self._waiting:
            self._is_taken = False
            return
        asker, places = self._waiting.popitem(last=False)
        place = places.popleft()
        if places:
            self._waiting[asker] = places  # behind the others
        place.set_result(None)
