"""Work that goes on after its answer was sent, so that nobody can tell by the time it takes."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, Final

import structlog

log = structlog.get_logger(__name__)
_running: Final[set[asyncio.Task[None]]] = set()


def start(work: Coroutine[Any, Any, None]) -> None:
    """Begin work; what goes wrong in it nobody but the log is told."""
    task = asyncio.create_task(_watched(work))
    _running.add(task)
    task.add_done_callback(_running.discard)


async def _watched(work: Coroutine[Any, Any, None]) -> None:
    try:
        await work
    # Its caller has been answered: logged whole, for whoever runs this.
    except Exception:
        log.exception("work after an answer failed")


async def finish(seconds: float) -> None:
    """Wait for what is under way; end what takes longer than that."""
    if _running:
        _, late = await asyncio.wait(set(_running), timeout=seconds)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
