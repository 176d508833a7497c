"""``tool``: calls any registered tool."""

from __future__ import annotations

from typing import ClassVar

from haystack import component
from pydantic import Field, JsonValue
from typing_extensions import override

from pipelines import tools
from pipelines.blocks.base import BlockSettings, Context, Output
from pipelines.blocks.component import BlockComponent


class ToolSettings(BlockSettings):
    tool_name: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


@component
class ToolBlock(BlockComponent[ToolSettings]):
    type_name = "tool"
    title = "Tool"
    description = "Calls a tool with the workspace's credentials; its outputs are the tool's."
    outputs: ClassVar[dict[str, str]] = {}
    open_outputs = True
    settings = ToolSettings

    @override
    async def execute(self, context: Context, settings: ToolSettings) -> Output:
        return await tools.call(
            context.services,
            context.workspace_id,
            settings.tool_name,
            settings.params,
            context.idempotency_key,
        )
