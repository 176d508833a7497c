"""Runs over HTTP: sync, async, streamed, resumed, cancelled, and their logs."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import httpx
import pytest

from core.services import Services
from pipelines.execute import claim, execute
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition

pytestmark = pytest.mark.usefixtures("waiting_in_place")

HELLO = definition([block("t", template="Hi <start.name>")], "s>t")
SLOW = definition([block("a"), block("w", "wait", seconds=60)], "s>a a>w")


async def _made(member: Member, raw: dict[str, Any], *, deploy: bool = True) -> str:
    made = await member.browser.post("/api/workflows", json={"name": "W", **raw})
    path = f"/api/workflows/{made.json()['id']}"
    if deploy:
        assert (await member.browser.post(f"{path}/deploy")).json()["isDeployed"] is True
    return path


async def _frames(client: httpx.AsyncClient, method: str, path: str, **given: Any) -> list[dict]:
    """Return the events of a stream; checks that [DONE] is the last thing in it."""
    events, lines = [], []
    async with client.stream(method, path, **given) as answer:
        assert answer.status_code == 200, await answer.aread()
        assert answer.headers["content-type"].startswith("text/event-stream")
        async for line in answer.aiter_lines():
            lines.append(line)
    number = None
    for line in lines:
        if line.startswith("id: "):
            number = int(line[4:])
        elif line.startswith("data: {"):
            event = json.loads(line[6:])
            assert event["eventId"] == number
            events.append(event)
    assert [line for line in lines if line][-1] == "data: [DONE]"
    return events


@pytest.mark.parametrize("version", ["", "/v1"])
async def test_sync(member: Member, version: str) -> None:
    path = await _made(member, HELLO)
    path = path.replace("/api", f"/api{version}")
    answer = await member.program.post(f"{path}/execute", json={"input": {"name": "Ada"}})
    assert answer.status_code == 200
    body = answer.json()
    assert body["success"] is True
    assert body["status"] == "completed"
    assert body["output"] == {"text": "Hi Ada"}
    assert body["metadata"].keys() == {"duration", "startTime", "endTime"}
    assert answer.headers["X-Execution-Id"] == body["executionId"]
    record = (await member.program.get(f"/api/v1/executions/{body['executionId']}")).json()
    assert (record["status"], record["trigger"], record["version"]) == ("completed", "api", 1)
    assert record["input"] == {"name": "Ada"}


async def test_a_bare_body_is_the_input(member: Member) -> None:
    path = await _made(member, HELLO)
    answer = await member.program.post(f"{path}/execute", json={"name": "Eve"})
    assert answer.json()["output"] == {"text": "Hi Eve"}


async def test_a_failed_run_is_an_answer(member: Member) -> None:
    path = await _made(member, definition([block("t", template="{{NOPE}}")], "s>t"))
    answer = await member.program.post(f"{path}/execute", json={})
    assert answer.status_code == 200
    body = answer.json()
    assert (body["success"], body["status"], body["output"]) == (False, "failed", None)
    assert body["error"]["blockName"] == "t"


async def test_a_response_block_answers(member: Member) -> None:
    raw = definition(
        [
            block(
                "r",
                "response",
                status=201,
                headers={"X-Workflow-Shape": "round"},
                data='{"hello": "<start.name>", "list": "<start.list>"}',
            )
        ],
        "s>r",
    )
    path = await _made(member, raw)
    answer = await member.program.post(f"{path}/execute", json={"name": 'A"b', "list": [1, 2]})
    assert answer.status_code == 201
    assert answer.json() == {"hello": 'A"b', "list": [1, 2]}
    assert answer.headers["X-Workflow-Shape"] == "round"
    record = await member.program.get(f"/api/v1/executions/{answer.headers['X-Execution-Id']}")
    assert record.json()["output"]["status"] == 201


async def test_async_through_the_queue(member: Member, services: Services) -> None:
    path = await _made(member, HELLO)
    answer = await member.program.post(
        f"{path}/execute", json={"name": "Q"}, headers={"X-Execution-Mode": "async"}
    )
    assert answer.status_code == 202
    body = answer.json()
    assert (body["success"], body["async"]) == (True, True)
    assert (await member.program.get(body["statusUrl"])).json()["status"] == "queued"
    taken = await claim(services, "w")
    assert taken is not None
    await execute(services, taken, "w")
    record = (await member.program.get(body["statusUrl"])).json()
    assert (record["status"], record["output"]) == ("completed", {"text": "Hi Q"})
    assert isinstance(record["durationMs"], int)


async def test_stream_and_resume_from_every_number(member: Member) -> None:
    path = await _made(member, HELLO)
    asked = {"input": {"name": "S"}, "stream": True}
    events = await _frames(member.program, "POST", f"{path}/execute", json=asked)
    assert [event["type"] for event in events] == [
        "execution:started",
        "block:started", "block:completed", "block:started", "block:completed",
        "execution:completed",
    ]  # fmt: skip
    assert events[-1]["data"]["output"] == {"text": "Hi S"}
    block_event = events[3]["data"]
    assert (block_event["blockName"], block_event["executionOrder"]) == ("t", 2)
    stream = f"{path}/executions/{events[0]['executionId']}/stream"
    for number in range(len(events)):
        rest = await _frames(member.browser, "GET", stream, headers={"Last-Event-ID": str(number)})
        assert rest == events[number:]
    for made_up in ("99", "x", "-1"):
        refused = await member.browser.get(stream, headers={"Last-Event-ID": made_up})
        assert refused.status_code == 400


async def test_a_run_outlives_its_reader_and_is_cancelled(member: Member) -> None:
    path = await _made(member, SLOW)
    async with member.program.stream("POST", f"{path}/execute", json={"stream": True}) as answer:
        execution_id = answer.headers["X-Execution-Id"]
        async for line in answer.aiter_lines():
            if '"blockId":"w"' in line:
                break
    record = f"{path}/executions/{execution_id}"
    assert (await member.program.get(record)).json()["status"] == "running"
    for _ in range(2):
        cancelled = await member.browser.post(f"{record}/cancel")
        assert cancelled.json()["status"] == "cancelled"
    events = await _frames(member.browser, "GET", f"{record}/stream")
    assert [event["type"] for event in events][-1] == "execution:cancelled"


async def test_a_sync_caller_hears_of_the_cancellation(member: Member) -> None:
    path = await _made(member, SLOW)
    running = asyncio.create_task(
        member.program.post(f"{path}/execute", json={"input": 1}, headers={"X-Run-Id": "mine"})
    )
    while (await member.browser.get(f"{path}/executions/mine")).status_code != 200:
        await asyncio.sleep(0.02)
    taken = await member.browser.post(f"{path}/execute", json={}, headers={"X-Run-Id": "mine"})
    assert taken.status_code == 409
    await member.browser.post(f"{path}/executions/mine/cancel")
    body = (await running).json()
    assert (body["success"], body["status"]) == (False, "cancelled")


async def test_deleting_the_workflow_ends_its_runs_for_whoever_waits(member: Member) -> None:
    path = await _made(member, SLOW)
    waiting = asyncio.create_task(
        member.program.post(f"{path}/execute", json={"input": 1}, headers={"X-Run-Id": "mine"})
    )
    while (await member.browser.get(f"{path}/executions/mine")).status_code != 200:
        await asyncio.sleep(0.02)
    read: list[str] = []
    async with member.browser.stream("GET", f"{path}/executions/mine/stream") as answer:
        async for line in answer.aiter_lines():
            if '"blockId":"w"' in line:
                assert (await member.browser.delete(path)).status_code == 204
            read.append(line)
    assert sum('"execution:cancelled"' in line for line in read) == 1
    assert [line for line in read if line][-1] == "data: [DONE]"
    answered = await waiting
    assert (answered.status_code, answered.json()["error"]["code"]) == (404, "NOT_FOUND")


async def test_a_time_limit_is_a_408_and_cancels(member: Member) -> None:
    path = await _made(member, SLOW)
    answer = await member.program.post(f"{path}/execute", json={"timeoutSeconds": 0.3})
    assert answer.status_code == 408
    body = answer.json()
    assert (body["success"], body["status"], body["error"]["code"]) == (
        False, "cancelled", "TIMEOUT",
    )  # fmt: skip


async def test_who_may_run_a_draft(member: Member) -> None:
    path = await _made(member, HELLO, deploy=False)
    refused = await member.program.post(f"{path}/execute", json={"name": "K"})
    assert refused.status_code == 409
    assert "never deployed" in refused.json()["error"]["message"]
    person = await member.browser.post(f"{path}/execute", json={"name": "P"})
    assert person.json()["output"] == {"text": "Hi P"}
    await member.browser.post(f"{path}/deploy")
    await member.browser.patch(path, json=definition([block("u", template="draft")], "s>u"))
    for asked in (
        {"useDraft": True},
        {"startBlockId": "t"},
        {"stopAfterBlockId": "t"},
        {"fromExecutionId": "x"},
    ):
        assert (await member.program.post(f"{path}/execute", json=asked)).status_code == 403
    deployed = await member.program.post(f"{path}/execute", json={"name": "K"})
    assert deployed.json()["output"] == {"text": "Hi K"}
    draft = await member.browser.post(f"{path}/execute", json={"useDraft": True})
    assert draft.json()["output"] == {"text": "draft"}
    await member.browser.request("DELETE", f"{path}/deploy")
    assert (await member.program.post(f"{path}/execute", json={})).status_code == 409


@pytest.mark.parametrize(
    "body",
    [
        {"input": 1, "definition": {}},
        {"input": 1, "code": "x"},
        {"input": 1, "workflowStateOverride": {}},
        {"stream": True, "async": True},
        {"stream": "perhaps"},
        {"timeoutSeconds": 0},
        {"timeoutSeconds": 1e9},
        {"selectedOutputs": "t.text"},
    ],
)
async def test_bad_requests_run_nothing(member: Member, body: dict[str, Any]) -> None:
    path = await _made(member, HELLO)
    answer = await member.program.post(f"{path}/execute", json=body)
    assert answer.status_code == 400, answer.text
    assert (await member.browser.get(f"{path}/executions")).json()["data"] == []


async def test_selected_outputs_and_part_of_a_workflow(member: Member) -> None:
    raw = definition([block("a", template="1"), block("b", template="<a.text>2")], "s>a a>b")
    path = await _made(member, raw)
    answer = await member.program.post(f"{path}/execute", json={"selectedOutputs": ["a.text", "b"]})
    assert answer.json()["output"] == {"a.text": "1", "b": {"text": "12"}}
    part = await member.browser.post(f"{path}/execute", json={"stopAfterBlockId": "a"})
    assert part.json()["output"] == {"text": "1"}
    wrong = await member.browser.post(f"{path}/execute", json={"startBlockId": "zz"})
    assert wrong.status_code == 400


async def test_logs(member: Member) -> None:
    path = await _made(member, HELLO)
    done = (await member.program.post(f"{path}/execute", json={"name": "Log"})).json()
    bad = await _made(member, definition([block("t", template="{{NOPE}}")], "s>t"))
    failed = (await member.browser.post(f"{bad}/execute", json={})).json()

    async def ids(**query: Any) -> list[str]:
        answer = await member.browser.get("/api/logs", params=query)
        assert answer.status_code == 200, answer.text
        return [row["id"] for row in answer.json()["data"]]

    assert await ids() == [failed["executionId"], done["executionId"]]
    assert await ids(status="failed") == [failed["executionId"]]
    assert await ids(status=["failed", "completed"], limit=1) == [failed["executionId"]]
    assert await ids(trigger="api") == [done["executionId"]]
    assert await ids(workflowId=path.rsplit("/", 1)[1]) == [done["executionId"]]
    assert await ids(search="hi log") == [done["executionId"]]
    assert await ids(minDuration=3_600_000) == []
    assert await ids(until="2020-01-01T00:00:00Z") == []
    detail = (await member.browser.get(f"/api/logs/{done['executionId']}")).json()
    assert detail["definition"]["blocks"].keys() == {"s", "t"}
    [root] = detail["traceSpans"]
    assert [span["name"] for span in root["children"]] == ["s", "t"]
    blocks = (await member.browser.get(f"/api/logs/{failed['executionId']}/blocks")).json()["data"]
    assert [(row["blockId"], row["status"]) for row in blocks] == [
        ("s", "success"), ("t", "error"),
    ]  # fmt: skip
    assert "NOPE" in blocks[1]["errorMessage"]
    assert blocks[1].keys() >= {"inputData", "outputData", "executionOrder", "attempt"}
