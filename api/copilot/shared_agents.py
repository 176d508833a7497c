"""Public agents, asked without credentials by visitors who have the share link."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Annotated, Any, Final

from pydantic import StringConstraints

from api import throttle
from api.access import PUBLIC
from api.call import Call, Reply
from api.copilot.events import Citation, CopilotEvent, Notice
from api.copilot.schemas import Id
from api.endpoint import Media, endpoint
from api.errors import found
from api.stream import last_event_id, require_given, stream_events
from api.wire import Wire
from copilot.begin import Ask, Turn, begin
from copilot.events import follow, log_name
from copilot.turn import launch
from core import redis_names
from core.errors import Conflict, NotFound, RateLimited, UpstreamError
from core.events import Event
from core.security import hash_token
from core.services import Services
from core.store.agents import Agent
from core.store.messages import Message

EVENTS: Final = Media("text/event-stream", CopilotEvent)
MAX_RUNNING: Final = 8  # answers of one agent to visitors at a time
_RETRY_SECONDS: Final = 2
# Calls of tools, their results and costs are the workspace's own.
_SHOWN: Final = frozenset({"start", "text", "citation", "notice", "error", "done"})
_FAILED: Final = "The agent could not answer; try again."


class SharedAgent(Wire):
    """What a visitor learns of an agent."""

    name: str


class VisitorMessage(Wire):
    """A visitor's message; ``chatId`` of an earlier answer continues that chat."""

    message: Annotated[
        str, StringConstraints(strip_whitespace=True, min_length=1, max_length=4_000)
    ]
    chat_id: Id | None = None


class VisitorAnswer(Wire):
    chat_id: str
    message_id: str
    content: str
    citations: list[Citation]
    notice: Notice | None = None


@endpoint("GET", "/api/agents/<token>", access=PUBLIC)
async def get_shared_agent(call: Call, token: str) -> SharedAgent:
    """Return the name of the agent that a share link opens."""
    return SharedAgent(name=(await _find(call.services, token)).name)


@endpoint("POST", "/api/agents/<token>/chat", access=PUBLIC, errors=(Conflict, UpstreamError))
async def ask_shared_agent(call: Call, token: str, body: VisitorMessage) -> VisitorAnswer:
    """Ask a shared agent and wait for the whole answer."""
    agent, turn = await _begin(call, token, body)
    visit = _Visit(call.services, agent.workspace_id, agent.id, turn.message.id)
    await call.wait_while_allowed(visit.wait(turn.message))
    message = found(await visit.load(), "message")
    if message.error:
        place = {"chatId": message.chat_id, "messageId": message.id}
        raise UpstreamError(_FAILED, place)
    return VisitorAnswer(
        chat_id=message.chat_id,
        message_id=message.id,
        content=message.content,
        citations=message.citations,
        notice=message.notice,
    )


@endpoint(
    "POST",
    "/api/agents/<token>/stream",
    access=PUBLIC,
    answers={200: EVENTS},
    errors=(Conflict,),
)
async def stream_shared_agent(call: Call, token: str, body: VisitorMessage) -> Reply:
    """Ask a shared agent and read the answer as it is written.

    The events are those of ``POST /api/copilot/stream`` but for ``thinking``, ``tool`` and
    ``artifact``; ``done`` has no usage and no cost.
    """
    agent, turn = await _begin(call, token, body)
    visit = _Visit(call.services, agent.workspace_id, agent.id, turn.message.id)
    return stream_events(visit.follow(turn.message, 0))


@endpoint(
    "GET",
    "/api/agents/<token>/streams/<message_id>",
    access=PUBLIC,
    answers={200: EVENTS},
    headers=("Last-Event-ID",),
)
async def resume_shared_agent(call: Call, token: str, message_id: str) -> Reply:
    """Follow an answer of a shared agent from ``Last-Event-ID`` on, or from its start."""
    agent = await _find(call.services, token)
    call.check_rights = partial(_require_shared, call.services, token)
    visit = _Visit(call.services, agent.workspace_id, agent.id, message_id)
    message = found(await visit.load(), "message")
    after = last_event_id(call)
    await require_given(call, log_name(message), after)
    return stream_events(visit.follow(message, after))


async def _begin(call: Call, token: str, body: VisitorMessage) -> tuple[Agent, Turn]:
    services = call.services
    agent = await _find(services, token)
    call.check_rights = partial(_require_shared, services, token)
    await _spend(call, agent)
    async with services.store.unit(agent.workspace_id) as unit:
        if await unit.messages.count_running_anonymous(agent.id) >= MAX_RUNNING:
            raise RateLimited(
                "The agent is answering many visitors; try again soon.",
                "concurrency",
                _RETRY_SECONDS,
            )
        ask = Ask(body.message, body.chat_id, agent_id=agent.id, is_anonymous=True)
        turn = await begin(unit, services, agent.shared_by or "", ask)
        unit.after_commit(partial(launch, services, turn))
    return agent, turn


async def _find(services: Services, token: str) -> Agent:
    async with services.store.system() as system:
        agent = await system.shared_agents.find(hash_token(token))
    if agent is None:
        raise NotFound("Shared agent not found; ask for a new link.")
    return agent


async def _require_shared(services: Services, token: str) -> None:
    await _find(services, token)


async def _spend(call: Call, agent: Agent) -> None:
    """Count a message of the sender's address block, then of all visitors.

    One address that is over its limit does not use up the limit of all.
    """
    ids = (agent.workspace_id, agent.id)
    by_address = redis_names.agent_messages_of_address(*ids, call.request.address_block)
    limits = {
        by_address: agent.share_messages_per_address,
        redis_names.agent_messages(*ids): agent.share_messages_per_day,
    }
    for name, limit in limits.items():
        await throttle.of_visitors(call.services.redis, name, limit or 0).spend()


@dataclass(frozen=True)
class _Visit:
    """One answer to a visitor, as the visitor may see it."""

    services: Services
    workspace_id: str
    agent_id: str
    message_id: str

    async def load(self) -> Message | None:
        async with self.services.store.unit(self.workspace_id) as unit:
            return await unit.messages.get_anonymous(self.message_id, self.agent_id)

    async def wait(self, message: Message) -> None:
        async for _ in follow(self.services.events, message, self.load, 0):
            pass

    async def follow(self, message: Message, after: int) -> AsyncIterator[Event | None]:
        async for event in follow(self.services.events, message, self.load, after):
            if event is None:
                yield None
            elif event.data["type"] in _SHOWN:
                yield replace(event, data={**event.data, "payload": _shown(event.data)})


def _shown(data: dict[str, Any]) -> dict[str, Any]:
    """Return the payload of an event without the workspace's model, costs and failures."""
    kind, payload = data["type"], data["payload"]
    if kind == "start":
        return {**payload, "model": None}
    if kind == "error":
        return {"code": payload["code"], "message": _FAILED}
    if kind == "done":
        return {**payload, "usage": None, "cost": None}
    return dict(payload)
