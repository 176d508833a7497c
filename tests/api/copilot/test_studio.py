"""Studio: a workflow from one sentence, approved, checked, run, and taken back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

import pytest

from core.config import Settings
from core.services import Services
from tests.api.conftest import Member
from tests.api.copilot.asking import Told, decide, events, results, talk, use_model
from tests.bases import write_base
from tests.pipelines.shapes import block, definition
from tests.stand_in import Asked, Says, StandIn, standing_in
from tests.stand_ins.openai import OpenAIStandIn, Reply, openai_stand_in

SENTENCE = (
    "When a webhook brings a question, search the base, answer with citations, post to Slack."
)
SLIPWAY = "The slipway is closed on Mondays for maintenance."
FORMER = definition([block("t", template="old")], "s>t")


@pytest.fixture
async def model(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> AsyncIterator[OpenAIStandIn]:
    async with openai_stand_in() as stand_in:
        use_model(monkeypatch, settings, stand_in)
        yield stand_in


@pytest.fixture
async def slack(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> AsyncIterator[StandIn]:
    def posted(asked: Asked) -> Says:
        return Says.json({"ok": True, "ts": "1.2", "channel": "C1", "message": asked.json()})

    async with standing_in() as stand_in:
        stand_in.answer = posted
        monkeypatch.setattr(settings, "slack_base_url", stand_in.url)
        yield stand_in


def _edits(base_id: str) -> dict[str, Any]:
    agent = {
        "model": "nuxa/extractive",
        "systemPrompt": "Answer from the documents and cite them.",
        "prompt": "<start.body.question>",
        "knowledgeBaseIds": [base_id],
    }
    params = {"channel": "#answers", "text": "<answer.content>"}
    return {
        "operations": [
            {"op": "delete_block", "id": "t"},
            {"op": "add_block", "id": "a", "type": "agent", "name": "Answer", "settings": agent},
            {"op": "add_block", "id": "p", "type": "tool", "name": "Post",
             "settings": {"toolName": "slack_message", "params": params}},
            {"op": "connect", "source": "s", "target": "a"},
            {"op": "connect", "source": "a", "target": "p"},
        ]
    }  # fmt: skip


def _studio_turns(base_id: str) -> list[Reply]:
    trial = {"input": {"body": {"question": "When is the slipway closed?"}}}
    return [
        Reply(calls=[("c1", "find_blocks", '{"text": "agent"}'), ("c2", "read_workflow", "{}")]),
        Reply("I will build it.", calls=[("c3", "edit_workflow", json.dumps(_edits(base_id)))]),
        Reply(calls=[("c4", "check_workflow", "{}"), ("c5", "run_workflow", json.dumps(trial))]),
        Reply("It is built and posts to Slack."),
    ]


async def _workflow(member: Member) -> str:
    made = await member.program.post("/api/workflows", json={"name": "w", **FORMER})
    return str(made.json()["id"])


async def test_a_sentence_becomes_a_workflow_that_runs_and_can_be_taken_back(
    member: Member, services: Services, model: OpenAIStandIn, slack: StandIn
) -> None:
    base_id = await write_base(services.store, member.workspace_id, SLIPWAY)
    secret = f"/api/workspaces/{member.workspace_id}/secrets/SLACK_BOT_TOKEN"
    assert (await member.browser.put(secret, json={"value": "xoxb-1234567"})).status_code == 204
    workflow_id = await _workflow(member)
    path = f"/api/workflows/{workflow_id}"
    former = (await member.browser.get(path)).json()
    model.replies = _studio_turns(base_id)

    asked: list[str] = []

    async def allow(event: Told) -> None:
        asked.append(event["payload"]["name"])
        now = (await member.browser.get(path)).json()["version"]
        assert now == former["version"] + (len(asked) > 1)  # nothing is written before the word
        assert (await decide(member.browser, event, "allow")).status_code == 200

    body = {"message": SENTENCE, "mode": "workflow-studio", "workflowId": workflow_id}
    told = await talk(member.browser, body, allow)
    assert told[-1]["payload"]["status"] == "completed", told
    assert asked == ["edit_workflow", "run_workflow"]
    by_name = {each["name"]: each for each in results(told)}
    assert {each["status"] for each in by_name.values()} == {"success"}, by_name
    assert by_name["edit_workflow"]["output"]["valid"]
    assert by_name["check_workflow"]["output"]["valid"]
    assert by_name["run_workflow"]["output"]["status"] == "completed"
    (posted,) = slack.asked
    assert posted.json()["text"].startswith(f"{SLIPWAY} [1]")

    await by_webhook(member, path, workflow_id)
    assert slack.asked[1].json()["text"].startswith(f"{SLIPWAY} [1]")
    await taken_back(member, path, former)


async def by_webhook(member: Member, path: str, workflow_id: str) -> None:
    """Deploy it, and have a webhook bring the question."""
    assert (await member.browser.post(f"{path}/deploy", json={})).status_code == 200
    settings = {"auth": "none", "mode": "sync"}
    assert (await member.browser.put(f"{path}/webhook", json=settings)).status_code == 200
    question = {"question": "When is the slipway closed?"}
    answer = await member.browser.post(f"/api/webhooks/{workflow_id}", json=question)
    assert answer.json()["success"], answer.text


async def taken_back(member: Member, path: str, former: dict[str, Any]) -> None:
    (checkpoint,) = (await member.browser.get("/api/copilot/checkpoints")).json()["data"]
    revert = f"/api/copilot/checkpoints/{checkpoint['id']}/revert"
    assert (await member.browser.post(revert)).status_code == 200
    after = (await member.browser.get(path)).json()
    for part in ("blocks", "edges", "loops", "parallels", "variables"):
        assert after[part] == former[part]
    assert after["version"] == former["version"] + 2
    (checkpoint,) = (await member.browser.get("/api/copilot/checkpoints")).json()["data"]
    assert checkpoint["revertedAt"]
    reasons = (await member.browser.get(f"{path}/versions")).json()["data"]
    assert {"checkpoint", "restore"} <= {each["reason"] for each in reasons}


async def test_what_is_skipped_is_not_done_and_the_model_learns_it(
    member: Member, model: OpenAIStandIn
) -> None:
    workflow_id = await _workflow(member)
    model.replies = [
        Reply(calls=[("c1", "edit_workflow", json.dumps(_edits("kb_x")))]),
        Reply("As you like."),
    ]
    body = {"message": "Do it.", "mode": "workflow-studio", "workflowId": workflow_id}
    skip = partial(decide, member.browser, decision="skip")

    async def refuse(event: Told) -> None:
        assert (await skip(event)).status_code == 200
        assert (await skip(event)).status_code == 200  # again changes nothing
        assert (await decide(member.browser, event, "allow")).status_code == 409

    told = await talk(member.browser, body, refuse)
    (result,) = results(told)
    assert result["status"] == "error"
    assert "did not allow edit_workflow" in str(model.requests[1]["messages"][-1]["content"])
    assert (await member.browser.get(f"/api/workflows/{workflow_id}")).json()["version"] == 1
    assert (await member.browser.get("/api/copilot/checkpoints")).json()["data"] == []


async def test_what_is_allowed_for_a_chat_is_asked_once(
    member: Member, model: OpenAIStandIn
) -> None:
    workflow_id = await _workflow(member)
    named = [json.dumps({"operations": [{"op": "set_variable", "name": n}]}) for n in "abc"]
    model.replies = [
        Reply(calls=[("c1", "edit_workflow", named[0])]),
        Reply(calls=[("c1", "edit_workflow", named[1])]),  # a model that numbers anew each time
        Reply("Done."),
        Reply(calls=[("c1", "edit_workflow", named[2])]),
        Reply("Done again."),
    ]
    asked: list[Told] = []

    async def allow(event: Told) -> None:
        asked.append(event)
        assert (await decide(member.browser, event, "allowForChat")).status_code == 200

    body = {"message": "Do it.", "mode": "workflow-studio", "workflowId": workflow_id}
    told = await talk(member.browser, body, allow)
    await talk(member.browser, {"message": "More.", "chatId": told[0]["chatId"]}, allow)
    assert len(asked) == 1
    variables = (await member.browser.get(f"/api/workflows/{workflow_id}")).json()["variables"]
    assert sorted(each["name"] for each in variables.values()) == ["a", "b", "c"]


async def test_others_and_narrow_keys_cannot_allow(
    member: Member, stranger: Member, model: OpenAIStandIn
) -> None:
    workflow_id = await _workflow(member)
    edit = json.dumps({"operations": [{"op": "set_variable", "name": "a"}]})
    model.replies = [Reply(calls=[("c1", "edit_workflow", edit)]), Reply("So be it.")]
    narrow = {"name": "narrow", "scopes": ["copilot:read"]}
    key = (await member.browser.post("/api/auth/api-keys", json=narrow)).json()["key"]

    async def attempt(event: Told) -> None:
        assert (await decide(stranger.browser, event, "allow")).status_code == 404
        one = {"toolCallId": event["payload"]["toolCallId"], "decision": "allow"}
        refused = await stranger.browser.post(
            "/api/copilot/approvals", json={"decisions": [one]}, headers={"x-api-key": key}
        )
        assert refused.status_code == 403
        assert "workflows:write" in refused.json()["error"]["message"]
        assert (await decide(member.browser, event, "skip")).status_code == 200

    body = {"message": "Do it.", "mode": "workflow-studio", "workflowId": workflow_id}
    await talk(member.browser, body, attempt)


async def test_a_turn_that_waits_can_be_stopped(member: Member, model: OpenAIStandIn) -> None:
    workflow_id = await _workflow(member)
    edit = json.dumps({"operations": [{"op": "set_variable", "name": "a"}]})
    model.replies = [Reply(calls=[("c1", "edit_workflow", edit)])]
    body = {"message": "Do it.", "mode": "workflow-studio", "workflowId": workflow_id}
    last: Told = {}
    async for event in events(member.browser, body):
        last = event
        if event["type"] == "tool" and event["payload"]["phase"] == "approval":
            path = f"/api/copilot/streams/{event['messageId']}/abort"
            assert (await member.browser.post(path)).status_code == 200
    assert last["payload"]["status"] == "aborted"
    assert (await member.browser.get(f"/api/workflows/{workflow_id}")).json()["version"] == 1


async def test_an_edit_is_whole_or_not_at_all(member: Member) -> None:
    workflow_id = await _workflow(member)
    path = f"/api/workflows/{workflow_id}"
    good = {"op": "set_variable", "name": "a"}

    async def edit(*operations: Told, **more: Any) -> Told:
        arguments = {"workflowId": workflow_id, "operations": list(operations), **more}
        asked = {"name": "edit_workflow", "arguments": arguments}
        ran: Told = (await member.program.post("/api/copilot/tools/execute", json=asked)).json()
        return ran

    missing = await edit(good, {"op": "update_block", "id": "nope"})
    assert missing["error"] == "Operation 2: There is no block 'nope'; there are: s, t."
    cycle = await edit(good, {"op": "connect", "source": "t", "target": "t"})
    assert "cycle" in cycle["error"]
    stale = await edit(good, expectedVersion=7)
    assert "version 1, not 7" in stale["error"]
    assert (await member.browser.get(path)).json()["version"] == 1
    loop = {"op": "add_block", "id": "l", "type": "loop", "name": "Each",
            "settings": {"loopType": "for", "iterations": 3}}  # fmt: skip
    inner = {"op": "add_block", "id": "i", "type": "template", "name": "Inner", "parentId": "l",
             "settings": {"template": "<loop.index>"}}  # fmt: skip
    wires = [
        {"op": "connect", "source": "t", "target": "l"},
        {"op": "connect", "source": "l", "target": "i", "sourceHandle": "loop-start-source"},
    ]
    built = await edit(loop, inner, *wires, expectedVersion=1)
    assert built["success"], built
    assert built["output"]["valid"], built["output"]
    gone = await edit({"op": "delete_block", "id": "l"})
    assert gone["success"], gone
    after = (await member.browser.get(path)).json()
    assert set(after["blocks"]) == {"s", "t"}
    assert after["loops"] == {}
