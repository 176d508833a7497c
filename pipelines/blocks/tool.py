"""``tool``: calls any registered tool."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field, JsonValue
from typing_extensions import override

from pipelines import tools
from pipelines.blocks.base import BlockKind, BlockSettings, Context, Output


class ToolSettings(BlockSettings):
    tool_name: str
    params: dict[str, JsonValue] = Field(default_factory=dict)


class ToolBlock(BlockKind[ToolSettings]):
    type_name = "tool"
    title = "Tool"
    description = "Calls a tool with the workspace's credentials; its outputs are the tool's."
    outputs: ClassVar[dict[str, str]] = {}
    open_outputs = True
    settings = ToolSettings

    @override
    async def run(self, context: Context, settings: ToolSettings) -> Output:
        return await tools.call(
            context.services,
            context.workspace_id,
            settings.tool_name,
            settings.params,
            context.idempotency_key,
        )
