"""Runs: started and cancelled; ``pipelines.execute`` is what happens between.

The row decides. Whoever changes its status to a last one sends the last event; whoever finds that
the run is no longer his stops and writes no more.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any, Final, Literal

from pydantic import JsonValue

from core.errors import Conflict, NotFound, RateLimited, ServiceUnavailable, ValidationFailed, issue
from core.ids import new_id
from core.json_values import measure_json
from core.services import Services
from core.slots import Slot
from core.store.executions import HOLDS_SLOT, Execution
from core.store.unit import Unit
from pipelines.graph import Graph, containers_of, parents_of
from pipelines.journal import storable
from pipelines.level import Extent
from pipelines.live import send_last
from pipelines.prepared import LIGHT_BYTES, Prepared, known, prepare
from pipelines.workflow import Definition

Trigger = Literal[
    "manual", "api", "schedule", "webhook", "mail", "chat", "copilot", "workflow", "voice"
]
Draft = Literal["never", "if_undeployed", "always"]
NO_LIMIT = -1
_NO_WORKFLOW: Final = "There is no such workflow; list those you have."


@dataclass(frozen=True)
class Parent:
    """The run whose block has another workflow run, and what that takes over from it.

    ``secrets`` are names of the workspace's secrets that may stand in the input, which is kept
    sealed (``sealed_input``) where one does.
    """

    execution_id: str
    place: str
    depth: int
    secrets: Sequence[str]
    sealed_input: str | None


@dataclass(frozen=True)
class RunRequest:
    """What a caller may say about a run, once checked who may say it.

    ``slots`` is the most runs that may go on, -1 for no limit, in the workspace or, with a
    ``slot_account``, in all workspaces of that account together; ``runner`` names the
    process when it will execute the run itself (with ``light_only``, if it is a light one), else a
    worker is woken, but for a run that a block of ``parent`` waits for: whoever runs the block
    takes it.
    """

    trigger: Trigger
    input: JsonValue = None
    execution_id: str | None = None
    draft: Draft = "never"
    extent: Extent = field(default_factory=Extent)
    from_execution_id: str | None = None
    timeout_seconds: float | None = None
    created_by: str | None = None
    slots: int = NO_LIMIT
    slot_account: str | None = None
    runner: str | None = None
    light_only: bool = False
    parent: Parent | None = None


async def start(unit: Unit, services: Services, workflow_id: str, request: RunRequest) -> Execution:
    """Check the workflow, freeze its definition and add a run of it, inside the caller's unit.

    Raises ``NotFound``, ``Conflict`` (never deployed, or the id is taken), ``ValidationFailed``
    naming the block, and ``RateLimited`` when the workspace's slots are taken.
    """
    version, frozen = await _frozen(unit, workflow_id, request.draft)
    definition = frozen.runnable
    require_extent(frozen.graph, request.extent)
    execution = new_run(workflow_id, version, frozen, request, services.settings.lease_seconds)
    slot = (execution.id, request.slots, request.slot_account)
    async with taken_slot(services, unit.workspace_id, *slot):
        if not await unit.executions.insert(execution):
            raise Conflict("A run with this id exists; choose another X-Run-Id.")
        if request.from_execution_id:
            await _take_over(unit, definition, request, execution.id)
    if execution.status == "queued" and request.parent is None:
        unit.after_commit(lambda: wake(services, execution.id))
    return execution


async def cancel(
    unit: Unit, services: Services, execution_id: str, error: dict[str, Any] | None = None
) -> Execution:
    """End a run that has not ended; a running block stops within seconds. Idempotent."""
    ended = await unit.executions.cancel(execution_id, error)
    if ended is not None:
        unit.after_commit(lambda: close(services, ended))
        await cancel_under(unit, services, ended)
        return ended
    existing = await unit.executions.get(execution_id)
    if existing is None:
        raise NotFound("There is no such execution; list those of the workflow.")
    return existing


async def cancel_of_workflow(unit: Unit, services: Services, workflow_id: str) -> None:
    """End all runs of a workflow that is to be deleted, so that whoever follows one hears of it."""
    for ended in await unit.executions.cancel_of(workflow_id):
        unit.after_commit(partial(close, services, ended))
        await cancel_under(unit, services, ended)


async def cancel_under(
    unit: Unit, services: Services, run: Execution, place: str | None = None
) -> None:
    """End the runs that a run's blocks (or the block at a place) have begun and that go on."""
    if not has_workflow_blocks(run):
        return
    for ended in await unit.subruns.cancel_under(run.id, place):
        unit.after_commit(partial(close, services, ended))


def has_workflow_blocks(run: Execution) -> bool:
    """Whether a run may have begun others."""
    return any(block["type"] == "workflow" for block in run.definition.get("blocks", {}).values())


async def close(services: Services, ended: Execution) -> None:
    """Give back the slot of a run that has just ended, and say that it has."""
    if ended.options.get(HOLDS_SLOT):
        await services.slots.free(ended.workspace_id, ended.id)
    await send_last(services.events, ended)


async def wake(services: Services, execution_id: str) -> None:
    """Have a worker take a run; raises ``ServiceUnavailable`` with the run's id."""
    try:
        await services.queue.wake("executions", execution_id)
    except ServiceUnavailable as error:
        error.details["executionId"] = execution_id
        raise


