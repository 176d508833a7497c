"""Slots of a parser, shared fairly between workspaces."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Generic, TypeVar

T = TypeVar("T")


class ParserSlots(Generic[T]):
    """Lends each of ``slots`` to one caller at a time: in turn to the workspaces that wait.

    A workspace holds half of them at most, so that others find one free.
    """

    def __init__(self, slots: list[T]) -> None:
        self._free = deque(slots)
        self._most = max(1, len(slots) // 2)
        self._held: Counter[str] = Counter()
        self._waiting: OrderedDict[str, deque[asyncio.Future[T]]] = OrderedDict()

    @asynccontextmanager
    async def hold(self, workspace_id: str) -> AsyncIterator[T]:
        """Wait for a slot and hold it."""
        turn: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(workspace_id, deque()).append(turn)
        self._lend()
        try:
            slot = await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(workspace_id, turn.result())
            else:
                self._leave(workspace_id, turn)
            raise
        try:
            yield slot
        finally:
            self._give_back(workspace_id, slot)

    def _give_back(self, workspace_id: str, slot: T) -> None:
        self._held[workspace_id] -= 1
        self._free.appendleft(slot)  # the one that is warm is lent first
        self._lend()

    def _leave(self, workspace_id: str, turn: asyncio.Future[T]) -> None:
        turns = self._waiting.get(workspace_id, deque())
        if turn in turns:
            turns.remove(turn)
        if not turns:
            self._waiting.pop(workspace_id, None)

    def _lend(self) -> None:
        for workspace_id in self._next_workspaces():
            turns = self._waiting[workspace_id]
            turn = turns.popleft()
            if turns:
                self._waiting.move_to_end(workspace_id)
            else:
                del self._waiting[workspace_id]
            if not turn.done():
                self._held[workspace_id] += 1
                turn.set_result(self._free.popleft())

    def _next_workspaces(self) -> Iterator[str]:
        while self._free:
            allowed = (w for w in self._waiting if self._held[w] < self._most)
            if (workspace_id := next(allowed, None)) is None:
                return
            yield workspace_id
