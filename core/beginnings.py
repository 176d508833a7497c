"""Lets work begin a few at a time, by turns of workspaces, without holding up what takes long.

Side by side, the first of many would be done about as late as the last, and whoever comes anew
would wait for a share of all of them.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.fair_limiter import FairLimiter


class Beginnings:
    """At most ``most`` have a beginning at a time; it lasts ``seconds``, or less where all is done
    by then. Make it inside the event loop that uses it."""

    def __init__(self, most: int, seconds: float) -> None:
        self._slots = FairLimiter(most)
        self._seconds = seconds

    @asynccontextmanager
    async def one(self, workspace_id: str) -> AsyncIterator[None]:
        """Wait for a beginning, and do the work inside."""
        async with self._slots.slot(workspace_id) as slot:
            timer = asyncio.get_running_loop().call_later(self._seconds, slot.release)
            try:
                yield
            finally:
                timer.cancel()
