"""The registry of the copilot's tools, and how the loop of model and tools is given them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pydantic import JsonValue

from copilot.approvals import Approvals
from copilot.desk import Desk
from copilot.masking import masked
from copilot.modes import AGENT, all_modes
from copilot.permission import permit
from copilot.tools import catalogue, editing, knowledge, logs, making, services, workflows
from copilot.tools.base import CopilotTool
from copilot.tools.remote import lent
from core.errors import NotFound
from core.models.messages import ToolCall, ToolSpec
from core.store.unit import Unit
from pipelines.passages import marked
from pipelines.tools.remote.listed import is_remote
from pipelines.tools.remote.sources import all_tools, tool_named

_SUBJECTS: Final = (knowledge, workflows, catalogue, logs, editing, making, services)
TOOLS: Final[Mapping[str, CopilotTool[Any]]] = MappingProxyType(
    {tool.name: tool for subject in _SUBJECTS for tool in subject.TOOLS}
)
MOST_REMOTE: Final = 64  # tools of others that a model is shown

QUOTING: Final = frozenset(name for name, tool in TOOLS.items() if tool.quoting)


@dataclass(frozen=True)
class BoxedTool:
    """A tool at a desk, as the loop of model and tools takes it."""

    tool: CopilotTool[Any]
    desk: Desk

    @property
    def spec(self) -> ToolSpec:
        return self.tool.spec

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        """Run the tool; what it returns and refuses has no secret of the workspace in it."""
        params = self.tool.fit(arguments)
        async with masked(self.desk) as hide:
            return hide(await self.tool.run(self.desk, params))


@dataclass(frozen=True)
class Gate:
    """Asked before every call of a model's, of tools there are not, too."""

    desk: Desk
    approvals: Approvals

    async def __call__(self, call: ToolCall, arguments: dict[str, JsonValue]) -> None:
        tool = await find_at(self.desk, call.name)
        await permit(self.desk, tool)
        if tool.requires_approval:
            tool.fit(arguments)  # nobody is asked about a call that cannot be made
            await self.approvals.wait(tool, call, arguments)


async def find(unit: Unit, name: str) -> CopilotTool[Any]:
    """Return a tool, ours or one of the workspace's sources; raises ``NotFound``."""
    if name in TOOLS:
        return TOOLS[name]
    if is_remote(name):
        return lent(await tool_named(unit, name))
    raise NotFound(f"There is no tool {name[:60]!r}; GET /api/copilot/tools has all.")


async def find_at(desk: Desk, name: str) -> CopilotTool[Any]:
    """Return a tool as ``find`` does, in a short unit of its own where one is needed."""
    async with desk.services.store.unit(desk.workspace_id) as unit:
        return await find(unit, name)


async def tools_at(desk: Desk) -> list[BoxedTool]:
    """Return the tools of the desk's mode that its caller has the right to, in a fixed order; none
    that searches where there is nothing to search."""
    mode = desk.mode
    useless = set() if desk.base_ids else {knowledge.SEARCH_KNOWLEDGE.name}
    wanted = [tool for tool in TOOLS.values() if mode is None or mode.has(tool.name)]
    wanted = [tool for tool in wanted if tool.name not in useless]
    wanted += await _remote_at(desk)
    return [
        BoxedTool(tool, desk) for tool in wanted if not desk.rights.missing(tool.role, tool.domain)
    ]


async def _remote_at(desk: Desk) -> list[CopilotTool[Any]]:
    """Return those of the workspace's sources that the mode has: all, or what it names."""
    mode = desk.mode
    if mode is not None and not mode.has_remote and not any(map(is_remote, mode.tools)):
        return []
    async with desk.services.store.unit(desk.workspace_id) as unit:
        found = await all_tools(unit)
    fitting = [tool for tool in found if mode is None or mode.has(tool.name)]
    return [lent(tool) for tool in fitting[:MOST_REMOTE]]


def as_material(name: str, output: str) -> str:
    """Return a tool's output as a model is to read it; passages are marked as such already."""
    return output if name == "search_knowledge" else marked(f"tool {name}", output)


async def describe_all(unit: Unit) -> list[dict[str, JsonValue]]:
    """Return every tool as ``GET /api/copilot/tools`` shows it."""
    remote = [lent(tool) for tool in await all_tools(unit)]
    return [_described(tool) for tool in (*TOOLS.values(), *remote)]


def _described(tool: CopilotTool[Any]) -> dict[str, JsonValue]:
    return {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.schema(),
        "readOnly": tool.read_only,
        "requiresApproval": tool.requires_approval,
        "role": tool.role.name.lower(),
        "modes": [*(mode.name for mode in all_modes() if mode.has(tool.name)), AGENT],
    }
