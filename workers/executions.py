"""Runs of workflows: a wake has this process take the next one up."""

from __future__ import annotations

from celery import shared_task

from core.ids import new_id
from core.services import Services
from workers.runtime import get_runtime


@shared_task(name="executions.wake")  # type: ignore[untyped-decorator]
def wake(_execution_id: str) -> None:
    """Take up the next run that waits; the id only says why we were woken."""
    get_runtime().run(_run_next)


async def _run_next(services: Services) -> None:
    from pipelines.execute import claim, execute

    # A name per claim: a run that this process lost and takes again must not be run twice by it.
    owner = new_id("worker")
    run = await claim(services, owner)
    if run is not None:
        await execute(services, run, owner)
