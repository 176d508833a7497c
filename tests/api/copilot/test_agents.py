"""Agents: deployments of the copilot with words, bases and tools of their own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member
from tests.api.copilot.asking import Told, decide, results, talk, use_model
from tests.api.memberships import join_workspace
from tests.bases import write_base
from tests.stand_ins.openai import OpenAIStandIn, Reply, openai_stand_in

AGENTS = "/api/copilot/agents"
CHAT = "/api/copilot/chat"


@pytest.fixture
async def model(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> AsyncIterator[OpenAIStandIn]:
    async with openai_stand_in() as stand_in:
        use_model(monkeypatch, settings, stand_in)
        yield stand_in


async def _deploy(member: Member, **fields: Any) -> str:
    body = {"name": "Help desk", "systemPrompt": "You are the help desk.", **fields}
    made = await member.browser.post(AGENTS, json=body)
    assert made.status_code == 201, made.text
    return str(made.json()["id"])


async def test_an_agent_has_its_own_words_bases_and_tools(
    member: Member, services: Services, model: OpenAIStandIn
) -> None:
    its = await write_base(services.store, member.workspace_id, "The desk opens at nine.")
    await write_base(services.store, member.workspace_id, "The desk of the board is locked.")
    agent_id = await _deploy(member, knowledgeBaseIds=[its], tools=["search_knowledge"])
    model.replies = [Reply(calls=[("c", "find_workflows", "{}")]), Reply("Sorry.")]
    asked = {"message": "When does the desk open?", "agentId": agent_id}
    told = (await member.program.post(CHAT, json=asked)).json()
    first = model.requests[0]
    assert first["messages"][0]["content"].endswith("You are the help desk.")
    assert "opens at nine" in first["messages"][-1]["content"]
    assert "board" not in str(first["messages"])
    assert [tool["function"]["name"] for tool in first["tools"]] == ["search_knowledge"]
    assert "The mode agent has no tool find_workflows." in str(told["toolCalls"])
    chat = (await member.program.get(f"/api/copilot/chats/{told['chatId']}")).json()
    assert (chat["mode"], chat["agentId"]) == ("agent", agent_id)
    again = await member.program.post(CHAT, json={"message": "x", "mode": "agent"})
    assert again.status_code == 400
    assert "agentId" in again.json()["error"]["message"]
    execute = {"name": "find_workflows", "chatId": told["chatId"]}
    refused = await member.program.post("/api/copilot/tools/execute", json=execute)
    assert refused.status_code == 403


async def test_an_agent_may_have_been_given_its_approvals(
    member: Member, model: OpenAIStandIn
) -> None:
    made = (await member.program.post("/api/workflows", json={"name": "w"})).json()
    edit = (
        f'{{"workflowId": "{made["id"]}", "operations": [{{"op": "set_variable", "name": "a"}}]}}'
    )
    for approvals, is_asked in (("none", True), ("listed", False)):
        agent_id = await _deploy(member, tools=["edit_workflow"], approvals=approvals)
        model.replies = [Reply(calls=[("c", "edit_workflow", edit)]), Reply("Done.")]
        asked: list[Told] = []

        async def allow(event: Told, asked: list[Told] = asked) -> None:
            asked.append(event)
            await decide(member.browser, event, "allow")

        told = await talk(member.browser, {"message": "Go", "agentId": agent_id}, allow)
        assert bool(asked) is is_asked
        assert [each["status"] for each in results(told)] == ["success"]


async def test_who_may_make_and_ask_an_agent(member: Member, stranger: Member) -> None:
    await join_workspace(member, stranger, "read")
    agent_id = await _deploy(member)
    there = {"workspaceId": member.workspace_id}
    question = {"message": "Hello", "agentId": agent_id, **there}
    assert (await stranger.browser.post(CHAT, json=question)).status_code == 403
    assert (await stranger.browser.post(AGENTS, json={"name": "x", **there})).status_code == 403
    public = await member.browser.patch(f"{AGENTS}/{agent_id}", json={"public": True})
    assert public.json()["public"]
    assert (await stranger.browser.post(CHAT, json=question)).status_code == 200
    listed = {"name": "x", "approvals": "listed"}
    refused = await member.program.post(AGENTS, json=listed)  # a key that may write, not more
    assert refused.status_code == 403
    assert "admins only" in refused.json()["error"]["message"]
    assert [a["id"] for a in (await member.program.get(AGENTS)).json()["data"]] == [agent_id]
    for wrong in ({"tools": ["rm"]}, {"knowledgeBaseIds": ["kb_none"]}):
        assert (await member.browser.patch(f"{AGENTS}/{agent_id}", json=wrong)).status_code == 404
    model = {"model": "openai/dear"}
    assert (await member.browser.patch(f"{AGENTS}/{agent_id}", json=model)).status_code == 400
    assert (await member.browser.delete(f"{AGENTS}/{agent_id}")).status_code == 204
    assert (await member.browser.get(f"{AGENTS}/{agent_id}")).status_code == 404
