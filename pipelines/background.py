"""Runs that this process executes itself, beside whatever else it does."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Final

from core.errors import NotFound, TimedOut
from core.ids import new_id
from core.services import Services
from core.store.executions import TERMINAL, Execution
from pipelines import run as runs
from pipelines.execute import execute
from pipelines.live import follow
from pipelines.run import RunRequest

_GRACE_SECONDS: Final = 5.0  # whoever executes a run ends it in time, and says more
_LOCAL_BYTES: Final = 1_000_000  # of inputs and outputs: what is larger is for a worker
_running: Final[set[asyncio.Task[Execution | None]]] = set()


def launch(services: Services, run: Execution, owner: str) -> asyncio.Task[Execution | None] | None:
    """Execute a run that ``owner`` holds, whoever waits for it; after the commit that began it.

    None for one that is left to a worker.
    """
    if run.lease_owner != owner:
        return None
    task = asyncio.create_task(execute(services, run, owner, is_new=True, local_bytes=_LOCAL_BYTES))
    _running.add(task)
    task.add_done_callback(_running.discard)
    return task


async def ended(
    services: Services, run: Execution, task: asyncio.Task[Execution | None] | None
) -> Execution:
    """Wait for the end or the pause of a launched run, also when another process takes it there.

    A run left to a worker that has not ended it in the run's own time is cancelled.
    """
    if task is not None:
        return await asyncio.shield(task) or await watched(services, run)
    limit = run.options.get("timeoutSeconds")
    try:
        async with asyncio.timeout(float(limit) + _GRACE_SECONDS if limit else None):
            return await watched(services, run)
    except TimeoutError:
        sentence = f"No worker ended the run within {limit} s; try again when fewer runs wait."
        error = {"code": TimedOut.code, "message": sentence}
        async with services.store.unit(run.workspace_id) as unit:
            return await runs.cancel(unit, services, run.id, error)


async def run_through(
    services: Services, workspace_id: str, workflow_id: str, request: RunRequest
) -> Execution:
    """Start a run, execute it here if it is light, and return it at its end or pause; who is
    cancelled while waiting ends it. Raises as ``pipelines.run.start`` does."""
    owner = new_id("here")
    request = replace(request, runner=owner, light_only=True)
    async with services.store.unit(workspace_id) as unit:
        begun = await runs.start(unit, services, workflow_id, request)
    task, last = launch(services, begun, owner), None
    try:
        last = await ended(services, begun, task)
    finally:
        if last is None:
            async with services.store.unit(workspace_id) as unit:
                await runs.cancel(unit, services, begun.id)
    return last


async def watched(services: Services, run: Execution) -> Execution:
    """Wait for the end or the pause of a run that another call, or process, executes.

    Raises ``NotFound`` where it was deleted meanwhile.
    """
    async for _ in follow(services.events, services.store.unit, run, 0):
        pass
    async with services.store.unit(run.workspace_id) as unit:
        last = await unit.executions.get(run.id)
    if last is None:
        raise NotFound("The run was deleted with its workflow while it went on; nothing is left.")
    if last.status not in (*TERMINAL, "paused"):
        raise RuntimeError(f"the log of run {run.id} ended before the run")
    return last


async def stop_all() -> None:
    """Put this process's runs back for another, before its services close."""
    for task in _running:
        task.cancel()
    await asyncio.gather(*_running, return_exceptions=True)
