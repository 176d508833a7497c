"""Changing and running workflows."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field, JsonValue

from copilot.desk import Desk
from copilot.saving import edit
from copilot.tools.base import CopilotTool
from copilot.tools.operations import Operation, applied
from copilot.tools.workflows import OfWorkflow, workflow_of
from core.errors import Forbidden
from core.rights import Role
from core.store.checkpoints import Checkpoint
from core.store.workflows import Workflow
from pipelines import background
from pipelines.run import RunRequest
from pipelines.tools.base import Params
from pipelines.validity import check
from pipelines.workflow import parse

_LONGEST_RUN: Final = 120.0  # seconds


class Edits(Params):
    workflow_id: OfWorkflow = None
    operations: Annotated[
        list[Operation], Field(min_length=1, max_length=200, description="Applied in order.")
    ]
    expected_version: Annotated[
        int | None, Field(description="The version that was read; another one is refused.")
    ] = None


class Trial(Params):
    workflow_id: OfWorkflow = None
    input: Annotated[JsonValue, Field(description="What the start block is given.")] = None
    timeout_seconds: Annotated[float, Field(gt=0, le=_LONGEST_RUN)] = 60.0


async def edit_workflow(desk: Desk, params: Edits) -> JsonValue:
    """Change a workflow by operations, all or none; returns what still keeps it from running.

    What it was before is kept as a checkpoint, which the user can revert to.
    """
    row = await workflow_of(desk, params.workflow_id)
    row, checkpoint = await edit(
        desk,
        row.id,
        lambda definition: applied(definition, params.operations),
        params.expected_version,
    )
    return told_of(row, checkpoint)


def told_of(row: Workflow, checkpoint: Checkpoint) -> dict[str, JsonValue]:
    """Return what a model is told of a workflow that it changed."""
    issues: list[JsonValue] = [dict(i) for i in check(parse(row.definition), runnable=True)]
    return {
        "id": row.id,
        "version": row.version,
        "checkpointId": checkpoint.id,
        "valid": not issues,
        "issues": issues,
    }


async def run_workflow(desk: Desk, params: Trial) -> JsonValue:
    """Run a workflow as it is now and wait for its end; read_run tells what each block did."""
    row = await workflow_of(desk, params.workflow_id)
    services = desk.services
    async with services.store.system() as system:
        seat = await system.workspaces.seat(desk.user_id, desk.workspace_id)
    if seat is None:
        raise Forbidden("You have left this workspace.")
    request = RunRequest(
        trigger="copilot",
        input=params.input,
        draft="always" if desk.rights.scopes is None else "never",  # drafts are for people
        created_by=desk.user_id,
        slots=seat.workspace.allowed.concurrent_executions,
        slot_account=seat.workspace.slot_account,
        timeout_seconds=params.timeout_seconds,
    )
    ended = await background.run_through(services, desk.workspace_id, row.id, request)
    return {
        "executionId": ended.id,
        "status": ended.status,
        "output": ended.output,
        "error": ended.error,
    }


EDIT_WORKFLOW: Final = CopilotTool(
    "edit_workflow",
    edit_workflow,
    "workflows",
    Role.WRITE,
    read_only=False,
    requires_approval=True,
    quoting=False,
)
RUN_WORKFLOW: Final = CopilotTool(
    "run_workflow",
    run_workflow,
    "workflows",
    Role.WRITE,
    read_only=False,
    requires_approval=True,
    quoting=False,
)
TOOLS: Final = (EDIT_WORKFLOW, RUN_WORKFLOW)
