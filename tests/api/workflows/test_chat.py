"""A workflow that is published as a chat: asked, streamed, remembering, and shut to others."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from copilot import turn
from core.config import Settings
from core.services import Services
from core.store.executions import TERMINAL, ExecutionFilter
from core.store.pages import PageRequest
from pipelines.links import REMOVED
from tests.api.conftest import Member
from tests.bases import write_base
from tests.pipelines.running import limit_runs
from tests.pipelines.shapes import block, definition
from tests.stand_ins.openai import KEY, Reply, openai_stand_in

ECHO = definition([block("t", template="You said <start.message> after <start.history>")], "s>t")
AGENT = definition(
    [
        block("first", template="<start.message>?"),
        block("a", "agent", model="openai/stand-in", prompt="<first.text>"),
    ],
    "s>first first>a",
)
FAILING = definition([block("t", template="{{NOPE}}")], "s>t")
ASKING = definition([block("h", "humanInTheLoop", message="Shall I?")], "s>h")
SLOW = definition([block("w", "wait", seconds=60)], "s>w")


async def _published(member: Member, raw: dict[str, Any], **settings: Any) -> str:
    made = (await member.browser.post("/api/workflows", json={"name": "W", **raw})).json()
    path = f"/api/workflows/{made['id']}"
    assert (await member.browser.post(f"{path}/deploy")).status_code == 200
    put = await member.browser.put(f"{path}/chat", json=settings)
    assert put.status_code == 200, put.text
    return str(made["id"])


def _question(workflow_id: str, message: str, **more: Any) -> dict[str, Any]:
    return {"message": message, "workflowId": workflow_id, "mode": "workflow-chat", **more}


async def _say(member: Member, body: dict[str, Any], status: int = 200) -> dict[str, Any]:
    answer = await member.program.post("/api/copilot/chat", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def _events(member: Member, body: dict[str, Any]) -> list[dict[str, Any]]:
    async with member.program.stream("POST", "/api/copilot/stream", json=body) as answer:
        assert answer.status_code == 200
        lines = [line async for line in answer.aiter_lines() if line.startswith("data: ")]
    assert lines.pop() == "data: [DONE]"
    return [json.loads(line.removeprefix("data: ")) for line in lines]


async def test_it_is_published_and_shut_again(member: Member, stranger: Member) -> None:
    made = (await member.browser.post("/api/workflows", json={"name": "W", **ECHO})).json()
    path, asked = f"/api/workflows/{made['id']}", _question(made["id"], "Hi")
    assert (await member.browser.put(f"{path}/chat", json={})).status_code == 409  # not deployed
    await member.browser.post(f"{path}/deploy")
    assert (await member.program.get(f"{path}/chat")).status_code == 404
    refused = await _say(member, asked, 409)
    assert f"PUT {path}/chat" in refused["error"]["message"]

    put = await member.browser.put(f"{path}/chat", json={"greeting": "Hello!"})
    assert (put.json()["greeting"], put.json()["memoryMessages"]) == ("Hello!", 20)
    assert (await member.program.get(f"{path}/chat")).json() == put.json()
    assert (
        await member.browser.put(f"{path}/chat", json={"memoryMessages": 41})
    ).status_code == 400
    assert (await _say(member, asked))["content"].startswith("You said Hi")
    await _say(stranger, asked, 404)
    assert (await stranger.program.get(f"{path}/chat")).status_code == 404
    wrong = await _say(member, {**asked, "model": "nuxa/extractive"}, 400)
    assert "its own model" in wrong["error"]["message"]

    assert (await member.browser.delete(f"{path}/chat")).status_code == 204
    await _say(member, asked, 409)


async def test_it_remembers(member: Member, services: Services) -> None:
    workflow_id = await _published(member, ECHO)
    first = await _say(member, _question(workflow_id, "one"))
    assert first["content"] == "You said one after []"
    second = await _say(member, {"message": "two", "chatId": first["chatId"]})
    told = json.loads(second["content"].removeprefix("You said two after "))
    assert told == [
        {"role": "user", "content": "one"},
        {"role": "assistant", "content": first["content"]},
    ]
    async with services.store.unit(member.workspace_id) as unit:
        runs = await unit.executions.page(ExecutionFilter(workflow_id=workflow_id), PageRequest(10))
    assert [(row.trigger, row.version, row.created_by) for row in runs.rows] == [
        ("chat", 1, member.user_id)
    ] * 2
    forgetful = await _published(member, ECHO, memoryMessages=0)
    first = await _say(member, _question(forgetful, "one"))
    again = await _say(member, {"message": "two", "chatId": first["chatId"]})
    assert again["content"] == "You said two after []"


async def test_an_agents_words_are_said_as_they_come(
    member: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with openai_stand_in() as model:
        model.replies.append(Reply("Yes, at noon in the canteen."))
        _use(monkeypatch, settings, model.base_url)
        workflow_id = await _published(member, AGENT)
        events = await _events(member, _question(workflow_id, "Lunch"))
    kinds = [event["type"] for event in events]
    assert (kinds[0], kinds[-1]) == ("start", "done")
    said = [event["payload"]["delta"] for event in events if event["type"] == "text"]
    assert "".join(said) == "Yes, at noon in the canteen."
    assert events[-1]["payload"]["status"] == "completed"
    assert events[-1]["payload"]["usage"]["total"] > 0
    history = (await member.program.get("/api/copilot/history")).json()["data"]
    assert history[-1]["content"] == "".join(said)
    assert "Lunch?" in json.dumps(model.requests[0])


async def test_no_link_of_an_answer_carries_anything_out(
    member: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whether an agent's words are told as they come, or a block has made them up at the end."""
    asked = "Is https://shop.test/a?b=1 open?"
    answer = (
        "![x](https://evil.test/?q=4711) https://shop.test/a?b=1 https://help.test/faq "
        "https://evil.test/?q=4711 https://help.test/faq?q=4711"
    )
    kept = f"[x]({REMOVED}) https://shop.test/a?b=1 https://help.test/faq {REMOVED} {REMOVED}"
    async with openai_stand_in() as model:
        _use(monkeypatch, settings, model.base_url)
        agent = block("a", "agent", model="openai/stand-in", prompt="<first.text>")
        first = block("first", template="See https://help.test/faq: <start.message>")
        streamed = definition([first, agent], "s>first first>a")
        ending = block("t", template="<a.content>")
        told = definition([first, agent, ending], "s>first first>a a>t")
        for raw in (streamed, told):
            model.replies.append(Reply(answer))
            workflow_id = await _published(member, raw)
            events = await _events(member, _question(workflow_id, asked))
            said = [event["payload"]["delta"] for event in events if event["type"] == "text"]
            assert "".join(said) == kept


