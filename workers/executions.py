"""Runs of workflows: a wake has this process take the next one up."""

from __future__ import annotations

from typing import Final

from celery import shared_task

from core.ids import new_id
from core.services import Services
from workers.runtime import get_runtime

_OWNER: Final = new_id("worker")


@shared_task(name="executions.wake")  # type: ignore[untyped-decorator]
def wake(_execution_id: str) -> None:
    """Take up the next run that waits; the id only says why we were woken."""
    get_runtime().run(_run_next)


async def _run_next(services: Services) -> None:
    from pipelines.execute import claim, execute

    run = await claim(services, _OWNER)
    if run is not None:
        await execute(services, run, _OWNER)
