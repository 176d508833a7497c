"""The ``agent`` mode: a deployment of the copilot, with the tools and words that it was given."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from copilot.modes import AGENT, Mode, find_mode
from copilot.toolbox import TOOLS
from copilot.tools.base import CopilotTool
from core.errors import Forbidden, NotFound, ValidationFailed
from core.rights import Rights, Role
from core.store.agents import Agent
from core.store.unit import Unit

_TASK = "Serve whoever asks as the instructions below say, and do nothing beside that."


async def mode_of(
    unit: Unit, name: str, workflow_id: str | None, agent_id: str | None, rights: Rights
) -> tuple[Mode, Agent | None]:
    """Return the mode of a chat, and its agent where it is one's.

    Raises ``ValidationFailed``, ``NotFound``, and ``Forbidden`` for an agent that is not public
    and a caller who may only read.
    """
    if name != AGENT:
        if agent_id is not None:
            raise ValidationFailed.at(
                "mode", "A chat with an agent has the mode agent; leave mode away."
            )
        return find_mode(name, workflow_id), None
    if agent_id is None:
        raise ValidationFailed.at("agentId", "The mode agent is a deployment's: give its agentId.")
    agent = await unit.agents.get(agent_id)
    if agent is None:
        raise NotFound("There is no such agent; GET /api/copilot/agents lists them.")
    if not agent.public and (rights.role is None or rights.role < Role.WRITE):
        raise Forbidden("This agent is not public; who may write in the workspace can ask it.")
    return _mode(agent.tools), agent


def agent_wire(agent: Agent, *, is_anonymous: bool) -> dict[str, Any]:
    """Return what a turn keeps of its agent: an edit of it counts from the next turn on."""
    if is_anonymous:
        return {"id": agent.id, "tools": visitor_tools(agent), "given": []}
    given = agent.tools if agent.approvals == "listed" else []
    return {"id": agent.id, "tools": agent.tools, "given": given}


def visitor_tools(agent: Agent) -> list[str]:
    """Return the tools of an agent that work for anonymous visitors.

    They only read this workspace: none writes, calls another service or waits for approval.
    """
    return [name for name in agent.tools if name in TOOLS and _is_for_visitors(TOOLS[name])]


def _is_for_visitors(tool: CopilotTool[Any]) -> bool:
    return tool.read_only and not tool.requires_approval and tool.role is Role.READ


def mode_kept(request: Mapping[str, Any]) -> tuple[Mode, frozenset[str]]:
    """Return a turn's mode, and the tools that need no approval in it."""
    agent = request.get("agent")
    if agent is None:
        return find_mode(request["mode"], request["workflowId"]), frozenset()
    return _mode(agent["tools"]), frozenset(agent["given"])


def _mode(tools: list[str]) -> Mode:
    return Mode(AGENT, needs_workflow=False, tools=frozenset(tools), task=_TASK)
