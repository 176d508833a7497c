from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterator
from contextvars import Context
from itertools import count
from typing import Any

import pytest

from core import fair_loop
from core.batches import Batcher
from core.fair_loop import FairEventLoop, create_shared_task, loop_owner

FLOOD = 100
STEPS = 20


@pytest.fixture
def loop(monkeypatch: pytest.MonkeyPatch) -> Iterator[FairEventLoop]:
    """A loop for which each turn takes a millisecond."""
    ticks = count()
    monkeypatch.setattr(fair_loop, "perf_counter", lambda: next(ticks) / 1000)
    opened = FairEventLoop()
    yield opened
    opened.close()


async def _work_for(owner: str, work: Coroutine[Any, Any, None]) -> None:
    loop_owner.set(owner)
    await asyncio.create_task(work)


async def _steps(made: list[str], name: str, number: int) -> None:
    for _ in range(number):
        await asyncio.sleep(0)
        made.append(name)


def test_loop_flooded_by_one_workspace_gives_another_every_second_turn(
    loop: FairEventLoop,
) -> None:
    made: list[str] = []

    async def flood_and_wait() -> None:
        flood = [
            asyncio.create_task(_work_for("flood", _steps(made, "flood", 10 * STEPS)))
            for _ in range(FLOOD)
        ]
        while len(made) < FLOOD:
            await asyncio.sleep(0)
        begun = len(made)
        await asyncio.create_task(_work_for("other", _steps(made, "other", STEPS)))
        assert made.count("other") == STEPS
        assert len(made) - begun < 5 * STEPS
        await asyncio.gather(*flood)

    loop.run_until_complete(flood_and_wait())
    assert made.count("flood") == FLOOD * 10 * STEPS


def test_loop_callback_that_raises_is_reported_and_the_next_one_called(
    loop: FairEventLoop,
) -> None:
    reported: list[object] = []
    called: list[int] = []
    loop.set_exception_handler(lambda _, context: reported.append(context["exception"]))

    async def call() -> None:
        loop_owner.set("a")
        error = ValueError("broken")
        loop.call_soon(_raise, error)
        loop.call_soon(called.append, 1)
        loop.call_soon(called.append, 2).cancel()
        await asyncio.sleep(0.01)
        assert reported == [error]

    loop.run_until_complete(call())
    assert called == [1]


def test_loop_task_with_an_empty_context_keeps_what_it_sets(loop: FairEventLoop) -> None:
    async def set_and_look() -> str:
        await asyncio.sleep(0)
        loop_owner.set("a")
        await asyncio.sleep(0)
        return loop_owner.get()

    task = loop.create_task(set_and_look(), context=Context())
    assert loop.run_until_complete(task) == "a"


def test_shared_work_of_a_batch_belongs_to_no_workspace(loop: FairEventLoop) -> None:
    owners: list[str] = []

    async def note(items: list[int]) -> list[int]:
        owners.append(loop_owner.get())
        return items

    async def ask() -> None:
        loop_owner.set("a")
        batcher: Batcher[int, int] = Batcher(note)  # type: ignore[arg-type]
        assert await batcher.ask(1) == 1
        await create_shared_task(note([]))
        assert loop_owner.get() == "a"

    loop.run_until_complete(ask())
    assert owners == ["", ""]


def _raise(error: Exception) -> None:
    raise error
