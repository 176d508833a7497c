"""Starts a run that nothing else is written with: the hot path of calls that run a workflow."""

from __future__ import annotations

from contextlib import suppress

from core.services import Services
from core.store.executions import Execution
from pipelines.prepared import Prepared, latest
from pipelines.run import RunRequest, new_run, require_extent, start, taken_slot, wake


async def start_alone(
    services: Services, workspace_id: str, workflow_id: str, request: RunRequest
) -> Execution:
    """Start a run in a transaction of its own; raises as ``pipelines.run.start`` does.

    Of a deployed version that this process knows it is one statement, written together with what
    other runs come to at that moment.
    """
    newest = latest(workflow_id)
    if newest is not None and request.draft != "always" and request.from_execution_id is None:
        run = await _started(services, workspace_id, workflow_id, request, newest)
        if run is not None:
            if run.status == "queued":
                await wake(services, run.id)
            return run
    async with services.store.unit(workspace_id) as unit:
        return await start(unit, services, workflow_id, request)


class _NotBegun(Exception):
    """Gives back the slot."""


async def _started(
    services: Services,
    workspace_id: str,
    workflow_id: str,
    request: RunRequest,
    newest: tuple[int, Prepared],
) -> Execution | None:
    """Start a run of a version where that is deployed; None where ``start`` must say what is."""
    number, frozen = newest
    require_extent(frozen.graph, request.extent)
    run = new_run(workflow_id, number, frozen, request, services.settings.lease_seconds)
    run.workspace_id = workspace_id
    with suppress(_NotBegun):
        async with taken_slot(services, workspace_id, run.id, request.slots, request.slot_account):
            if not await services.store.run_writer.begin(run):
                raise _NotBegun
        return run
    return None
