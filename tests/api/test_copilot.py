from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from copilot import offline
from core.config import Settings
from core.services import Services
from tests.api.conftest import Member
from tests.bases import write_base
from tests.stand_ins.openai import KEY, Reply, openai_stand_in

LUNCH = "Lunch is served at noon in the canteen on the ground floor."
BUDGETS = "The head of finance approves every budget above 10,000 euros."


async def _events(
    client: httpx.AsyncClient,
    method: str,
    path: str,
    body: dict[str, Any] | None = None,
    last_id: int | None = None,
    most: int = 10_000,
) -> list[dict[str, Any]]:
    """Read a stream to its ``[DONE]``, or hang up after ``most`` events."""
    headers = {} if last_id is None else {"Last-Event-ID": str(last_id)}
    found: list[dict[str, Any]] = []
    async with client.stream(method, path, json=body, headers=headers) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            if line == "data: [DONE]":
                return found
            if line.startswith("data:"):
                found.append(json.loads(line.removeprefix("data:")))
            if len(found) == most:
                return found
    raise AssertionError("the stream ended without [DONE]")


def _text(events: list[dict[str, Any]]) -> str:
    return "".join(e["payload"]["delta"] for e in events if e["type"] == "text")


def _use_model(
    monkeypatch: pytest.MonkeyPatch, settings: Settings, base_url: str, key: str
) -> None:
    monkeypatch.setattr(settings, "chat_model", "openai/stand-in")
    monkeypatch.setattr(settings, "chat_base_url", base_url)
    monkeypatch.setattr(settings, "chat_api_key", SecretStr(key))
    monkeypatch.setattr("core.models.chat.get_settings", lambda: settings)  # one process, one set


async def test_chat_answers_with_citations_and_is_remembered(
    member: Member, services: Services
) -> None:
    base_id = await write_base(services.store, member.workspace_id, LUNCH, BUDGETS)
    body = {"message": "Who approves budgets?", "knowledgeBaseIds": [base_id]}
    answer = (await member.program.post("/api/copilot/chat", json=body)).json()
    assert answer["content"].startswith(BUDGETS)
    (citation,) = answer["citations"]
    assert citation["quote"] == BUDGETS
    assert (citation["page"], citation["startOffset"]) == (2, len(LUNCH))
    assert answer["model"] == "nuxa/extractive"
    chat_id = answer["chatId"]
    history = await member.program.get("/api/copilot/history", params={"chatId": chat_id})
    said = history.json()["data"]
    assert [message["role"] for message in said] == ["user", "assistant"]
    assert said[1]["content"] == answer["content"]
    assert said[1]["citations"] == answer["citations"]
    unknown = await member.program.post(
        "/api/copilot/chat", json={"message": "Who discovered radium?", "chatId": chat_id}
    )
    assert offline.ABSTENTION in unknown.json()["content"]


async def test_a_cut_stream_resumes_with_nothing_lost_or_doubled(
    member: Member, services: Services
) -> None:
    await write_base(services.store, member.workspace_id, LUNCH)
    body = {"message": "When is lunch served?", "userMessageId": "m-1"}
    begun = await _events(member.program, "POST", "/api/copilot/stream", body, most=3)
    path = f"/api/copilot/streams/{begun[0]['messageId']}"
    rest = await _events(member.program, "GET", path, last_id=3)
    whole = await _events(member.program, "GET", path)
    assert begun + rest == whole
    assert [event["seq"] for event in whole] == list(range(1, len(whole) + 1))
    assert await _events(member.program, "GET", path, last_id=len(whole)) == []
    assert await _events(member.program, "POST", "/api/copilot/stream", body, last_id=3) == rest
    kinds = [event["type"] for event in whole]
    assert (kinds[0], kinds[-1]) == ("start", "done")
    before = whole[: kinds.index("citation")]
    assert "[" not in "".join(event["payload"].get("delta", "") for event in before)
    assert "[1]" in "".join(event["payload"].get("delta", "") for event in whole)
    history = (await member.program.get("/api/copilot/history")).json()["data"]
    assert history[1]["content"] == _text(whole)
    wrong = await member.program.get(path, headers={"Last-Event-ID": "999"})
    assert wrong.status_code == 400


