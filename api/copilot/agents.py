"""Deployments of the copilot: what an agent says, knows, may use, and who may ask it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

from api.access import READ, WRITE
from api.call import Call
from api.copilot.schemas import Id
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Flag, Name, Wire
from copilot.bases import bases_of
from copilot.models import require_model
from copilot.toolbox import find
from core.errors import Forbidden
from core.ids import new_id
from core.rights import Role
from core.store.agents import Agent

Prompt = Annotated[str, StringConstraints(max_length=20_000)]
Tools = Annotated[list[str], Field(max_length=50)]
Bases = Annotated[list[Id], Field(max_length=50)]
Approvals = Literal["none", "listed"]


class NewAgent(Wire):
    """Only ``knowledgeBaseIds`` are searched, none if there are none.

    ``approvals``: ``none`` was given ahead, so that tools which write wait for whoever chats;
    ``listed``, which takes an admin: the tools that are listed need not ask. ``public`` lets every
    member and key of the workspace ask the agent, else only those who may write. Tools work under
    the asker's rights.
    """

    name: Name
    system_prompt: Prompt = ""
    model: str | None = None
    knowledge_base_ids: Bases = Field(default=[])
    tools: Tools = Field(default=[])
    approvals: Approvals = "none"
    public: Flag = False


class AgentPatch(Wire):
    name: Name = ""
    system_prompt: Prompt = ""
    model: str | None = None
    knowledge_base_ids: Bases = Field(default=[])
    tools: Tools = Field(default=[])
    approvals: Approvals = "none"
    public: Flag = False


class AgentAnswer(Wire):
    id: str
    name: str
    system_prompt: str
    model: str | None
    knowledge_base_ids: list[str]
    tools: list[str]
    approvals: Approvals
    public: bool
    created_at: datetime
    updated_at: datetime


@endpoint("GET", "/api/copilot/agents", access=READ)
async def list_agents(
    call: Call, query: PageQuery[Literal["createdAt", "updatedAt", "name"]]
) -> Page[AgentAnswer]:
    """List the workspace's agents, newest first."""
    page = await call.unit.agents.page(query.request())
    data = [AgentAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("POST", "/api/copilot/agents", access=WRITE, status=201)
async def create_agent(call: Call, body: NewAgent) -> AgentAnswer:
    """Deploy the copilot with words, bases and tools of its own; a chat names it by agentId."""
    row = Agent(id=new_id("agent"), created_by=call.user_id, **body.model_dump())
    await _check(call, row)
    call.unit.agents.add(row)
    call.audit("agent.created", row.id, name=row.name)
    await call.unit.flush()
    return AgentAnswer.model_validate(row)


@endpoint("GET", "/api/copilot/agents/<agent_id>", access=READ)
async def get_agent(call: Call, agent_id: str) -> AgentAnswer:
    """Return an agent."""
    return AgentAnswer.model_validate(found(await call.unit.agents.get(agent_id), "agent"))


@endpoint("PATCH", "/api/copilot/agents/<agent_id>", access=WRITE)
async def update_agent(call: Call, agent_id: str, body: AgentPatch) -> AgentAnswer:
    """Change the fields that are sent; turns that go on end as they began."""
    row = found(await call.unit.agents.get(agent_id), "agent")
    for name, value in body.changes().items():
        setattr(row, name, value)
    await _check(call, row)
    call.audit("agent.changed", row.id)
    await call.unit.flush()
    await call.unit.agents.refresh(row)
    return AgentAnswer.model_validate(row)


@endpoint("DELETE", "/api/copilot/agents/<agent_id>", access=WRITE, status=204)
async def delete_agent(call: Call, agent_id: str) -> None:
    """Withdraw an agent; its chats go with it."""
    row = found(await call.unit.agents.get(agent_id), "agent")
    await call.unit.agents.delete(row)
    call.audit("agent.deleted", agent_id)


async def _check(call: Call, row: Agent) -> None:
    """Raise for tools, bases and models that there are not, and for approvals that are not the
    caller's to give ahead."""
    refusal = call.caller.rights.missing(Role.ADMIN, "copilot")
    if row.approvals == "listed" and refusal:
        raise Forbidden(f"Approvals are given ahead by admins only. {refusal}")
    for name in row.tools:
        await find(call.unit, name)
    if row.knowledge_base_ids:
        await bases_of(call.unit, row.knowledge_base_ids)
    own = await call.unit.model_providers.names()
    require_model(row.model, call.services.settings, own)
