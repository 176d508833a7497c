"""The registry of the copilot's tools, and how the loop of model and tools is given them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

from pydantic import JsonValue

from copilot.desk import Desk
from copilot.masking import masked
from copilot.modes import all_modes
from copilot.permission import permit
from copilot.tools import catalogue, knowledge, logs, making, services, workflows
from copilot.tools.base import CopilotTool
from core.errors import NotFound
from core.models.messages import ToolCall, ToolSpec

_SUBJECTS: Final = (knowledge, workflows, catalogue, logs, making, services)
TOOLS: Final[Mapping[str, CopilotTool[Any]]] = MappingProxyType(
    {tool.name: tool for subject in _SUBJECTS for tool in subject.TOOLS}
)


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

    async def __call__(self, call: ToolCall, _: dict[str, JsonValue]) -> None:
        await permit(self.desk, find(call.name))


def find(name: str) -> CopilotTool[Any]:
    """Return a tool; raises ``NotFound`` for one there is not."""
    if name not in TOOLS:
        shown = name[:60]
        raise NotFound(f"There is no tool {shown!r}; GET /api/copilot/tools has all.")
    return TOOLS[name]


def tools_at(desk: Desk) -> list[BoxedTool]:
    """Return the tools of the desk's mode that its caller has the right to, in a fixed order."""
    names: Iterable[str] = desk.mode.tools if desk.mode else TOOLS
    wanted = [tool for name, tool in TOOLS.items() if name in names]
    return [
        BoxedTool(tool, desk) for tool in wanted if not desk.rights.missing(tool.role, tool.domain)
    ]


def describe_all() -> list[dict[str, JsonValue]]:
    """Return every tool as ``GET /api/copilot/tools`` shows it."""
    return [
        {
            "name": tool.name,
            "description": tool.description,
            "parameters": tool.schema(),
            "readOnly": tool.read_only,
            "requiresApproval": tool.requires_approval,
            "role": tool.role.name.lower(),
            "modes": [mode.name for mode in all_modes() if tool.name in mode.tools],
        }
        for tool in TOOLS.values()
    ]
