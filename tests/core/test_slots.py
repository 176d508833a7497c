"""Slots: never more than there are, given back, and never lost with a process."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from core.services import Services
from core.slots import Slot, Slots


@pytest.fixture
def slots(services: Services) -> Slots:
    return services.slots


async def test_there_are_never_more_than_there_are(services: Services) -> None:
    doors = [Slots(services.redis, 60) for _ in range(2)]
    asked = [doors[n % 2].take("ws_1", f"exec_{n}", 5) for n in range(20)]
    taken = await asyncio.gather(*asked)
    assert (taken.count(Slot.TAKEN), taken.count(Slot.NONE)) == (5, 15)
    assert await doors[0].take("ws_2", "exec_0", 5) is Slot.TAKEN


async def test_who_holds_one_is_not_given_another(slots: Slots) -> None:
    assert await slots.take("ws_1", "a", 1) is Slot.TAKEN
    assert await slots.take("ws_1", "a", 1) is Slot.HELD
    assert await slots.take("ws_1", "b", 1) is Slot.NONE


async def test_what_is_given_back_is_free(slots: Slots) -> None:
    await slots.take("ws_1", "a", 1)
    await slots.free("ws_1", "nobody")
    assert await slots.take("ws_1", "b", 1) is Slot.NONE
    await slots.free("ws_1", "a")
    assert await slots.take("ws_1", "b", 1) is Slot.TAKEN


async def test_a_slot_that_nobody_renews_runs_out(services: Services) -> None:
    crashed, other = Slots(services.redis, 0.05), Slots(services.redis, 60)
    await crashed.take("ws_1", "a", 2)
    await other.take("ws_1", "b", 2)
    while await other.take("ws_1", "c", 2) is Slot.NONE:
        await asyncio.sleep(0.01)
    assert await other.holders("ws_1") == {"b", "c"}


async def test_renewing_keeps_and_takes_back(services: Services) -> None:
    short, long = Slots(services.redis, 0.05), Slots(services.redis, 60)
    await short.take("ws_1", "a", 1)
    await long.renew("ws_1", "a")
    await long.renew_all([("ws_1", "b"), ("ws_2", "c")])
    assert await long.holders("ws_1") == {"a", "b"}
    assert await long.take("ws_1", "d", 2) is Slot.NONE
    assert await long.take("ws_2", "d", 1) is Slot.NONE


async def test_without_redis_a_renewal_ends_no_run() -> None:
    once = Retry(NoBackoff(), 0)
    async with Redis.from_url("redis://127.0.0.1:1", retry=once) as nowhere:
        await Slots(nowhere, 60).renew("ws_1", "a")
