"""Slots of a parser, shared fairly between workspaces."""

from __future__ import annotations

from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

from core.fair_limiter import FairLimiter

T = TypeVar("T")


class ParserSlots(Generic[T]):
    """Lends each of ``slots`` to one caller at a time: in turn to the workspaces that wait.

    A workspace leaves half of them to others, so that these find one free.
    """

    def __init__(self, slots: list[T]) -> None:
        self._free = deque(slots)
        self._limiter = FairLimiter(len(slots), reserved=len(slots) // 2)

    @asynccontextmanager
    async def hold(self, workspace_id: str) -> AsyncIterator[T]:
        """Wait for a slot and hold it."""
        async with self._limiter.slot(workspace_id):
            slot = self._free.popleft()
            try:
                yield slot
            finally:
                self._free.appendleft(slot)  # the one that is warm is lent first
