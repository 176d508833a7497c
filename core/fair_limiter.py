"""Fair scheduling between tenants: a queue and a limiter of one process's slots.

Owners are workspaces. Within an owner it is first come, first served; owners take turns, so that
one with many requests waits for its own and not the others for it.
"""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Generic, TypeVar

from core.errors import TimedOut

Item = TypeVar("Item")


class QueueTimedOut(TimedOut):
    """The caller's own time ran out while it waited for a slot."""

    def __init__(self) -> None:
        super().__init__(
            "No slot became free within the time limit; try again later or raise the limit.",
            {"reason": "queue"},
        )


class FairQueue(Generic[Item]):
    """Items in the order of `pop`: of the owner whose last turn is longest ago, oldest first."""

    def __init__(self) -> None:
        self._items: OrderedDict[str, deque[Item]] = OrderedDict()
        self._size = 0

    def __len__(self) -> int:
        return self._size

    def has_other(self, owner: str) -> bool:
        """Whether items of another owner wait."""
        return len(self._items) > (owner in self._items)

    def put(self, owner: str, item: Item) -> None:
        """Add an item behind those of its owner."""
        self._items.setdefault(owner, deque()).append(item)
        self._size += 1

    def pop(self, is_eligible: Callable[[str], bool] = lambda _: True) -> tuple[str, Item] | None:
        """Remove and return the next item of an eligible owner; None if there is none."""
        owner = next(filter(is_eligible, self._items), None)
        if owner is None:
            return None
        item = self._items[owner].popleft()
        self._size -= 1
        if self._items[owner]:
            self._items.move_to_end(owner)
        else:
            del self._items[owner]
        return owner, item

    def pop_many(self, limit: int) -> list[Item]:
        """Remove and return the next items, at most `limit`."""
        items: list[Item] = []
        while len(items) < limit and (turn := self.pop()):
            items.append(turn[1])
        return items

    def remove(self, owner: str, item: Item) -> None:
        """Remove an item; raise `ValueError` if it does not wait."""
        items = self._items.get(owner, deque())
        items.remove(item)
        self._size -= 1
        if not items:
            del self._items[owner]


class Slot:
    """A slot that its holder may release early; releasing it twice is no error."""

    def __init__(self, release: Callable[[], None]) -> None:
        self._release: Callable[[], None] | None = release

    def release(self) -> None:
        """Give the slot to the next caller."""
        release, self._release = self._release, None
        if release is not None:
            release()


class FairLimiter:
    """Concurrency limiter that owners share fairly, for one process and event loop.

    While others wait, an owner gets no slot beyond half of them, unless all who wait hold as many.
    `reserved` slots go only to owners that hold none: the long work of one owner then never makes
    the first request of another wait.
    """

    def __init__(self, slots: int, *, reserved: int = 0) -> None:
        if not 0 <= reserved < slots:
            raise ValueError("reserved must be less than slots")
        self._slots, self._reserved = slots, reserved
        self._share = max(1, slots // 2)
        self._held: Counter[str] = Counter()
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue()

    @property
    def waiting(self) -> int:
        """How many callers wait."""
        return len(self._queue)

    @property
    def in_use(self) -> int:
        """How many slots are held."""
        return self._held.total()

    def count_held(self, owner: str) -> int:
        """Return how many slots an owner holds."""
        return self._held[owner]

    @asynccontextmanager
    async def slot(self, owner: str, wait_seconds: float | None = None) -> AsyncIterator[Slot]:
        """Wait for a slot and hold it inside, or until it is released.

        Raises `QueueTimedOut` after `wait_seconds`.
        """
        slot = await self.acquire(owner, wait_seconds)
        try:
            yield slot
        finally:
            slot.release()

    async def acquire(self, owner: str, wait_seconds: float | None = None) -> Slot:
        """Wait for a slot, as `slot` does; the caller is to release it."""
        await self._wait(owner, wait_seconds)
        return Slot(lambda: self._release(owner))

    async def _wait(self, owner: str, wait_seconds: float | None) -> None:
        granted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._queue.put(owner, granted)
        self._grant()
        if granted.done():
            return
        try:
            async with asyncio.timeout(wait_seconds):
                await granted
        except BaseException as error:
            if granted.done() and not granted.cancelled():
                self._release(owner)  # granted in the same moment
            else:
                with suppress(ValueError):  # popped meanwhile
                    self._queue.remove(owner, granted)
                self._grant()  # others may gain from it: this owner no longer waits
            if isinstance(error, TimeoutError):
                raise QueueTimedOut from None
            raise

    def _release(self, owner: str) -> None:
        self._held[owner] -= 1
        if not self._held[owner]:
            del self._held[owner]
        self._grant()

    def _grant(self) -> None:
        """Give free slots to those who wait."""
        while self.in_use < self._slots:
            turn = self._queue.pop(self._has_fair_claim) or self._queue.pop(self._may_hold_more)
            if turn is None:
                return
            owner, granted = turn
            if not granted.done():
                self._held[owner] += 1
                granted.set_result(None)

    def _has_fair_claim(self, owner: str) -> bool:
        within_share = self._held[owner] < self._share or not self._queue.has_other(owner)
        return within_share and self._may_hold_more(owner)

    def _may_hold_more(self, owner: str) -> bool:
        free = self._slots - self.in_use
        return free > self._reserved or owner not in self._held
