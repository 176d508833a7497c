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
from pipelines.passages import marked
from pipelines.tools.remote.listed import is_remote


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
    spec: ToolSpec

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        told = json.dumps([self.spec.name, arguments], sort_keys=True)
        call_key = hashlib.sha256(told.encode()).hexdigest()[:16]
        return await tools.call(
            self.context.services,
            self.context.workspace_id,
            self.spec.name,
            arguments,
            f"{self.context.idempotency_key}/{call_key}",
        )


async def bound_tools(context: Context, names: Sequence[str]) -> list[_AgentTool]:
    """Return the named tools; raises ``NotFound`` for one there is not."""
    wanted = list(dict.fromkeys(names))
    if not wanted:
        return []
    found = await tools.specs(context.services, context.workspace_id, wanted)
    return [_AgentTool(context, spec) for spec in found]


def as_material(name: str, output: str) -> str:
    """Return what a tool gave as a model is to read it: that of others is marked as material."""
    return marked(f"tool {name}", output) if is_remote(name) else output
