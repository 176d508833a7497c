"""Packets as they come: one after the other, but for events that take long.

The library answers an event before it reads the socket's next packet, the client's sign of life
among them: a tool that runs for a minute would hold up all that the client sends, and end its
socket. So events that are marked as slow are done beside the others, a few at a time.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from typing import Final

import structlog

_MOST_BESIDE: Final = 4  # of one socket; who sends more waits

Take = Callable[[str, str | bytes], Awaitable[None]]

log = structlog.get_logger(__name__)


class Intake:
    """Gives packets to the library; ``slow``: names of events that take long."""

    def __init__(self, take: Take, slow: Collection[str]) -> None:
        names = "|".join(re.escape(name) for name in slow)
        self._take, self._is_slow = take, re.compile(rf'2\d*\["(?:{names})"') if slow else None
        self._beside: set[asyncio.Task[None]] = set()
        self._of: Counter[str] = Counter()

    async def take(self, eio_sid: str, packet: str | bytes) -> None:
        """Take one packet of a socket."""
        if self._may_be_beside(eio_sid, packet):
            task = asyncio.create_task(self._take_soundly(eio_sid, packet))
            self._of[eio_sid] += 1
            self._beside.add(task)
            task.add_done_callback(lambda done: self._end(eio_sid, done))
        else:
            await self._take_soundly(eio_sid, packet)

    async def close(self) -> None:
        """End what is still being done."""
        for task in self._beside:
            task.cancel()
        await asyncio.gather(*self._beside, return_exceptions=True)

    def _may_be_beside(self, eio_sid: str, packet: str | bytes) -> bool:
        if self._is_slow is None or not isinstance(packet, str):
            return False
        return self._of[eio_sid] < _MOST_BESIDE and self._is_slow.match(packet) is not None

    def _end(self, eio_sid: str, task: asyncio.Task[None]) -> None:
        self._beside.discard(task)
        self._of[eio_sid] -= 1
        if not self._of[eio_sid]:
            del self._of[eio_sid]

    async def _take_soundly(self, eio_sid: str, packet: str | bytes) -> None:
        """Have a packet that cannot be read told in a line; the library writes two traces."""
        try:
            await self._take(eio_sid, packet)
        except ValueError as error:
            log.warning("packet thrown away", sid=eio_sid, reason=str(error)[:200])
