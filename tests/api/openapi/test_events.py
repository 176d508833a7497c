"""The events of streams are those that the description has."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from core.services import Services
from ingest.process import Processor
from tests.api.conforms import breaches, operation_of
from tests.api.conftest import Member
from tests.bases import write_base
from tests.pipelines.shapes import block, definition


async def _kinds(client: httpx.AsyncClient, method: str, path: str, body: Any = None) -> set[str]:
    """Read a stream to its end, hold its events to the description, return their types."""
    operation = operation_of(method, path)
    assert operation is not None
    schema = operation["responses"]["200"]["content"]["text/event-stream"]["schema"]
    schema = schema["properties"]["data"]["anyOf"][0]["contentSchema"]
    kinds = set()
    async with client.stream(method, path, json=body) as answer:
        async for line in answer.aiter_lines():
            if line.startswith("data: {"):
                event = json.loads(line.removeprefix("data: "))
                assert not breaches(schema, event), event
                kinds.add(event["type"])
    return kinds


async def _run(member: Member, steps: dict[str, Any]) -> set[str]:
    made = await member.program.post("/api/workflows", json={"name": "w", **steps})
    assert made.status_code == 201, made.text
    path = f"/api/workflows/{made.json()['id']}/execute"
    return await _kinds(member.browser, "POST", path, {"stream": True, "input": {"x": 1}})


@pytest.mark.usefixtures("worker")
async def test_of_a_run(member: Member, services: Services) -> None:
    await write_base(services.store, member.workspace_id, "Lunch is served at noon.")
    agent = {"prompt": "When is lunch served?", "model": "nuxa/extractive"}
    good = definition([block("a", "agent", **agent), block("t", template="x")], "s>a a>t")
    assert await _run(member, good) >= {
        "execution:started", "execution:completed", "block:started", "block:completed",
        "stream:chunk", "stream:done",
    }  # fmt: skip
    never = [{"id": "i", "title": "if", "value": "1 > 2"}]
    forked = definition(
        [block("c", "condition", conditions=never), block("t", template="x")],
        "s>c c:condition-i>t",
    )
    bad = definition(
        [block("u", "function", language="javascript", code="throw new Error()")], "s>u"
    )
    assert await _run(member, bad) >= {"execution:error", "block:error"}
    assert "block:skipped" in await _run(member, forked)


async def test_of_a_turn(member: Member, services: Services) -> None:
    await write_base(services.store, member.workspace_id, "Lunch is served at noon.")
    asked = {"message": "When is lunch served?"}
    kinds = await _kinds(member.program, "POST", "/api/copilot/stream", asked)
    assert kinds >= {"start", "text", "citation", "done"}


async def test_of_a_document_and_of_a_file(member: Member, services: Services) -> None:
    base = (await member.program.post("/api/knowledge", json={"name": "b"})).json()
    body = {"text": "The slipway is closed.", "name": "a.txt"}
    added = await member.program.post(f"/api/knowledge/{base['id']}/documents", json=body)
    form = {"file": ("a.txt", b"The crane is out of order.")}
    file = (await member.program.post("/api/files/upload", files=form)).json()
    await member.program.post(f"/api/files/{file['id']}/process", json={})
    processor = Processor(services)
    await processor.drain()
    await processor.close()
    path = f"/api/knowledge/{base['id']}/documents/{added.json()['id']}/stream"
    assert await _kinds(member.program, "GET", path) == {"document:completed"}
    path = f"/api/files/{file['id']}/stream"
    assert await _kinds(member.program, "GET", path) == {"file:completed"}
