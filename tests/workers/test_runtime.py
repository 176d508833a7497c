"""One loop a process, fed from any thread, closed in order, interrupted at the end."""

from __future__ import annotations

import asyncio
import concurrent.futures
import threading
from collections.abc import Iterator

import pytest

from core.config import Settings
from core.services import Services
from workers.runtime import Runtime


@pytest.fixture
def runtime(settings: Settings) -> Iterator[Runtime]:
    runtime = Runtime()
    yield runtime
    runtime.close()


def test_threads_share_one_loop_and_the_services(runtime: Runtime) -> None:
    meeting = threading.Barrier(4)

    async def work(services: Services) -> tuple[int, bool]:
        return id(asyncio.get_running_loop()), bool(await services.redis.ping())

    def task() -> tuple[int, bool]:
        meeting.wait()
        return runtime.run(work)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = [future.result() for future in [pool.submit(task) for _ in range(4)]]
    assert len(set(answers)) == 1
    assert answers[0][1]


def test_what_work_raises_reaches_its_caller(runtime: Runtime) -> None:
    async def work(_: Services) -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        runtime.run(work)


def test_an_interrupt_lets_work_put_its_row_back(runtime: Runtime) -> None:
    put_back, begun = threading.Event(), threading.Event()

    async def work(_: Services) -> None:
        begun.set()
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            put_back.set()
            raise

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(runtime.run, work)
        assert begun.wait(10)
        runtime.interrupt()
        with pytest.raises(concurrent.futures.CancelledError):
            running.result(10)
    assert put_back.is_set()
