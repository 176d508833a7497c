"""Tools: listed, run under the caller's own rights, and refused alike by every way in."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator
from typing import Any

import pytest
import socketio

from copilot import turn
from copilot.begin import Ask, begin
from copilot.modes import AGENT, PUBLISHED, Mode, all_modes
from copilot.toolbox import TOOLS
from core.models.messages import ToolCall
from core.rights import Rights, Role
from core.services import Services
from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.bases import write_base
from tests.fakes import FakeChat
from tests.security.matrix.rows import one_of_each, write_source

LUNCH = "Lunch is served at noon in the canteen on the ground floor."
EXECUTE = "/api/copilot/tools/execute"


async def test_tools_are_listed_and_run_under_the_callers_rights(
    member: Member, stranger: Member, services: Services
) -> None:
    await write_base(services.store, member.workspace_id, LUNCH)
    tools = (await member.program.get("/api/copilot/tools")).json()
    assert {
        "name",
        "description",
        "parameters",
        "readOnly",
        "requiresApproval",
        "role",
        "modes",
    } == set(tools[0])
    search = {"name": "search_knowledge", "arguments": {"query": "lunch"}}
    mine = (await member.program.post("/api/copilot/tools/execute", json=search)).json()
    assert mine["success"]
    assert LUNCH in mine["output"]
    theirs = (await stranger.program.post("/api/copilot/tools/execute", json=search)).json()
    assert LUNCH not in theirs["output"]
    wrong = {"name": "search_knowledge", "arguments": {"words": 3}}
    refused = (await member.program.post("/api/copilot/tools/execute", json=wrong)).json()
    assert not refused["success"]
    assert "do not fit" in refused["error"]
    unknown = await member.program.post("/api/copilot/tools/execute", json={"name": "rm"})
    assert unknown.status_code == 404


@pytest.fixture
async def socket(member: Member, api_url: str) -> AsyncGenerator[socketio.AsyncClient, None]:
    client = socketio.AsyncClient(reconnection=False)
    token = {"token": member.program.headers["x-api-key"]}
    await client.connect(api_url, auth=token, transports=["websocket"], wait_timeout=10)
    yield client
    await client.disconnect()


MODES = [mode.name for mode in all_modes()] + [AGENT]


async def _place(member: Member, mode: str) -> dict[str, Any]:
    """Return where calls of a mode are made: its name and a workflow, or a chat with an agent."""
    if mode != AGENT:
        made = await member.browser.post("/api/workflows", json={"name": "w"})
        return {"mode": mode, "workflowId": made.json()["id"]}
    agent = {"name": "a", "tools": ["search_knowledge"]}
    agent_id = (await member.program.post("/api/copilot/agents", json=agent)).json()["id"]
    asked = {"message": "Hello", "agentId": agent_id}
    chat = (await member.program.post("/api/copilot/chat", json=asked)).json()
    return {"chatId": chat["chatId"]}


async def _by_model(
    services: Services, member: Member, place: dict[str, Any], names: list[str]
) -> list[str]:
    """Have a model call tools in one round of a turn; return what it is told of each."""
    async with services.store.unit(member.workspace_id) as unit:
        ask = Ask(
            "Do it!",
            chat_id=place.get("chatId"),
            mode=place.get("mode"),
            workflow_id=place.get("workflowId"),
            rights=Rights(Role.OWNER),
        )
        begun = await begin(unit, services, member.user_id, ask)
    fake = FakeChat([[ToolCall(f"c_{name}", name, "{}") for name in names], ["Well."]])
    await turn.run(services, begun, fake)
    assert not set(names) & {tool.name for tool in fake.requests[0].tools}
    return [str(message["content"]) for message in fake.requests[1].messages[-len(names) :]]


@pytest.mark.parametrize("name", MODES)
async def test_a_tool_that_a_mode_has_not_is_refused_three_times_alike(
    member: Member, services: Services, socket: socketio.AsyncClient, name: str
) -> None:
    """Each pair of a mode and a tool that it has not: by the route, by a socket, by the model."""
    remote = await write_source(services, member.workspace_id)
    place = await _place(member, name)
    agents = Mode(AGENT, needs_workflow=False, tools=frozenset({"search_knowledge"}), task="")
    mode = {each.name: each for each in all_modes()}.get(name, agents)
    forbidden = [tool for tool in (*TOOLS, remote) if not mode.has(tool)]
    assert forbidden
    said = []
    for tool in forbidden:
        asked = {"name": tool, **place}
        by_route = await member.program.post(EXECUTE, json=asked)
        by_socket = await socket.call("copilot:tool", asked, timeout=60)
        assert by_route.status_code == 403
        refused = by_route.json()["error"]["message"]
        assert refused.startswith(f"The mode {name} has no tool {tool}.")
        assert by_socket == {
            "ok": False,
            "error": {"code": "FORBIDDEN", "message": refused, "retryable": False},
        }
        said.append(f'<material from="tool {tool}">\n{refused}\n</material>')
    if name != PUBLISHED:  # there the workflow answers, and no model of ours is asked
        assert await _by_model(services, member, place, forbidden) == said


async def test_a_tool_whose_right_the_caller_lacks_is_refused_alike(
    member: Member, stranger: Member, services: Services
) -> None:
    await join_workspace(member, stranger, "read")
    chart = {"name": "make_artifact", "arguments": {"type": "code", "title": "t", "content": "c"}}
    there = {**chart, "workspaceId": member.workspace_id}
    refused = await stranger.browser.post(EXECUTE, json=there)
    assert refused.status_code == 403
    assert "needs the role write" in refused.json()["error"]["message"]
    assert (await stranger.browser.post(EXECUTE, json=chart)).json()["success"]  # at home
    narrow = {"name": "narrow", "scopes": ["copilot:read"]}
    key = (await member.browser.post("/api/auth/api-keys", json=narrow)).json()["key"]
    scoped = {"name": "find_workflows"}
    answer = await stranger.browser.post(EXECUTE, json=scoped, headers={"x-api-key": key})
    assert answer.status_code == 403
    assert "workflows:read" in answer.json()["error"]["message"]


async def test_no_tool_leads_to_rows_of_another_tenant(
    member: Member, stranger: Member, services: Services
) -> None:
    theirs, mine = await one_of_each(member, services), await one_of_each(stranger, services)
    kinds = {"workflowId": "workflow_id", "executionId": "execution_id"}
    words = {"query": "slipway", "question": "slipway", "type": "code", "title": "t"}
    words |= {"content": "c", "code": "return 1"}
    for tool in (await stranger.program.get("/api/copilot/tools")).json():
        if tool["requiresApproval"]:
            continue  # in the test below
        fields = tool["parameters"]["properties"]
        ids = [name for name in fields if name.endswith("Id")]
        assert set(ids) <= kinds.keys(), f"{tool['name']}: say in kinds what {ids} are"
        needed = tool["parameters"].get("required", [])
        given = {name: words[name] for name in needed if name in words}
        given |= {name: mine[kinds[name]] for name in ids if name in needed}
        for name in ids or [None]:
            arguments = {**given, name: theirs[kinds[name]]} if name else given
            asked = {"name": tool["name"], "arguments": arguments}
            ran = (await stranger.program.post(EXECUTE, json=asked)).json()
            told = json.dumps(ran["output"])
            leaks = [kind for kind, value in theirs.items() if value in told]
            assert not leaks, (tool["name"], name, ran)
            if name and tool["name"] not in ("analyze_logs", "report_errors"):
                assert not ran["success"], (tool["name"], name)
                assert "There is no such" in ran["error"]


async def test_secrets_are_not_told_to_models_or_callers(
    member: Member, services: Services
) -> None:
    path = f"/api/workspaces/{member.workspace_id}/secrets/TOKEN"
    assert (await member.browser.put(path, json={"value": "hush-hush-1"})).status_code == 204
    code = {
        "language": "javascript",
        "code": "return inputs.a + '!'",
        "inputs": {"a": "hush-hush-1"},
    }
    ran = (await member.program.post(EXECUTE, json={"name": "run_code", "arguments": code})).json()
    assert ran["output"]["result"] == "{{TOKEN}}!"


@pytest.mark.parametrize("kind", ["svg", "png"])
async def test_a_chart_is_an_artifact_to_look_at(member: Member, kind: str) -> None:
    chart = {
        "title": "Runs <a day>",
        "labels": ["$x^2$", "Tue"],
        "series": [{"name": "runs", "values": [3, 4.5]}],
        "format": kind,
    }
    asked = {"name": "make_chart", "arguments": chart, "mode": "workspace-explore"}
    ran = (await member.program.post(EXECUTE, json=asked)).json()
    (shown,) = ran["artifacts"]
    assert shown["token"] not in json.dumps(ran["output"])
    seen = await member.program.get(f"/api/artifacts/{shown['token']}")
    assert seen.status_code == 200
    assert "sandbox" in seen.headers["content-security-policy"]
    if kind == "png":
        assert seen.content.startswith(b"\x89PNG")
    else:
        assert "Runs &lt;a day&gt;" in seen.text
        assert "$x^2$" in seen.text
    wrong = {**chart, "series": [{"values": [1]}]}
    asked = {"name": "make_chart", "arguments": wrong}
    assert "one value a label" in (await member.program.post(EXECUTE, json=asked)).json()["error"]


# What each tool that waits for approval is called with: ids of another tenant in all its places.
WRITING: dict[str, dict[str, Any]] = {
    "edit_workflow": {
        "workflowId": "{workflow_id}",
        "operations": [{"op": "set_variable", "name": "a", "value": "1"}],
    },
    "run_workflow": {"workflowId": "{workflow_id}"},
    "gmail_send": {"to": ["a@example.com"], "attachments": [{"fileId": "{file_id}"}]},
    "run_python": {"code": "1", "fileIds": ["{file_id}"]},
    "slack_message": {"channel": "c", "text": "t"},  # nothing but the other's secret would do
    "openai_complete": {"model": "m", "prompt": "p"},
    "web_search": {"query": "q"},
    "sql_query": {"query": "SELECT 1"},
    "http_request": {"url": "http://127.0.0.1/", "headers": {"X-Key": "{{SLACK_BOT_TOKEN}}"}},
}


async def test_no_writing_tool_reaches_rows_or_secrets_of_another_tenant(
    member: Member, stranger: Member, services: Services
) -> None:
    theirs = await one_of_each(member, services)
    secret = f"/api/workspaces/{member.workspace_id}/secrets"
    for name in (
        "SLACK_BOT_TOKEN",
        "OPENAI_API_KEY",
        "GMAIL_ACCESS_TOKEN",
        "BRAVE_SEARCH_API_KEY",
        "SQL_DATABASE_URL",
    ):
        answer = await member.browser.put(f"{secret}/{name}", json={"value": "their-secret"})
        assert answer.status_code == 204
    own = f"/api/workspaces/{stranger.workspace_id}/secrets/GMAIL_ACCESS_TOKEN"
    await stranger.browser.put(own, json={"value": "my-own"})  # so that the file is looked for
    workflow = f"/api/workflows/{theirs['workflow_id']}"
    before = (await member.program.get(workflow)).json()
    listed = (await stranger.program.get("/api/copilot/tools")).json()
    assert {tool["name"] for tool in listed if tool["requiresApproval"]} == WRITING.keys()
    for name, arguments in WRITING.items():
        text = json.dumps(arguments)
        for kind, value in theirs.items():
            text = text.replace("{" + kind + "}", value)
        asked = {"name": name, "arguments": json.loads(text)}
        ran = (await stranger.program.post(EXECUTE, json=asked)).json()
        assert not ran["success"], (name, ran)
        assert "their-secret" not in json.dumps(ran)
    remote = {"name": theirs["tool_name"], "arguments": {}}
    assert (await stranger.program.post(EXECUTE, json=remote)).status_code == 404
    assert (await stranger.program.post(f"/api/tools/{remote['name']}", json={})).status_code == 404
    assert (await member.program.get(workflow)).json() == before