def extent_of(run: Execution) -> Extent:
    """Return which part of the workflow a run covers."""
    options = run.options
    return Extent(
        None if options.get("fromExecutionId") else options.get("startBlockId"),
        options.get("stopAfterBlockId"),
        options.get("selectedOutputs") or (),
    )


async def _frozen(unit: Unit, workflow_id: str, draft: Draft) -> tuple[int | None, Prepared]:
    """Return the version and the definition that a run takes."""
    deployed = await unit.workflows.deployed(workflow_id)
    if deployed is None:
        raise NotFound(_NO_WORKFLOW)
    if draft == "always" or (draft == "if_undeployed" and deployed.number is None):
        workflow = await unit.workflows.get(workflow_id)
        if workflow is None:
            raise NotFound(_NO_WORKFLOW)
        return None, prepare(workflow_id, None, workflow.definition)
    if deployed.number is None:
        raise Conflict(
            f'The workflow "{deployed.name}" was never deployed, and only people may run a draft: '
            f"POST /api/workflows/{workflow_id}/deploy first."
        )
    found = known(workflow_id, deployed.number)
    return deployed.number, found or await _snapshot(unit, workflow_id, deployed.number)


async def _snapshot(unit: Unit, workflow_id: str, number: int) -> Prepared:
    snapshot = await unit.workflows.snapshot(workflow_id, number)
    if snapshot is None:
        raise NotFound("The deployed version is gone; deploy the workflow again.")
    return prepare(workflow_id, number, snapshot.definition)


def require_extent(graph: Graph, extent: Extent) -> None:
    """Raise ``ValidationFailed`` for a part of a workflow that there is not."""
    for name, block_id in (
        ("startBlockId", extent.start_block_id),
        ("stopAfterBlockId", extent.stop_after_block_id),
    ):
        if block_id is not None and block_id not in graph.reached:
            raise ValidationFailed(
                f"{name} names {block_id!r}, which is no block that the start reaches.",
                {"issues": [issue(name, "no such block in the run", "unknown_block")]},
            )
    if not graph.part(extent.start_block_id, extent.stop_after_block_id):
        raise ValidationFailed("stopAfterBlockId does not come after startBlockId; exchange them.")


@asynccontextmanager
async def taken_slot(
    services: Services, workspace_id: str, execution_id: str, most: int, account: str | None
) -> AsyncIterator[None]:
    """Take a slot for a run that is being added or goes on; give it back if that fails.

    Should the process die before the commit, or the commit fail, the slot runs out by itself.
    """
    if most == NO_LIMIT:
        yield
        return
    slot = await services.slots.take(workspace_id, execution_id, most, account)
    if slot is Slot.NONE:
        raise RateLimited(
            f"The plan allows {most} runs at a time; wait until one ends.", "concurrency", 2
        )
    try:
        yield
    except BaseException:
        if slot is Slot.TAKEN:  # else the run of this id is another, and its slot stays
            await services.slots.free(workspace_id, execution_id)
        raise


async def _take_over(
    unit: Unit, definition: Definition, request: RunRequest, execution_id: str
) -> None:
    """Give the run what an earlier one finished, but for the blocks to be run again."""
    earlier = await unit.executions.get(str(request.from_execution_id))
    if earlier is None:
        raise NotFound("fromExecutionId names no execution; list those of the workflow.")
    graph = Graph(definition)
    rows = await unit.block_logs.of(earlier.id)
    first = request.extent.start_block_id
    again = [first] if first else [row.block_id for row in rows if row.status == "error"]
    redone = set().union(*(graph.descendants(block_id) for block_id in again))
    kept, parents = set(graph.reached) - redone, parents_of(definition)
    inside = {i for i in parents if kept & set(containers_of(parents, i))}
    await unit.block_logs.copy(earlier.id, execution_id, kept | inside)


def new_run(
    workflow_id: str, version: int | None, frozen: Prepared, request: RunRequest, lease: float
) -> Execution:
    """Return the row of a run that begins; ``lease`` is the seconds that its runner has it."""
    extent = request.extent
    options = {
        "timeoutSeconds": request.timeout_seconds,
        "startBlockId": extent.start_block_id,
        "stopAfterBlockId": extent.stop_after_block_id,
        "selectedOutputs": list(extent.selected_outputs),
        "fromExecutionId": request.from_execution_id,
        HOLDS_SLOT: request.slots != NO_LIMIT,
    }
    parent = request.parent
    if parent is not None:
        options |= {"sealedInput": parent.sealed_input, "secrets": list(parent.secrets)}
    row = Execution(
        id=request.execution_id or new_id("exec"),
        workflow_id=workflow_id,
        version=version,
        definition=frozen.raw,
        options={name: value for name, value in options.items() if value},
        trigger=request.trigger,
        input=storable(request.input),
        created_by=request.created_by,
        status="queued",
        parent_id=parent and parent.execution_id,
        parent_place=parent and parent.place,
        depth=parent.depth if parent else 0,
    )
    if request.runner is not None and not (request.light_only and _is_heavy(frozen, request)):
        now = datetime.now(UTC)
        row.status, row.started_at = "running", now
        row.lease_owner, row.lease_until = request.runner, now + timedelta(seconds=lease)
    return row


def _is_heavy(frozen: Prepared, request: RunRequest) -> bool:
    return not frozen.is_light or measure_json(request.input, LIGHT_BYTES) > LIGHT_BYTES
