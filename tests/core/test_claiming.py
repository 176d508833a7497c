from __future__ import annotations

import asyncio

import pytest

from core.claiming import claimed


async def test_what_was_claimed_comes_back_to_who_asked() -> None:
    async def claim() -> str:
        return "a job"

    assert await claimed(claim(), _never) == "a job"


async def test_a_claimer_that_is_stopped_gives_back_what_it_would_have_got() -> None:
    written, given_back = asyncio.Event(), []

    async def claim() -> str:
        written.set()
        await asyncio.sleep(0.02)
        return "a job"

    async def give_back(job: str) -> None:
        given_back.append(job)

    task = asyncio.create_task(claimed(claim(), give_back))
    await written.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert given_back == ["a job"]


async def _never(_job: str) -> None:
    raise AssertionError