async def test_a_turn_is_aborted(
    member: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with openai_stand_in() as model:
        _use_model(monkeypatch, settings, model.base_url, KEY)
        model.replies = [Reply("Once upon a time there was a turn.", stall_after=4)]
        body = {"message": "Tell me a story."}
        reading = asyncio.create_task(_events(member.program, "POST", "/api/copilot/stream", body))
        while not (chats := (await member.program.get("/api/copilot/chats")).json()["data"]):
            await asyncio.sleep(0.05)
        chat = {"chatId": chats[0]["id"]}
        said = (await member.program.get("/api/copilot/history", params=chat)).json()["data"]
        busy = await member.program.post("/api/copilot/chat", json={"message": "Hi", **chat})
        assert busy.status_code == 409
        path = f"/api/copilot/streams/{said[1]['id']}/abort"
        assert (await member.program.post(path)).json()["status"] == "aborting"
        events = await reading
        assert events[-1]["payload"]["status"] == "aborted"
        assert (await member.program.post(path)).json()["status"] == "aborted"


async def test_a_failing_model_is_told_by_its_sentence(
    member: Member, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with openai_stand_in() as model:
        _use_model(monkeypatch, settings, model.base_url, "sk-wrong-key")
        failed = await member.program.post("/api/copilot/chat", json={"message": "Hi"})
        assert failed.status_code == 502
        error = failed.json()["error"]
        assert error["code"] == "UPSTREAM_ERROR"
        assert "NUXA_CHAT_API_KEY" in error["message"]
        assert "sk-wrong" not in failed.text


async def test_chats_are_private_and_can_be_renamed_and_forgotten(
    member: Member, stranger: Member
) -> None:
    ids = [
        (await member.program.post("/api/copilot/chat", json={"message": f"Hello {n}"})).json()
        for n in range(2)
    ]
    chat_id, message_id = ids[0]["chatId"], ids[0]["messageId"]
    for method, path in (
        ("GET", f"/api/copilot/chats/{chat_id}"),
        ("PATCH", f"/api/copilot/chats/{chat_id}"),
        ("DELETE", f"/api/copilot/chats/{chat_id}"),
        ("GET", f"/api/copilot/history?chatId={chat_id}"),
        ("DELETE", f"/api/copilot/history?chatId={chat_id}"),
        ("GET", f"/api/copilot/streams/{message_id}"),
        ("POST", f"/api/copilot/streams/{message_id}/abort"),
    ):
        body = {"title": "Mine"} if method == "PATCH" else None
        refused = await stranger.program.request(method, path, json=body)
        assert refused.status_code == 404, (method, path, refused.text)
    renamed = await member.program.patch(f"/api/copilot/chats/{chat_id}", json={"title": "New"})
    assert renamed.json()["title"] == "New"
    assert (await member.program.delete(f"/api/copilot/chats/{chat_id}")).status_code == 204
    left = (await member.program.get("/api/copilot/chats")).json()["data"]
    assert [chat["id"] for chat in left] == [ids[1]["chatId"]]
    assert (await member.program.delete("/api/copilot/history")).status_code == 204
    assert (await member.program.get("/api/copilot/history")).json()["data"] == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"message": "   "}, 400),
        ({"message": "Hi", "nonsense": 1}, 400),
        ({"message": "Hi", "mode": "nonsense"}, 400),
        ({"message": "Hi", "model": "openai/dear"}, 400),
        ({"message": "Hi", "fileIds": ["file_1"]}, 404),
        ({"message": "Hi", "agentId": "agent_1"}, 404),
        ({"message": "Hi", "mode": "workspace-chat", "agentId": "agent_1"}, 400),
        ({"message": "Hi", "contexts": [{"kind": "execution", "id": "exec_1"}]}, 404),
        ({"message": "Hi", "chatId": "chat_none"}, 404),
        ({"message": "Hi", "knowledgeBaseIds": ["kb_none"]}, 404),
        ({"message": "Hi", "contexts": [{"kind": "knowledge", "id": "kb_none"}]}, 404),
    ],
)
async def test_bad_questions_leave_nothing_behind(
    member: Member, body: dict[str, Any], status: int
) -> None:
    for path in ("/api/copilot/chat", "/api/copilot/stream"):
        assert (await member.program.post(path, json=body)).status_code == status
    assert (await member.program.get("/api/copilot/history")).json()["data"] == []


async def test_models_are_listed(member: Member) -> None:
    models = (await member.program.get("/api/copilot/models")).json()["data"]
    offline = {"id": "nuxa/extractive", "isDefault": True, "isOffline": True, "provider": None}
    assert models == [offline]
