"""Does in one go what concurrent callers ask for one by one.

A database commit or a round trip costs about the same for one row as for fifty. The first caller is
served at once; whoever asks while that is under way is served together in the next go, so a lone
caller waits for nobody.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Generic, TypeVar

from core.fair_limiter import FairQueue

Item = TypeVar("Item")
Result = TypeVar("Result")


class Batcher(Generic[Item, Result]):
    """Calls ``work`` with items in the order they were asked for, one batch at a time.

    Where more wait than a batch takes, owners (``owner_of`` an item: its workspace) take turns.
    ``work`` returns a result per item. When a batch fails, its items are tried one by one, so that
    only those at fault raise. Make it inside the event loop that uses it.
    """

    def __init__(
        self,
        work: Callable[[Sequence[Item]], Awaitable[Sequence[Result]]],
        most: int = 100,
        owner_of: Callable[[Item], str] = lambda _: "",
    ) -> None:
        self._work, self._most, self._owner_of = work, most, owner_of
        self._waiting: FairQueue[tuple[Item, asyncio.Future[Result]]] = FairQueue()
        self._worker: asyncio.Task[None] | None = None

    async def ask(self, item: Item) -> Result:
        """Return the result for an item; raises what ``work`` raises for it."""
        return await self.put(item)

    def put(self, item: Item) -> asyncio.Future[Result]:
        """Ask for an item, after those before it, and wait for its result later."""
        future: asyncio.Future[Result] = asyncio.get_running_loop().create_future()
        self._waiting.put(self._owner_of(item), (item, future))
        if self._worker is None or self._worker.done():
            self._worker = asyncio.create_task(self._drain())
        return future

    async def _drain(self) -> None:
        while self._waiting:
            batch = self._waiting.pop_many(self._most)
            outcome = await self._try([item for item, _ in batch])
            if isinstance(outcome, BaseException) and len(batch) > 1:
                for item, future in batch:
                    _settle([future], await self._try([item]))
            else:
                _settle([future for _, future in batch], outcome)

    async def _try(self, items: Sequence[Item]) -> Sequence[Result] | BaseException:
        try:
            return await self._work(items)
        except BaseException as error:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise  # the loop ends
            return error  # raised again where the result is awaited


def _settle(
    futures: Sequence[asyncio.Future[Result]], outcome: Sequence[Result] | BaseException
) -> None:
    """Tell callers their results, or what was raised; a caller may have been cancelled."""
    for number, future in enumerate(futures):
        if future.done():
            continue
        if isinstance(outcome, BaseException):
            future.set_exception(outcome)
        else:
            future.set_result(outcome[number])
