"""``workflow``: runs another workflow and goes on with its output."""

from __future__ import annotations

from typing import ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import BlockComponent


class WorkflowSettings(BlockSettings):
    workflow_id: str = Field(min_length=1)
    input: JsonValue = Field(None, description="The other run's input.")


@component
class WorkflowBlock(BlockComponent[WorkflowSettings]):
    """The other run has a record of its own; it pauses, fails and is cancelled with this one."""

    type_name = "workflow"
    title = "Workflow"
    description = "Runs another workflow of the workspace, as deployed, and gives its output."
    outputs: ClassVar = {"output": "any"}
    is_heavy = True
    settings = WorkflowSettings

    @override
    async def execute(self, context: Context, settings: WorkflowSettings) -> Output:
        called = await context.calls.call(context, settings.workflow_id, settings.input)
        return {"output": called}

    @override
    async def abandon(self, context: Context) -> None:
        await context.calls.abandon(context)
