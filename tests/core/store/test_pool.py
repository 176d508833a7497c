"""Connections on a real server: which is given out, and who gets one first."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util import greenlet_spawn

from core.store.pool import LastUsedFirst, WarmPool
from core.store.unit import async_url

Open = Callable[..., AsyncEngine]


@pytest.fixture
async def open_engine(database_url: str) -> AsyncIterator[Open]:
    opened: list[AsyncEngine] = []

    def new(size: int, timeout: float = 30) -> AsyncEngine:
        url = async_url(database_url)
        engine = create_async_engine(
            url, poolclass=WarmPool, pool_size=size, max_overflow=0, pool_timeout=timeout
        )
        opened.append(engine)
        return engine

    yield new
    for engine in opened:
        await engine.dispose()


async def _process(connection: AsyncConnection) -> int:
    return int((await connection.exec_driver_sql("SELECT pg_backend_pid()")).scalar_one())


async def _waiting(engine: AsyncEngine, do: Callable[[], Awaitable[None]]) -> asyncio.Task[None]:
    """Begin to wait for a connection, and say so only when the wait has begun."""

    async def wait() -> None:
        async with engine.connect():
            await do()

    task = asyncio.create_task(wait())
    await asyncio.sleep(0.05)
    assert not task.done()
    return task


async def test_the_connection_used_last_is_given_out_first(open_engine: Open) -> None:
    engine = open_engine(3)
    async with engine.connect() as first, engine.connect() as second:
        seen = [await _process(first), await _process(second)]
    async with engine.connect() as one:  # `first` was given back after `second`
        assert await _process(one) == seen[0]
        async with engine.connect() as other:
            assert await _process(other) == seen[1]


async def test_who_waits_is_served_before_who_comes_later(open_engine: Open) -> None:
    engine, served = open_engine(1), []

    def told(name: str) -> Callable[[], Awaitable[None]]:
        async def tell() -> None:
            served.append(name)

        return tell

    async with engine.connect():
        waiting = [await _waiting(engine, told(name)) for name in ("first", "second")]
    async with engine.connect():  # asked for at once, before those who wait could run
        served.append("late")
    await asyncio.gather(*waiting)
    assert served == ["first", "second", "late"]


async def test_a_wait_that_takes_too_long_says_so_and_takes_nothing(open_engine: Open) -> None:
    engine = open_engine(1, 0.1)
    async with engine.connect() as held:
        with pytest.raises(NoConnectionFree):
            await engine.connect()
        seen = await _process(held)
    async with engine.connect() as after:
        assert await _process(after) == seen


@pytest.mark.parametrize("is_given_first", [False, True])
async def test_one_who_is_cancelled_keeps_no_connection(is_given_first: bool) -> None:
    queue, connection = LastUsedFirst(1), cast(ConnectionPoolEntry, object())
    cancelled, next_one = (
        asyncio.create_task(greenlet_spawn(queue.get, True, 5)) for _ in range(2)
    )
    await asyncio.sleep(0)  # both wait
    if is_given_first:
        queue.put(connection)
    cancelled.cancel()
    if not is_given_first:
        queue.put(connection)
    with pytest.raises(asyncio.CancelledError):
        await cancelled
    assert await next_one is connection
