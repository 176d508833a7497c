from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from api import reauthorization
from api.reauthorization import stream_while_allowed, wait_while_allowed
from core.errors import Conflict, NotFound, ServiceUnavailable


class Rights:
    """Rights that can end, and a count of how often they were checked."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.checks = error, 0

    async def check(self) -> None:
        self.checks += 1
        if self.error is not None:
            raise self.error


class Source:
    """A stream of numbers that knows whether it was closed."""

    def __init__(self, error: Exception | None = None) -> None:
        self.error, self.is_closed = error, False

    async def items(self, count: int) -> AsyncIterator[int]:
        try:
            for number in range(count):
                yield number
            if self.error is not None:
                raise self.error
            await asyncio.sleep(3600)
        finally:
            self.is_closed = True


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reauthorization, "RECHECK_SECONDS", 0.01)


async def test_stream_while_allowed_with_failing_source_raises_after_its_items() -> None:
    told = []
    with pytest.raises(Conflict):
        async for number in stream_while_allowed(Rights().check, Source(Conflict("x")).items(3)):
            told.append(number)
    assert told == [0, 1, 2]


async def test_stream_while_allowed_with_ended_rights_closes_the_source() -> None:
    source, rights = Source(), Rights(NotFound("gone"))
    told = [number async for number in stream_while_allowed(rights.check, source.items(2))]
    assert (told, source.is_closed, rights.checks) == ([0, 1], True, 1)


async def test_stream_while_allowed_with_busy_source_checks_too() -> None:
    async def endless() -> AsyncIterator[int]:
        while True:
            yield 1

    rights = Rights()
    async with asyncio.timeout(30):
        async for _ in stream_while_allowed(rights.check, endless()):
            if rights.checks == 3:
                rights.error = NotFound("gone")
    assert rights.checks == 4


async def test_stream_while_allowed_while_the_database_is_away_goes_on() -> None:
    rights = Rights(ServiceUnavailable("away"))
    numbers = stream_while_allowed(rights.check, Source().items(1))
    assert await anext(numbers) == 0
    waiting = asyncio.create_task(anext(numbers, None))
    async with asyncio.timeout(30):
        while rights.checks < 3:
            await asyncio.sleep(0.005)
        assert not waiting.done()
        rights.error = NotFound("gone")
        assert await waiting is None


async def test_wait_while_allowed_with_ended_rights_cancels_the_work() -> None:
    work = asyncio.create_task(asyncio.sleep(3600))
    with pytest.raises(NotFound):
        await wait_while_allowed(Rights(NotFound("gone")).check, work)
    assert work.cancelled()


async def test_wait_while_allowed_returns_and_raises_what_the_work_does() -> None:
    async def timed_out() -> None:
        raise TimeoutError

    assert await wait_while_allowed(Rights().check, asyncio.sleep(0.05, 7)) == 7
    with pytest.raises(TimeoutError):
        await wait_while_allowed(Rights().check, timed_out())
