"""The clock: wakes workers for rows that nobody took, and ends what was interrupted.

Every step may be done twice or by two clocks side by side: a wake that finds no row does nothing,
and rows change only from the status they were found in.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from copilot.turn import end_interrupted
from core.config import Settings, forbid_phoning_home
from core.logs import configure_logs
from core.queue import Kind
from core.services import Services, open_services
from core.store.unit import SystemUnit

_TICK_SECONDS: Final = 2.0
_MOST_WAKES: Final = 64

log = structlog.get_logger(__name__)


async def run_upkeep(settings: Settings) -> None:
    """Do every duty each tick until SIGTERM or SIGINT."""
    forbid_phoning_home(settings)
    configure_logs(settings)
    ending = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, ending.set)
    async with open_services(settings) as services:
        while not ending.is_set():
            for duty in DUTIES:
                await _do(duty, services)
            try:
                await asyncio.wait_for(ending.wait(), _TICK_SECONDS)
            except TimeoutError:
                continue


async def _do(duty: Duty, services: Services) -> None:
    """Do one duty; a server that is away for a moment must not end the clock."""
    try:
        await duty(services)
    # Logged whole, and tried again at the next tick.
    except Exception:
        log.exception("duty failed", duty=duty.__name__)


async def wake_document_workers(services: Services) -> None:
    """Wake for documents that wait: their wake was lost, or their worker is gone."""
    await _wake(services, "documents", lambda unit: unit.document_jobs.count_waiting())


async def wake_execution_workers(services: Services) -> None:
    """Wake for runs that wait: their wake was lost, or their worker is gone."""
    await _wake(services, "executions", lambda unit: unit.execution_jobs.count_waiting())


async def _wake(
    services: Services, kind: Kind, count: Callable[[SystemUnit], Awaitable[int]]
) -> None:
    async with services.store.system() as unit:
        waiting = await count(unit)
    if not waiting:
        return
    # Wakes that are under way count: a long queue is not fed again and again.
    missing = min(waiting, _MOST_WAKES) - await services.queue.depth(kind)
    for _ in range(missing):
        await services.queue.wake(kind)


async def end_interrupted_turns(services: Services) -> None:
    """End the copilot's turns whose process is gone."""
    await end_interrupted(services)


Duty = Callable[[Services], Awaitable[None]]
DUTIES: tuple[Duty, ...] = (wake_document_workers, wake_execution_workers, end_interrupted_turns)
