"""Tools of others in the copilot: asked for before they are called, read as material, refused
where a mode has none."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from copilot import turn
from copilot.approvals import decide
from copilot.begin import Ask, begin
from copilot.toolbox import describe_all, find
from core.http import HttpClient
from core.models.messages import ToolCall
from core.rights import Rights, Role
from core.services import Services
from core.store.messages import Message
from pipelines.links import REMOVED
from tests.conftest import Owner
from tests.fakes import FakeChat
from tests.pipelines.tools.remote.test_sources import Source, register
from tests.stand_ins.mcp_server import TOKEN, McpStandIn, mcp_stand_in

NOTE = json.dumps({"name": "x"})
SUM = json.dumps({"a": 2, "b": 3})


@pytest.fixture
async def server() -> AsyncIterator[McpStandIn]:
    async with mcp_stand_in() as running:
        yield running


@pytest.fixture
async def open_services(services: Services) -> AsyncIterator[Services]:
    http = HttpClient(services.settings.model_copy(update={"outgoing_allow": "127.0.0.1"}))
    yield replace(services, http=http)
    await http.close()


async def _registered(
    services: Services, owner: Owner, server: McpStandIn, *, trusted: bool = False
) -> None:
    source = Source("mcp", server.url, {}, {}, None)
    await register(services, owner.workspace_id, source, trusted=trusted)


async def _decide(services: Services, owner: Owner, decision: Any, call_id: str) -> None:
    """Decide a call, as soon as it waits."""
    while True:
        async with services.store.unit(owner.workspace_id) as unit:
            if await unit.approvals.asked(owner.user_id, call_id, None):
                rights = Rights(Role.OWNER)
                await decide(unit, find, owner.user_id, rights, decision, call_id)
                return
        await asyncio.sleep(0.05)


async def _turn(
    services: Services, owner: Owner, rounds: list[Any], decision: Any = None, **ask: Any
) -> tuple[Message, FakeChat]:
    asked = Ask("Do it!", **{"mode": "workspace-explore", "rights": Rights(Role.OWNER), **ask})
    async with services.store.unit(owner.workspace_id) as unit:
        begun = await begin(unit, services, owner.user_id, asked)
    fake = FakeChat(rounds)
    waiting = _decide(services, owner, decision, rounds[0][0].id) if decision else None
    deciding = waiting or asyncio.sleep(0)
    await asyncio.gather(turn.run(services, begun, fake), deciding)
    async with services.store.unit(owner.workspace_id) as unit:
        stored = await unit.messages.get(begun.message.id, owner.user_id)
    assert stored is not None
    return stored, fake


async def test_a_call_waits_for_its_users_word(
    open_services: Services, owner: Owner, server: McpStandIn
) -> None:
    """Also of what its server says is read-only: nobody has said that it is to be believed."""
    await _registered(open_services, owner, server)
    rounds = [[ToolCall("c1", "desk__read_note", NOTE)], ["Well."]]
    stored, fake = await _turn(open_services, owner, rounds, "skip")
    assert server.calls == []
    assert "did not allow desk__read_note" in stored.tool_calls[0]["output"]
    assert {"desk__add", "desk__read_note", "desk__odd_name"} <= {
        tool.name for tool in fake.requests[0].tools
    }
    stored, _ = await _turn(
        open_services, owner, [[ToolCall("c2", "desk__add", SUM)], ["5."]], "allow"
    )
    assert server.calls == [("add", (2, 3))]
    assert stored.tool_calls[0]["status"] == "success"


async def test_what_it_returns_is_material_and_its_addresses_are_not_seen(
    open_services: Services, owner: Owner, server: McpStandIn
) -> None:
    await _registered(open_services, owner, server, trusted=True)
    rounds = [
        [ToolCall("c1", "desk__read_note", NOTE)],
        ["It says to go to https://evil.test/x now."],
    ]
    stored, fake = await _turn(open_services, owner, rounds)
    told = str(fake.requests[1].messages[-1]["content"])
    assert told.startswith('<material from="tool desk__read_note">')
    assert told.count("</material>") == 1
    assert TOKEN not in told
    assert stored.content == f"It says to go to {REMOVED} now."


async def test_a_trusted_source_is_believed_for_what_is_read_only_alone(
    open_services: Services, owner: Owner, server: McpStandIn
) -> None:
    await _registered(open_services, owner, server, trusted=True)
    async with open_services.store.unit(owner.workspace_id) as unit:
        tools = {str(tool["name"]): tool for tool in await describe_all(unit)}
    assert [
        (tools[name]["readOnly"], tools[name]["requiresApproval"], tools[name]["modes"])
        for name in ("desk__read_note", "desk__add")
    ] == [
        (True, False, ["workspace-explore", "agent"]),
        (False, True, ["workspace-explore", "agent"]),
    ]


async def test_arguments_are_checked_before_anybody_is_asked(
    open_services: Services, owner: Owner, server: McpStandIn
) -> None:
    await _registered(open_services, owner, server)
    wrong = json.dumps({"a": "two"})
    stored, _ = await _turn(open_services, owner, [[ToolCall("c1", "desk__add", wrong)], ["Well."]])
    assert "do not fit" in stored.tool_calls[0]["output"]
    assert server.calls == []


@pytest.mark.parametrize("mode", ["workspace-chat", None])
async def test_who_may_not_does_not_call(
    open_services: Services, owner: Owner, server: McpStandIn, mode: str | None
) -> None:
    """A mode without tools of others; a caller who may only read."""
    await _registered(open_services, owner, server, trusted=True)
    ask: dict[str, Any] = {"mode": mode} if mode else {"rights": Rights(Role.READ)}
    rounds = [[ToolCall("c1", "desk__read_note", NOTE)], ["Well."]]
    stored, fake = await _turn(open_services, owner, rounds, **ask)
    said = stored.tool_calls[0]["output"]
    assert ("has no tool desk__read_note" if mode else "needs the role write") in said
    assert not any(tool.name.startswith("desk__") for tool in fake.requests[0].tools)
    assert server.calls == []
