from __future__ import annotations

import asyncio

from core.events import Event
from core.services import Services


async def test_numbers_count_from_one_without_gaps_under_many_writers(services: Services) -> None:
    numbers = await asyncio.gather(*(services.events.append("run:a", {"i": i}) for i in range(50)))
    assert sorted(numbers) == list(range(1, 51))
    events = await services.events.read("run:a", after=0)
    assert [event.number for event in events] == list(range(1, 51))


async def test_nothing_comes_after_the_last_event(services: Services) -> None:
    events = services.events
    numbers = await asyncio.gather(
        events.append("run:e", {"i": 1}),
        events.append("run:e", {"i": 2}, is_last=True),
        events.append("run:e", {"i": 3}),
        events.append("run:f", {"i": 1}),
    )
    assert numbers == [1, 2, 0, 1]
    assert await events.append("run:e", {"i": 4}) == 0
    assert not await events.append_after("run:e", 2, {"i": 5})
    assert [event.number for event in await events.read("run:e", after=0)] == [1, 2]
    assert await events.append("run:f", {"i": 2}) == 2


async def test_reading_resumes_after_a_number(services: Services) -> None:
    for i in range(3):
        await services.events.append("turn:a", {"i": i})
    assert await services.events.read("turn:a", after=1) == [
        Event(2, {"i": 1}),
        Event(3, {"i": 2}),
    ]
    assert await services.events.read("turn:a", after=3) == []


async def test_a_follower_waits_and_gets_what_is_written_later(services: Services) -> None:
    async def first_two() -> list[Event]:
        found = []
        async for event in services.events.follow("turn:b", keepalive_seconds=5):
            if event is not None:
                found.append(event)
            if len(found) == 2:
                break
        return found

    reader = asyncio.create_task(first_two())
    await asyncio.sleep(0)
    await services.events.append("turn:b", {"text": "é"})
    await services.events.append("turn:b", {"text": "b"})
    assert [event.data["text"] for event in await reader] == ["é", "b"]


async def test_a_quiet_log_yields_keepalives(services: Services) -> None:
    async for event in services.events.follow("turn:quiet", keepalive_seconds=0.05):
        assert event is None
        break


async def test_logs_do_not_mix(services: Services) -> None:
    await services.events.append("turn:x", {"i": 1})
    assert await services.events.read("turn:y", after=0) == []
    assert await services.events.exists("turn:x")
    assert not await services.events.exists("turn:y")


async def test_a_reader_outwaits_the_clients_own_limit(services: Services) -> None:
    """redis-py ends any read after 5 s unless told otherwise; a quiet log is no failure."""
    assert await services.events.read("turn:silent", after=0, wait_seconds=5.5) == []


async def test_of_many_who_complete_a_log_one_writes(services: Services) -> None:
    events = services.events
    assert not await events.append_after("turn:cut", 1, {"i": 0})
    assert await events.append_after("turn:cut", 0, {"i": 1})
    tries = [events.append_after("turn:cut", 1, {"i": 2, "by": n}) for n in range(5)]
    assert sum(await asyncio.gather(*tries)) == 1
    assert await events.append("turn:cut", {"i": 3}) == 3
    assert [event.data["i"] for event in await events.read("turn:cut", 0)] == [1, 2, 3]
    second = await events.at("turn:cut", 2)
    assert second is not None
    assert second.data["i"] == 2
    assert await events.at("turn:cut", 4) is await events.at("turn:cut", 0) is None


async def test_what_is_put_arrives_in_order_without_being_waited_for(services: Services) -> None:
    logs = ("run:a", "run:b")
    put = [services.events.put(log, {"i": i}) for i in range(30) for log in logs]
    assert await asyncio.gather(*put) == [i for i in range(1, 31) for _ in logs]
    for log in logs:
        events = await services.events.read(log, after=0)
        assert [(e.number, e.data["i"]) for e in events] == [(i + 1, i) for i in range(30)]


async def test_several_hundred_wait_at_once_each_for_a_log_of_its_own(services: Services) -> None:
    async def first(log: str) -> Event | None:
        async for event in services.events.follow(log, keepalive_seconds=30):
            return event
        return None

    waiting = [asyncio.create_task(first(f"turn:{number}")) for number in range(300)]
    await asyncio.sleep(0.5)  # all wait, on a connection each
    for number in range(300):
        await services.events.append(f"turn:{number}", {"i": number})
    assert await asyncio.gather(*waiting) == [Event(1, {"i": number}) for number in range(300)]
