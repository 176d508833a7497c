"""Lets work begin a few at a time, in the order it came, without holding up what takes long.

Side by side, the first of many would be done about as late as the last, and whoever comes anew
would wait for a share of all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Beginnings:
    """At most ``most`` have a beginning at a time; it lasts ``seconds``, or less where all is done
    by then. Make it inside the event loop that uses it."""

    def __init__(self, most: int, seconds: float) -> None:
        self._free = asyncio.Semaphore(most)
        self._seconds = seconds

    @asynccontextmanager
    async def one(self) -> AsyncIterator[None]:
        """Wait for a beginning, and do the work inside."""
        await self._free.acquire()
        is_over = False

        def end() -> None:
            nonlocal is_over
            if not is_over:
                is_over = True
                self._free.release()

        timer = asyncio.get_running_loop().call_later(self._seconds, end)
        try:
            yield
        finally:
            timer.cancel()
            end()
