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
from api.wire import Flag, Moment, Name, Wire
from copilot.agents import visitor_tools
from copilot.bases import bases_of
from copilot.models import require_model
from copilot.toolbox import find
from core.errors import Conflict, Forbidden, ValidationFailed
from core.ids import new_id
from core.rights import Role
from core.security import hash_token, new_token
from core.store.agents import Agent
from core.store.base import now

Prompt = Annotated[str, StringConstraints(max_length=20_000)]
Tools = Annotated[list[str], Field(max_length=50)]
Bases = Annotated[list[Id], Field(max_length=50)]
Approvals = Literal["none", "listed"]


class NewAgent(Wire):
    """Only ``knowledgeBaseIds`` are searched, none if there are none.

    ``approvals``: ``none`` was given ahead, so that tools which write wait for whoever chats;
    ``listed``, which takes an admin: the tools that are listed need not ask. ``public`` lets every
    member and key of the workspace ask the agent, else only those who may write, and lets it have a
    share link for anonymous visitors. Tools work under the asker's rights.
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


class ShareBody(Wire):
    """Limits of a share link: messages of 24 hours from all visitors, and from one IPv4 address or
    IPv6 /64 block."""

    messages_per_day: int = Field(500, ge=1, le=100_000)
    messages_per_address: int = Field(50, ge=1, le=10_000)
    expires_at: Moment | None = None


class AgentShare(Wire):
    """Share link of an agent; its token is not stored."""

    created_at: datetime
    expires_at: datetime | None
    messages_per_day: int
    messages_per_address: int


class NewAgentShare(AgentShare):
    """``token`` and ``url`` are shown once; ``tools`` are those that work for visitors."""

    token: str
    url: str
    tools: list[str]


class AgentAnswer(Wire):
    id: str
    name: str
    system_prompt: str
    model: str | None
    knowledge_base_ids: list[str]
    tools: list[str]
    approvals: Approvals
    public: bool
    share: AgentShare | None = None
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
    if not row.public and row.share is not None:
        await _end_share(call, row)
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


@endpoint(
    "POST",
    "/api/copilot/agents/<agent_id>/share",
    access=WRITE,
    status=201,
    recent_login=True,
)
async def share_agent(call: Call, agent_id: str, body: ShareBody) -> NewAgentShare:
    """Make a link by which anonymous visitors ask a public agent; an earlier link ends.

    The link ends when ``public`` becomes false, and with the write access of its maker. Of the
    agent's tools, visitors have those that only read this workspace.
    """
    row = found(await call.unit.agents.get(agent_id), "agent")
    if not row.public:
        raise Conflict("The agent is not public; set public to true first.")
    if body.expires_at is not None and body.expires_at <= now():
        raise ValidationFailed("expiresAt must be in the future.")
    token = new_token()
    row.share_token_hash, row.shared_by, row.shared_at = hash_token(token), call.user_id, now()
    row.share_expires_at = body.expires_at
    row.share_messages_per_day = body.messages_per_day
    row.share_messages_per_address = body.messages_per_address
    call.audit("agent.shared", row.id)
    await call.unit.flush()
    url = f"{call.services.settings.base_url}/api/agents/{token}"
    share = AgentShare.model_validate(row.share)
    return NewAgentShare(**share.model_dump(), token=token, url=url, tools=visitor_tools(row))


@endpoint("DELETE", "/api/copilot/agents/<agent_id>/share", access=WRITE, status=204)
async def unshare_agent(call: Call, agent_id: str) -> None:
    """End an agent's share link, and the answers that are being written to visitors."""
    row = found(await call.unit.agents.get(agent_id), "agent")
    await _end_share(call, row)


async def _end_share(call: Call, row: Agent) -> None:
    row.end_share()
    await call.unit.messages.cancel_anonymous(row.id)
    call.audit("agent.unshared", row.id)


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
