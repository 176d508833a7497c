from __future__ import annotations

import asyncio

import pytest

from core.beginnings import Beginnings


async def test_so_many_begin_at_a_time_in_the_order_they_came() -> None:
    beginnings, seen, may_end = Beginnings(2, seconds=60), [], asyncio.Event()

    async def work(number: int) -> None:
        async with beginnings.one("workspace"):
            seen.append(number)
            await may_end.wait()

    tasks = [asyncio.create_task(work(number)) for number in range(4)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert seen == [0, 1]
    may_end.set()
    await asyncio.gather(*tasks)
    assert seen == [0, 1, 2, 3]


async def test_what_takes_long_holds_nobody_up() -> None:
    beginnings, forever = Beginnings(1, seconds=0.01), asyncio.Event()

    async def work() -> None:
        async with beginnings.one("workspace"):
            await forever.wait()

    stuck = asyncio.create_task(work())
    await asyncio.sleep(0)
    async with asyncio.timeout(5), beginnings.one("workspace"):
        assert not stuck.done()
    stuck.cancel()
    await asyncio.gather(stuck, return_exceptions=True)
    # Its beginning was given back once, not twice.
    async with asyncio.timeout(5), beginnings.one("workspace"):
        pass


async def test_what_fails_gives_its_beginning_back() -> None:
    beginnings = Beginnings(1, seconds=60)
    with pytest.raises(ValueError, match="no"):
        async with beginnings.one("workspace"):
            raise ValueError("no")
    async with asyncio.timeout(5), beginnings.one("workspace"):
        pass
