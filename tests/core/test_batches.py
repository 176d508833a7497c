from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from core.batches import Batcher


class _Work:
    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.gate = asyncio.Event()

    async def __call__(self, items: Sequence[int]) -> list[int]:
        self.batches.append(list(items))
        await self.gate.wait()
        if 13 in items:
            raise ValueError("unlucky")
        return [item * 2 for item in items]


async def test_a_lone_item_waits_for_nobody_and_those_meanwhile_go_together() -> None:
    work = _Work()
    batcher = Batcher(work)
    first = asyncio.create_task(batcher.ask(1))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    others = [asyncio.create_task(batcher.ask(n)) for n in (2, 3, 4)]
    await asyncio.sleep(0)
    work.gate.set()
    assert [await first, *[await other for other in others]] == [2, 4, 6, 8]
    assert work.batches == [[1], [2, 3, 4]]


async def test_only_the_item_at_fault_raises() -> None:
    work = _Work()
    work.gate.set()
    batcher = Batcher(work)
    results = await asyncio.gather(*map(batcher.ask, (1, 13, 2)), return_exceptions=True)
    assert results[0] == 2
    assert isinstance(results[1], ValueError)
    assert results[2] == 4


async def test_a_caller_that_gives_up_disturbs_no_other() -> None:
    work = _Work()
    batcher = Batcher(work)
    gone = asyncio.create_task(batcher.ask(1))
    kept = asyncio.create_task(batcher.ask(2))
    await asyncio.sleep(0)
    gone.cancel()
    work.gate.set()
    assert await kept == 4
    with pytest.raises(asyncio.CancelledError):
        await gone


async def test_batches_are_bounded_and_in_order() -> None:
    work = _Work()
    work.gate.set()
    batcher = Batcher(work, most=2)
    assert await asyncio.gather(*map(batcher.ask, range(5))) == [0, 2, 4, 6, 8]
    assert [item for batch in work.batches for item in batch] == [0, 1, 2, 3, 4]
    assert max(map(len, work.batches)) == 2
