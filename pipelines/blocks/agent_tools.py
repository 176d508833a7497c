"""The tools that an agent block lets its model call."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BeforeValidator, JsonValue

from core.models.messages import ToolSpec
from pipelines import tools
from pipelines.blocks.base import Context
from pipelines.tools.base import Tool


def _name(given: Any) -> Any:
    """Return a tool's name out of the object that editors keep around it."""
    if isinstance(given, dict):
        return next((given[key] for key in ("toolName", "toolId", "name") if key in given), given)
    return given


ToolChoice = Annotated[str, BeforeValidator(_name)]
"""A tool's name, or an object with ``toolName``, ``toolId`` or ``name``."""


@dataclass(frozen=True)
class _AgentTool:
    """A tool in one block: equal calls carry equal idempotency keys, after a crash too."""

    context: Context
    tool: Tool[Any]

    @property
    def spec(self) -> ToolSpec:
        return self.tool.spec

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        told = json.dumps([self.tool.name, arguments], sort_keys=True)
        call_key = hashlib.sha256(told.encode()).hexdigest()[:16]
        return await tools.call(
            self.context.services,
            self.context.workspace_id,
            self.tool.name,
            arguments,
            f"{self.context.idempotency_key}/{call_key}",
        )


def bound_tools(context: Context, names: Sequence[str]) -> list[_AgentTool]:
    """Return the named tools; raises ``NotFound`` naming those there are."""
    return [_AgentTool(context, tools.find(name)) for name in dict.fromkeys(names)]
