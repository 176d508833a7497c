"""The tools of workflows, lent to the copilot: calls to other services, each after approval."""

from __future__ import annotations

from typing import Any, Final

from pydantic import JsonValue

from copilot.desk import Desk
from copilot.tools.base import CopilotTool
from core.rights import Role
from pipelines import tools
from pipelines.tools.base import Params, Tool


def _lent(tool: Tool[Any]) -> CopilotTool[Any]:
    """Return a tool of workflows as one of the copilot, signing in as its workspace."""

    async def run(desk: Desk, params: Params) -> JsonValue:
        given = params.model_dump(by_alias=True, exclude_unset=True, mode="json")
        return await tools.call(desk.services, desk.workspace_id, tool.name, given)

    run.__doc__ = tool.description
    run.__annotations__["params"] = tool.params
    return CopilotTool(
        tool.name,
        run,
        "tools",
        Role.WRITE,
        read_only=tool.read_only,
        requires_approval=tool.requires_approval,
    )


LENT: Final = {tool.name: tool.modes for tool in tools.TOOLS.values() if tool.modes}
TOOLS: Final = tuple(_lent(tools.TOOLS[name]) for name in LENT)
