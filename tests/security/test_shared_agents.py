"""Agents that anonymous visitors ask by a share link: what they reach, and how it ends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import httpx
import pytest

from copilot.tools import services as outgoing
from core.config import Settings
from core.services import Services
from core.store.base import now
from tests.api.conftest import Member
from tests.api.copilot.asking import use_model
from tests.bases import write_base
from tests.security.matrix.rows import invite
from tests.stand_ins.openai import OpenAIStandIn, Reply, openai_stand_in

AGENTS = "/api/copilot/agents"
HELLO = {"message": "When does the desk open?"}


@pytest.fixture
async def model(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> AsyncIterator[OpenAIStandIn]:
    async with openai_stand_in() as stand_in:
        use_model(monkeypatch, settings, stand_in)
        yield stand_in


async def _agent(member: Member, **fields: Any) -> str:
    body = {"name": "Help desk", "systemPrompt": "You help.", "public": True, **fields}
    made = await member.browser.post(AGENTS, json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def _share(member: Member, agent_id: str, **limits: Any) -> str:
    made = await member.browser.post(f"{AGENTS}/{agent_id}/share", json=limits)
    assert made.status_code == 201, made.text
    return f"/api/agents/{made.json()['token']}"


async def test_shared_agent_answers_a_visitor_from_its_bases_alone(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    its = await write_base(services.store, member.workspace_id, "The desk opens at nine.")
    await write_base(services.store, member.workspace_id, "The desk of the board opens at ten.")
    link = await _share(member, await _agent(member, knowledgeBaseIds=[its]))
    assert (await anonymous.get(link)).json() == {"name": "Help desk"}
    first = await anonymous.post(f"{link}/chat", json=HELLO)
    assert first.status_code == 200, first.text
    told = first.json()
    assert "nine" in told["content"]
    assert "board" not in told["content"]
    again = {"message": "And who works there?", "chatId": told["chatId"]}
    assert (await anonymous.post(f"{link}/chat", json=again)).json()["chatId"] == told["chatId"]

    # A visitor's chat is none of the person's who shared the agent.
    chats = await member.browser.get("/api/copilot/chats")
    history = await member.browser.get("/api/copilot/history")
    assert (chats.json()["data"], history.json()["data"]) == ([], [])
    named = await member.browser.get(f"/api/copilot/chats/{told['chatId']}")
    assert named.status_code == 404
    stream = await member.browser.get(f"/api/copilot/streams/{told['messageId']}")
    assert stream.status_code == 404


async def test_shared_agent_gives_visitors_no_tool_that_writes_or_calls_out(
    member: Member, anonymous: httpx.AsyncClient, model: OpenAIStandIn, services: Services
) -> None:
    tools = ["search_knowledge", "find_workflows", "edit_workflow", "run_workflow", *outgoing.LENT]
    base = await write_base(services.store, member.workspace_id, "The desk opens at nine.")
    agent_id = await _agent(member, tools=tools, approvals="listed", knowledgeBaseIds=[base])
    workflow = (await member.program.post("/api/workflows", json={"name": "kept"})).json()
    rename = {"workflowId": workflow["id"], "operations": [{"op": "set_variable", "name": "x"}]}
    model.replies = [Reply(calls=[("c", "edit_workflow", json.dumps(rename))]), Reply("No.")]
    shared = await member.browser.post(f"{AGENTS}/{agent_id}/share", json={})
    assert shared.json()["tools"] == ["search_knowledge", "find_workflows"]
    told = await anonymous.post(f"/api/agents/{shared.json()['token']}/stream", json=HELLO)
    offered = {tool["function"]["name"] for tool in model.requests[0]["tools"]}
    assert offered == {"search_knowledge", "find_workflows"}
    assert "has no tool edit_workflow" in str(model.requests[1]["messages"])
    kept = (await member.program.get(f"/api/workflows/{workflow['id']}")).json()
    assert (kept["version"], kept["variables"]) == (workflow["version"], workflow["variables"])
    # Neither calls, nor the model, nor costs are a visitor's to see.
    for hidden in ("edit_workflow", "stand-in", '"tool"'):
        assert hidden not in told.text
    assert '"usage":null' in told.text
    assert told.text.endswith("data: [DONE]\n\n")


@pytest.mark.parametrize(
    "field", [{"agentId": "agent_x"}, {"mode": "workspace-explore"}, {"knowledgeBaseIds": []}]
)
async def test_visitor_message_with_fields_of_members_is_refused(
    member: Member, anonymous: httpx.AsyncClient, field: dict[str, Any]
) -> None:
    link = await _share(member, await _agent(member))
    assert (await anonymous.post(f"{link}/chat", json={**HELLO, **field})).status_code == 400


async def test_visitor_with_a_chat_of_elsewhere_gets_404(
    member: Member, anonymous: httpx.AsyncClient
) -> None:
    agent_id = await _agent(member)
    link, other = await _share(member, agent_id), await _share(member, await _agent(member))
    own = await member.browser.post("/api/copilot/chat", json={**HELLO, "agentId": agent_id})
    visited = (await anonymous.post(f"{other}/chat", json=HELLO)).json()
    for chat_id in (own.json()["chatId"], visited["chatId"], "chat_none"):
        answer = await anonymous.post(f"{link}/chat", json={**HELLO, "chatId": chat_id})
        assert answer.status_code == 404
    for message_id in (own.json()["messageId"], visited["messageId"]):
        assert (await anonymous.get(f"{link}/streams/{message_id}")).status_code == 404
    assert (await anonymous.get(f"{other}/streams/{visited['messageId']}")).status_code == 200


async def test_share_with_a_key_or_of_a_private_agent_is_refused(member: Member) -> None:
    agent_id = await _agent(member, public=False)
    refused = await member.browser.post(f"{AGENTS}/{agent_id}/share", json={})
    assert refused.status_code == 409
    await member.browser.patch(f"{AGENTS}/{agent_id}", json={"public": True})
    by_key = await member.program.post(f"{AGENTS}/{agent_id}/share", json={})
    assert (by_key.status_code, by_key.json()["error"]["code"]) == (403, "FORBIDDEN")
    for wrong in ((now() - timedelta(seconds=1)).isoformat(), "2099-01-01T00:00:00", 4_000_000_000):
        late = await member.browser.post(f"{AGENTS}/{agent_id}/share", json={"expiresAt": wrong})
        assert late.status_code == 400


async def test_share_token_is_stored_as_a_hash_and_shown_once(
    member: Member, services: Services
) -> None:
    agent_id = await _agent(member)
    made = await member.browser.post(f"{AGENTS}/{agent_id}/share", json={"messagesPerDay": 7})
    token = made.json()["token"]
    assert made.headers["cache-control"] == "no-store"
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.agents.get(agent_id)
    assert row is not None
    assert token not in repr(vars(row))
    shown = await member.browser.get(f"{AGENTS}/{agent_id}")
    assert token not in shown.text
    assert shown.json()["share"]["messagesPerDay"] == 7


@pytest.mark.parametrize("ending", ["not public", "unshared", "shared anew", "deleted", "left"])
async def test_share_link_that_is_ended_opens_nothing(
    member: Member, stranger: Member, anonymous: httpx.AsyncClient, services: Services, ending: str
) -> None:
    await invite(member, stranger, "write")
    agent_id = await _agent(member)
    there = {"workspaceId": member.workspace_id}
    made = await stranger.browser.post(f"{AGENTS}/{agent_id}/share", params=there, json={})
    link = f"/api/agents/{made.json()['token']}"
    assert (await anonymous.get(link)).status_code == 200
    if ending == "not public":
        await member.browser.patch(f"{AGENTS}/{agent_id}", json={"public": False})
        await member.browser.patch(f"{AGENTS}/{agent_id}", json={"public": True})
    elif ending == "unshared":
        await member.browser.delete(f"{AGENTS}/{agent_id}/share")
    elif ending == "shared anew":
        await _share(member, agent_id)
    elif ending == "deleted":
        await member.browser.delete(f"{AGENTS}/{agent_id}")
    else:
        left = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
        assert (await member.browser.delete(left)).status_code == 204
    for answer in (await anonymous.get(link), await anonymous.post(f"{link}/chat", json=HELLO)):
        assert (answer.status_code, answer.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_answer_that_is_written_ends_when_the_link_does(
    member: Member,
    anonymous: httpx.AsyncClient,
    model: OpenAIStandIn,
    services: Services,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("api.reauthorization.RECHECK_SECONDS", 0.2)
    model.replies = [Reply("word " * 2_000, pause=0.05)]
    agent_id = await _agent(member)
    link = await _share(member, agent_id)
    async with asyncio.timeout(30):
        async with anonymous.stream("POST", f"{link}/stream", json=HELLO) as answer:
            lines = answer.aiter_lines()
            async for line in lines:
                if '"type":"text"' in line:
                    break
            await member.browser.delete(f"{AGENTS}/{agent_id}/share")
            rest = [line async for line in lines]
        while True:  # the turn itself, which nobody reads any more
            async with services.store.unit(member.workspace_id) as unit:
                if not await unit.messages.count_running_anonymous(agent_id):
                    break
            await asyncio.sleep(0.1)
    assert len(rest) < 1_000


async def test_visitors_beyond_the_limits_of_a_link_are_refused(
    member: Member, anonymous: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = await _share(member, await _agent(member), messagesPerAddress=2, messagesPerDay=3)
    codes = [(await anonymous.post(f"{link}/chat", json=HELLO)).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    # Refused messages of one address are not counted against all visitors.
    monkeypatch.setattr("api.call.address_block", lambda _: "192.0.2.7")
    codes = [(await anonymous.post(f"{link}/chat", json=HELLO)).status_code for _ in range(2)]
    assert codes == [200, 429]
    monkeypatch.setattr("api.copilot.shared_agents.MAX_RUNNING", 0)
    busy = await anonymous.post(f"{await _share(member, await _agent(member))}/chat", json=HELLO)
    assert (busy.status_code, busy.json()["error"]["details"]["reason"]) == (429, "concurrency")


async def test_requests_with_a_token_in_the_path_are_logged_without_it(
    member: Member, anonymous: httpx.AsyncClient, capsys: pytest.CaptureFixture[str]
) -> None:
    link = await _share(member, await _agent(member))
    artifact = {"type": "markdown", "title": "t", "content": "Hi", "visibility": "public"}
    made = (await member.program.post("/api/artifacts", json=artifact)).json()
    capsys.readouterr()
    await anonymous.get(link)
    await anonymous.get(f"/api/artifacts/{made['token']}")
    logged = capsys.readouterr()
    text = logged.out + logged.err
    assert "/api/agents/<token>" in text
    assert link.rsplit("/", 1)[1] not in text
    assert made["token"] not in text


async def test_unused_chats_of_visitors_are_deleted_after_a_time(
    member: Member, anonymous: httpx.AsyncClient, services: Services
) -> None:
    link = await _share(member, await _agent(member))
    told = (await anonymous.post(f"{link}/chat", json=HELLO)).json()
    own = (await member.browser.post("/api/copilot/chat", json=HELLO)).json()
    async with services.store.system() as system:
        await system.anonymous_chats.delete_unused(timedelta(days=-1))
    again = await anonymous.post(f"{link}/chat", json={**HELLO, "chatId": told["chatId"]})
    assert again.status_code == 404
    assert (await member.browser.get(f"/api/copilot/chats/{own['chatId']}")).status_code == 200
