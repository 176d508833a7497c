"""Claims that are not lost where their claimer is told to end."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


async def claimed(
    claiming: Coroutine[Any, Any, T], give_back: Callable[[T], Awaitable[object]]
) -> T:
    """Return what was claimed.

    Cancelled meanwhile, it gives that back first: a claim may be written and not yet known here,
    and then nobody would have the job until its lease runs out.
    """
    claim = asyncio.ensure_future(claiming)
    try:
        return await asyncio.shield(claim)
    except asyncio.CancelledError:
        await give_back(await claim)
        raise
