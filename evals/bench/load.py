"""Many callers at once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from time import perf_counter
from typing import TypeVar

from evals.bench.figures import timed

_T = TypeVar("_T")


async def drive(
    call: Callable[[_T], Awaitable[object]], items: Sequence[_T], concurrency: int
) -> tuple[list[float], float]:
    """Call with every item, so many at a time; returns each call's seconds and calls a second."""
    waiting = iter(items)
    times: list[float] = []

    async def caller() -> None:
        for item in waiting:
            times.append(await timed(lambda item=item: call(item)))  # type: ignore[misc]

    started = perf_counter()
    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return times, len(times) / (perf_counter() - started)
