"""The one place that decides whether a tool may be used, whoever asks: a model in a turn, a route,
a socket. The mode comes first, then the caller's own rights."""

from __future__ import annotations

from typing import Any

from copilot.desk import Desk
from copilot.modes import all_modes
from copilot.tools.base import CopilotTool
from core.errors import Forbidden
from core.rights import Rights, Role


class ToolRefused(Forbidden):
    """A tool that this mode, or this caller, may not use."""


async def permit(desk: Desk, tool: CopilotTool[Any]) -> None:
    """Raise ``ToolRefused`` unless the desk's mode has the tool and its caller the right to it.

    For what writes, the role is looked up anew: one that was taken away counts at once.
    """
    if desk.mode is not None and not desk.mode.has(tool.name):
        having = [mode.name for mode in all_modes() if mode.has(tool.name)]
        instead = f" Use {' or '.join(having)}." if having else ""
        raise ToolRefused(f"The mode {desk.mode.name} has no tool {tool.name}.{instead}")
    rights = desk.rights if tool.role is Role.READ else await _rights_now(desk)
    refusal = rights.missing(tool.role, tool.domain)
    if refusal:
        raise ToolRefused(f"The tool {tool.name}: {refusal}")


async def _rights_now(desk: Desk) -> Rights:
    async with desk.services.store.system() as system:
        seat = await system.workspaces.seat(desk.user_id, desk.workspace_id)
    known = desk.rights.role
    if seat is None or known is None:
        return Rights(None, desk.rights.scopes)
    return Rights(min(known, Role.named(seat.role)), desk.rights.scopes)
