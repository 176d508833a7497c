"""What is told here and what Redis says are one log: each event once, in order, whoever writes."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Any

import pytest

from core import events as event_logs
from core.events import Event, EventLogs
from core.own_logs import OwnLogs
from core.services import Services


async def _first(events: AsyncIterator[Event | None], count: int) -> list[Event]:
    found: list[Event] = []
    async for event in events:
        if event is not None:
            found.append(event)
        if len(found) == count:
            break
    return found


def _numbers(events: list[Event]) -> list[tuple[int, Any]]:
    return [(event.number, event.data["i"]) for event in events]


async def test_a_reader_beside_the_writer_asks_redis_once(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, asked = services.events, 0
    read = EventLogs.read

    async def counted(
        self: EventLogs, log: str, after: int, wait_seconds: float = 0
    ) -> list[Event]:
        nonlocal asked
        asked += 1
        return await read(self, log, after, wait_seconds)

    monkeypatch.setattr(EventLogs, "read", counted)
    with events.writing("turn:own"):
        await events.append("turn:own", {"i": 1})
        reader = asyncio.create_task(_first(events.follow("turn:own"), 20))
        for i in range(2, 21):
            await asyncio.sleep(0.005)
            await events.append("turn:own", {"i": i})
        assert _numbers(await reader) == [(i, i) for i in range(1, 21)]
    assert asked == 1  # for what was there before the reader


async def test_a_reader_goes_on_in_redis_when_the_log_is_written_here_no_more(
    services: Services,
) -> None:
    events, elsewhere = services.events, EventLogs(services.redis)
    reader = asyncio.create_task(_first(events.follow("turn:left"), 3))
    with events.writing("turn:left"):
        await events.append("turn:left", {"i": 1})
        await asyncio.sleep(0.05)
        await events.append("turn:left", {"i": 2})
        await asyncio.sleep(0.05)
    await elsewhere.append("turn:left", {"i": 3})
    async with asyncio.timeout(2):  # it waits in Redis, and not for its next look
        assert _numbers(await reader) == [(1, 1), (2, 2), (3, 3)]


async def test_what_others_write_all_the_same_is_seen_in_its_place(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    events, elsewhere = services.events, EventLogs(services.redis)
    with events.writing("turn:both"):
        reader = asyncio.create_task(_first(events.follow("turn:both"), 3))
        await events.append("turn:both", {"i": 1})
        await asyncio.sleep(0.05)
        await elsewhere.append("turn:both", {"i": 2})
        await events.append("turn:both", {"i": 3})  # tells of a gap
        async with asyncio.timeout(1):
            assert _numbers(await reader) == [(1, 1), (2, 2), (3, 3)]
        monkeypatch.setattr(event_logs, "_LOOK_SECONDS", 0.05)
        last = asyncio.create_task(_first(events.follow("turn:both", after=3), 1))
        await asyncio.sleep(0.01)
        await elsewhere.append("turn:both", {"i": 4})  # nobody tells of it
        async with asyncio.timeout(1):
            assert _numbers(await last) == [(4, 4)]


async def test_a_quiet_log_that_is_written_here_yields_keepalives(services: Services) -> None:
    with services.events.writing("turn:still"):
        async with aclosing(services.events.follow("turn:still", keepalive_seconds=0.05)) as told:
            assert await anext(told) is None
            await services.events.append("turn:still", {"i": 1})
            assert await anext(told) == Event(1, {"i": 1})


@pytest.mark.parametrize("seed", range(8))
async def test_each_reader_has_each_event_once_and_in_order(services: Services, seed: int) -> None:
    """Writers here and elsewhere, and readers that come whenever and begin wherever."""
    chance, log, count = random.Random(seed), f"turn:mixed-{seed}", 40
    events, elsewhere = services.events, EventLogs(services.redis)

    async def write() -> None:
        here = 0
        while here < count:
            with events.writing(log):
                for _ in range(chance.randint(1, 8)):
                    writer = elsewhere if chance.random() < 0.15 else events
                    here = await writer.append(log, {"i": 0})
                    await asyncio.sleep(chance.choice([0, 0, 0.002]))
            await asyncio.sleep(0)

    async def read() -> None:
        await asyncio.sleep(chance.random() * 0.05)
        after = chance.randint(0, 5)
        found = await _first(events.follow(log, after), count - after)
        assert [event.number for event in found] == list(range(after + 1, count + 1))

    async with asyncio.timeout(20):
        await asyncio.gather(write(), *(read() for _ in range(6)))


def test_nothing_is_kept_of_readers_that_left() -> None:
    own = OwnLogs()
    with own.written("turn:a"), own.read("turn:a") as reader:
        own.tell("turn:a", 1, ['{"i": 1}'])
        assert reader.take(0) == [Event(1, {"i": 1})]
        assert reader.take(0) == []
    assert not own._readers
    assert not own.is_written("turn:a")