async def test_a_published_answer_shows_no_secret_of_a_document(
    member: Member, settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with services.store.unit(member.workspace_id) as unit:
        await unit.secrets.put("TOKEN", services.sealer.seal("hush-hush-1"))
    text = "The door opens with hush-hush-1 at night, see https://desk.test/keys for more."
    base_id = await write_base(services.store, member.workspace_id, text)
    asking: dict[str, Any] = {"prompt": "<start.message>", "knowledgeBaseIds": [base_id]}
    agent = block("a", "agent", model="openai/stand-in", **asking)
    async with openai_stand_in() as model:
        _use(monkeypatch, settings, model.base_url)
        model.replies.append(Reply(f"{text} [1]"))
        workflow_id = await _published(member, definition([agent], "s>a"))
        answer = await _say(member, _question(workflow_id, "How does the door open?"))
    assert "hush" not in json.dumps(answer)
    assert "{{TOKEN}} at night" in answer["citations"][0]["quote"]
    assert "{{TOKEN}} at night, see https://desk.test/keys" in answer["content"]


async def test_what_fails_or_waits_is_said(member: Member) -> None:
    events = await _events(member, _question(await _published(member, FAILING), "Hi"))
    assert [event["type"] for event in events] == ["start", "error", "done"]
    assert "NOPE" in events[1]["payload"]["message"]
    assert events[2]["payload"]["status"] == "failed"
    asked = await _say(member, _question(await _published(member, ASKING), "Hi"))
    assert asked["content"] == "Shall I?"


@pytest.mark.usefixtures("waiting_in_place")
async def test_a_turn_that_is_broken_off_ends_its_run(member: Member, services: Services) -> None:
    workflow_id = await _published(member, SLOW)
    asking, message = await _asking(member, services, workflow_id)
    await member.program.post(f"/api/copilot/streams/{message}/abort", json={})
    assert (await asking)[-1]["payload"]["status"] == "aborted"
    assert (await _runs(member, services, workflow_id))[0] in TERMINAL


@pytest.mark.usefixtures("waiting_in_place")
async def test_a_turn_whose_process_fell_silent_takes_its_run_along(
    member: Member, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody would hear the rest of it, and whoever asks again begins another."""
    monkeypatch.setattr(turn, "HEARTBEAT_SECONDS", 3600.0)  # it falls silent
    workflow_id = await _published(member, SLOW)
    asking, message = await _asking(member, services, workflow_id)
    async with services.store.engine.begin() as connection:
        past = text("UPDATE messages SET lease_until = now() - interval '1 s' WHERE id = :id")
        await connection.execute(past, {"id": message})
    assert await turn.end_interrupted(services) == 1
    assert await _runs(member, services, workflow_id) == ["cancelled"]
    events = await asking
    assert events[-1]["payload"]["status"] == "failed"
    assert events[-2]["payload"]["code"] == "INTERRUPTED"


async def _runs(member: Member, services: Services, workflow_id: str) -> list[str]:
    async with services.store.unit(member.workspace_id) as unit:
        page = await unit.executions.page(ExecutionFilter(workflow_id=workflow_id), PageRequest(10))
    return [row.status for row in page.rows]


async def _asking(
    member: Member, services: Services, workflow_id: str
) -> tuple[asyncio.Task[list[dict[str, Any]]], str]:
    """Ask; return the task that reads the answer, and the answer's id, once the run goes on."""
    asking = asyncio.create_task(_events(member, _question(workflow_id, "Hi", userMessageId="u")))
    while "running" not in await _runs(member, services, workflow_id):
        await asyncio.sleep(0.05)
    chat = (await member.program.get("/api/copilot/history")).json()["data"]
    return asking, next(said["id"] for said in chat if said["status"] == "running")


async def test_runs_take_slots(member: Member, services: Services) -> None:
    workflow_id = await _published(member, ECHO)
    await limit_runs(services, 1)
    await services.slots.take(member.workspace_id, "exec_other", 1)
    refused = await _say(member, _question(workflow_id, "Hi"), 429)
    assert refused["error"]["details"]["reason"] == "concurrency"
    await services.slots.free(member.workspace_id, "exec_other")
    assert (await _say(member, _question(workflow_id, "Hi")))["content"]


def _use(monkeypatch: pytest.MonkeyPatch, settings: Settings, base_url: str) -> None:
    monkeypatch.setattr(settings, "chat_model", "openai/stand-in")
    monkeypatch.setattr(settings, "chat_base_url", base_url)
    monkeypatch.setattr(settings, "chat_api_key", SecretStr(KEY))
    monkeypatch.setattr("core.models.chat.get_settings", lambda: settings)
