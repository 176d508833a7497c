"""The Python client's ways to steer, judge and deploy the copilot."""

from __future__ import annotations

import asyncio

from nuxa import NuxaClient

from tests.api.conftest import Member


async def test_agents_feedback_and_checkpoints(member: Member) -> None:
    key, url = member.program.headers["x-api-key"], str(member.program.base_url)
    await asyncio.to_thread(_walk, key, url)


async def test_shared_agents_with_a_link_chat_and_stream(member: Member) -> None:
    agent = {"name": "Desk", "public": True}
    made = (await member.browser.post("/api/copilot/agents", json=agent)).json()
    path = f"/api/copilot/agents/{made['id']}/share"
    token = (await member.browser.post(path, json={})).json()["token"]
    key, url = member.program.headers["x-api-key"], str(member.program.base_url)
    await asyncio.to_thread(_visit, key, url, token, made["id"])


def _visit(key: str, url: str, token: str, agent_id: str) -> None:
    with NuxaClient(base_url=url, token="none") as visitor:
        assert visitor.shared_agents.get(token)["name"] == "Desk"
        told = visitor.shared_agents.chat(token, {"message": "Hello"})
        again = {"message": "Hello again", "chatId": told.chat_id}
        assert [*visitor.shared_agents.stream(token, again)][-1]["type"] == "done"
    with NuxaClient(api_key=key, base_url=url) as client:
        (shared,) = client.copilot.agents()
        assert shared.share is not None
        client.copilot.unshare_agent(agent_id)
        assert next(iter(client.copilot.agents())).share is None


def _walk(key: str, url: str) -> None:
    with NuxaClient(api_key=key, base_url=url) as client:
        agent = client.copilot.create_agent({"name": "Desk", "tools": ["search_knowledge"]})
        assert client.copilot.update_agent(agent.id, {"public": True}).public
        assert [each.id for each in client.copilot.agents()] == [agent.id]
        told = client.copilot.chat({"message": "Hello", "agentId": agent.id})
        (chat,) = client.copilot.chats()
        assert chat.agent_id == agent.id
        assert client.copilot.rate(told.message_id, "up")["rating"] == "up"
        client.copilot.delete_agent(agent.id)
        workflow = client.workflows.create({"name": "w"})
        operation = {"op": "set_variable", "name": "a", "value": "1"}
        edit = {"workflowId": workflow.id, "operations": [operation]}
        assert client.copilot.execute_tool("edit_workflow", edit).success
        (checkpoint,) = client.copilot.checkpoints(workflow_id=workflow.id)
        client.copilot.revert(checkpoint.id)
        assert client.workflows.get(workflow.id).variables == {}
