"""A paused run over HTTP: what each kind of caller is told, and how it is resumed."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from core.services import Services
from tests.api.conftest import Member
from tests.pipelines.running import drive
from tests.pipelines.shapes import block, definition

ASKING = definition(
    [
        block("ask", "humanInTheLoop", message="Go?", fields=[{"name": "ok", "required": True}]),
        block("z", template="<ask.ok>"),
    ],
    "s>ask ask>z",
)


async def _made(member: Member) -> str:
    made = await member.program.post("/api/workflows", json={"name": "w", **ASKING})
    path = f"/api/workflows/{made.json()['id']}"
    assert (await member.program.post(f"{path}/deploy")).status_code == 200
    return path


async def _events(client: httpx.AsyncClient, path: str, after: int = 0) -> list[Any]:
    headers = {"Last-Event-ID": str(after)} if after else {}
    lines = (await client.get(path, headers=headers)).text.splitlines()
    assert lines[-2 if not lines[-1] else -1] == "data: [DONE]"
    return [json.loads(line[6:]) for line in lines if line.startswith("data: {")]


async def test_a_sync_caller_is_told_how_to_resume(member: Member, services: Services) -> None:
    path = await _made(member)
    answer = await member.program.post(f"{path}/execute", json={"input": {}})
    body = answer.json()
    assert (answer.status_code, body["status"], body["success"]) == (202, "paused", True)
    execution = f"{path}/executions/{body['executionId']}"
    assert body["resumeUrl"] == f"{execution}/resume"
    record = (await member.program.get(execution)).json()
    assert record["status"] == "paused"
    [context] = record["pause"]["contexts"]
    assert (context["contextId"], context["message"]) == (body["contextId"], "Go?")
    seen = await _events(member.program, f"{execution}/stream")
    assert seen[-1]["type"] == "execution:paused"
    assert seen[-1]["data"]["contextId"] == body["contextId"]

    answer_it = {"contextId": body["contextId"], "input": {"ok": "yes"}}
    for _ in range(2):
        resumed = await member.program.post(body["resumeUrl"], json=answer_it)
        assert (resumed.status_code, resumed.json()["executionId"]) == (202, body["executionId"])
    await drive(services)
    rest = await _events(member.program, f"{execution}/stream", seen[-1]["eventId"])
    assert rest[-1]["type"] == "execution:completed"
    record = (await member.program.get(execution)).json()
    assert (record["status"], record["output"]) == ("completed", {"text": "yes"})
    assert "pause" not in record


async def test_a_stream_ends_at_the_pause(member: Member) -> None:
    path = await _made(member)
    kinds = []
    asked = {"stream": True, "input": {}}
    async with member.program.stream("POST", f"{path}/execute", json=asked) as answer:
        lines = [line async for line in answer.aiter_lines() if line]
    kinds = [json.loads(line[6:])["type"] for line in lines if line.startswith("data: {")]
    assert kinds[-1] == "execution:paused"
    assert lines[-1] == "data: [DONE]"


async def test_what_is_no_answer(member: Member, stranger: Member, services: Services) -> None:
    path = await _made(member)
    body = (await member.program.post(f"{path}/execute", json={"input": {}})).json()
    url, context = body["resumeUrl"], body["contextId"]
    for given, status, code in (
        ({"contextId": context, "input": {}}, 400, "VALIDATION_ERROR"),
        ({"input": {"ok": "yes"}}, 400, "VALIDATION_ERROR"),
        ({"contextId": "ctx_none", "input": {"ok": "yes"}}, 404, "NOT_FOUND"),
    ):
        answer = await member.program.post(url, json=given)
        assert (answer.status_code, answer.json()["error"]["code"]) == (status, code)
    good = {"contextId": context, "input": {"ok": "yes"}}
    assert (await stranger.program.post(url, json=good)).status_code == 404
    other = (await member.program.post(f"{path}/execute", json={"input": {}})).json()
    assert (await member.program.post(other["resumeUrl"], json=good)).status_code == 404
    assert (await member.program.post(url, json=good)).status_code == 202
    other_answer = {**good, "input": {"ok": "no"}}
    assert (await member.program.post(url, json=other_answer)).status_code == 409
    cancelled = other["resumeUrl"].replace("/resume", "/cancel")
    assert (await member.program.post(cancelled, json={})).json()["status"] == "cancelled"
    late = {"contextId": other["contextId"], "input": {"ok": "yes"}}
    assert (await member.program.post(other["resumeUrl"], json=late)).status_code == 409


@pytest.mark.parametrize("way", ["browser", "program"])
async def test_sent_webhooks_are_listed(member: Member, way: str) -> None:
    steps = definition([block("h", "webhook", url="http://127.0.0.1:9/")], "s>h")
    made = await member.program.post("/api/workflows", json={"name": "w", **steps})
    path = f"/api/workflows/{made.json()['id']}"
    await member.program.post(f"{path}/deploy")
    run = (await member.program.post(f"{path}/execute", json={"input": {}})).json()
    client: httpx.AsyncClient = getattr(member, way)
    listed = await client.get(f"{path}/executions/{run['executionId']}/webhooks")
    [sent] = listed.json()["data"]
    assert (sent["blockId"], sent["status"], sent["attempts"]) == ("h", "pending", [])
