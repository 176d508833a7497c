"""Logs over HTTP: counted, exported, nested, masked, and forgotten in time."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from api.paging import cursor_of
from core.config import Settings
from core.services import Services
from core.store.pages import Position
from pipelines.large_values import LARGE
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition
from workers.upkeep import forget_old_runs

HELLO = definition([block("t", template="Hi <start.name>")], "s>t")
BROKEN = definition([block("t", template="{{NOPE}}")], "s>t")
LOOP = {"l": {"id": "l", "nodes": ["t"], "loopType": "for", "iterations": 2}}
LOOPED = definition(
    [block("l", "loop"), block("t", template="<loop.index>")],
    "s>l l:loop-start-source>t",
    loops=LOOP,
)


async def _made(member: Member, raw: dict[str, Any]) -> str:
    made = await member.browser.post("/api/workflows", json={"name": "W", **raw})
    workflow_id: str = made.json()["id"]
    answer = await member.browser.post(f"/api/workflows/{workflow_id}/deploy")
    assert answer.status_code == 200, answer.text
    return workflow_id


async def _run(member: Member, workflow_id: str, given: Any = None) -> str:
    path = f"/api/workflows/{workflow_id}/execute"
    answer = await member.program.post(path, json={"input": given or {}})
    execution_id: str = answer.json()["executionId"]
    return execution_id


async def _age(services: Services, member: Member, execution_id: str, days: int) -> None:
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.executions.get(execution_id)
        assert row is not None
        row.created_at -= timedelta(days=days)
        row.ended_at = row.created_at + timedelta(milliseconds=400)
        row.started_at = row.created_at
        row.usage, row.cost = {"input": 10, "output": 5, "total": 15}, 0.5


async def test_statistics(member: Member, stranger: Member, services: Services) -> None:
    empty = (await member.program.get("/api/logs/stats")).json()
    assert (empty["runs"], empty["successRate"], empty["byDay"]) == (0, None, [])
    good, bad = await _made(member, HELLO), await _made(member, BROKEN)
    await _run(stranger, await _made(stranger, HELLO))
    first, _ = await _run(member, good), await _run(member, good)
    await _run(member, bad)
    await _age(services, member, first, 2)
    told = (await member.program.get("/api/logs/stats")).json()
    assert told["runs"] == 3
    assert told["byStatus"] == {"completed": 2, "failed": 1}
    assert told["byTrigger"] == {"api": 3}
    assert told["successRate"] == pytest.approx(2 / 3)
    assert (told["tokens"], told["cost"]) == ({"input": 10, "output": 5, "total": 15}, 0.5)
    assert told["durationMs"]["longest"] >= 400
    assert told["durationMs"]["p50"] <= told["durationMs"]["p95"] <= told["durationMs"]["longest"]
    today = datetime.now(UTC).date()
    days = {row["day"]: row["runs"] for row in told["byDay"]}
    assert days[(today - timedelta(days=2)).isoformat()] == 1
    assert sum(days.values()) == 3
    workflows = [(row["workflowId"], row["runs"]) for row in told["byWorkflow"]]
    assert workflows == [(good, 2), (bad, 1)]
    narrow = (await member.program.get("/api/logs/stats", params={"status": "failed"})).json()
    assert (narrow["runs"], narrow["byStatus"]) == (1, {"failed": 1})
    since = (datetime.now(UTC) - timedelta(days=1)).isoformat()
    recent = (await member.program.get("/api/logs/stats", params={"since": since})).json()
    assert (recent["runs"], recent["cost"]) == (2, 0.0)
    assert (await member.program.get("/api/logs/stats?since=yesterday")).status_code == 400


async def test_filters(member: Member, services: Services) -> None:
    workflow_id = await _made(member, HELLO)
    old, new = await _run(member, workflow_id, {"name": "Old"}), await _run(member, workflow_id)
    await _age(services, member, old, 3)

    async def ids(**query: Any) -> list[str]:
        rows = (await member.program.get("/api/logs", params=query)).json()["data"]
        return [row["id"] for row in rows]

    assert await ids() == [new, old]
    assert await ids(minCost=0.4) == [old]
    assert await ids(maxCost=0.4) == []
    assert await ids(minDuration=399, maxDuration=401) == [old]
    assert await ids(search="hi OLD") == [old]
    assert await ids(search="%") == []
    assert await ids(since=(datetime.now(UTC) - timedelta(days=1)).isoformat()) == [new]
    assert await ids(trigger=["webhook", "schedule"]) == []


async def test_export(member: Member, stranger: Member) -> None:
    workflow_id = await _made(member, HELLO)
    await _run(stranger, await _made(stranger, HELLO))
    ids = [await _run(member, workflow_id, {"name": f"=1+{n}\n"}) for n in range(3)]
    answer = await member.program.get("/api/logs/export")
    assert answer.headers["content-type"] == "application/x-ndjson"
    assert answer.headers["content-disposition"] == 'attachment; filename="runs.jsonl"'
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [line["id"] for line in lines] == ids[::-1]
    listed = (await member.program.get("/api/logs")).json()["data"]
    assert lines == listed
    answer = await member.program.get("/api/logs/export?format=csv&status=completed")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [row["id"] for row in rows] == ids[::-1]
    assert json.loads(rows[0]["input"]) == {"name": "=1+2\n"}
    assert (await member.program.get("/api/logs/export?status=failed")).text == ""
    assert (await member.program.get("/api/logs/export?format=xlsx")).status_code == 400


@pytest.mark.usefixtures("worker")
async def test_spans_are_nested(member: Member) -> None:
    inner = await _made(member, LOOPED)
    outer = definition([block("w", "workflow", workflowId=inner, input={"a": 1})], "s>w")
    execution_id = await _run(member, await _made(member, outer))
    [root] = (await member.program.get(f"/api/logs/{execution_id}")).json()["traceSpans"]
    assert (root["type"], root["status"]) == ("workflow", "completed")
    assert [span["name"] for span in root["children"]] == ["s", "w"]
    [under] = root["children"][1]["children"]
    assert (under["type"], under["status"], under["input"]) == ("workflow", "completed", {"a": 1})
    assert [span["name"] for span in under["children"]] == ["s", "l"]
    iterations = under["children"][1]["children"]
    assert [(span["name"], span["type"]) for span in iterations] == [
        ("Iteration 1", "iteration"),
        ("Iteration 2", "iteration"),
    ]
    texts = [span["children"][0]["output"]["text"] for span in iterations]
    assert texts == ["0", "1"]
    loop = under["children"][1]
    for span in (iterations[0], iterations[0]["children"][0]):
        assert loop["startTime"] <= span["startTime"] <= span["endTime"] <= loop["endTime"]


async def test_a_secret_is_in_no_log(member: Member) -> None:
    hidden = "s3cret-value-of-ours"
    path = f"/api/workspaces/{member.workspace_id}/secrets/TOKEN"
    await member.browser.put(path, json={"value": hidden})
    said = definition([block("t", template="say {{TOKEN}} and <start.name>")], "s>t")
    execution_id = await _run(member, await _made(member, said), {"name": "Ada"})
    texts = [
        (await member.program.get(f"/api/logs{path}")).text
        for path in (
            "",
            f"/{execution_id}",
            f"/{execution_id}/blocks",
            "/stats",
            "/export",
            "/export?format=csv",
        )
    ]
    assert not [text for text in texts if hidden in text]
    assert "say {{TOKEN}} and Ada" in texts[1]
    assert (await member.program.get(f"/api/logs?search={hidden}")).json()["data"] == []


async def test_old_runs_are_forgotten(
    member: Member, services: Services, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    workflow_id = await _made(member, HELLO)
    old, new = await _run(member, workflow_id), await _run(member, workflow_id)
    await _age(services, member, old, 11)
    await forget_old_runs(services)
    assert (await member.program.get(f"/api/logs/{old}")).status_code == 200
    monkeypatch.setattr(services.settings, "run_retention_days", 10)
    await forget_old_runs(services)
    assert (await member.program.get(f"/api/logs/{old}")).status_code == 404
    assert (await member.program.get(f"/api/logs/{new}")).status_code == 200
    async with services.store.unit(member.workspace_id) as unit:
        assert await unit.block_logs.of(old) == []


async def test_the_blocks_of_a_run_come_whole_or_in_parts(member: Member) -> None:
    raw = definition([block(f"b{i}") for i in range(4)], "s>b0 b0>b1 b1>b2 b2>b3")
    made = await member.browser.post("/api/workflows", json={"name": "W", **raw})
    ran = await member.browser.post(f"/api/workflows/{made.json()['id']}/execute", json={})
    path = f"/api/logs/{ran.json()['executionId']}/blocks"
    whole = (await member.browser.get(path)).json()
    assert ([row["blockId"] for row in whole["data"]], whole["nextCursor"]) == (
        ["s", "b0", "b1", "b2", "b3"], None,
    )  # fmt: skip
    parts, cursor = [], None
    while cursor is not None or not parts:
        page = await member.browser.get(path, params={"limit": 2, "cursor": cursor or ""})
        parts += page.json()["data"]
        cursor = page.json()["nextCursor"]
    assert parts == whole["data"]
    for wrong in ("x", cursor_of(Position("a", ""))):
        refused = await member.browser.get(path, params={"cursor": wrong})
        assert refused.json()["error"]["details"]["issues"][0]["code"] == "invalid_cursor"
    assert (await member.browser.get(path, params={"limit": 0})).status_code == 400
    for other in ("/api/blocks", "/api/templates"):
        page = (await member.browser.get(other, params={"limit": 2})).json()
        assert (len(page["data"]), bool(page["nextCursor"])) == (2, True)


@pytest.mark.usefixtures("worker")
async def test_large_values_are_shown_whole(member: Member, services: Services) -> None:
    large = "x" * (LARGE + 1)
    shape = definition([block("t", template=large)], "s>t")
    execution_id = await _run(member, await _made(member, shape))
    async with services.store.unit(member.workspace_id) as unit:
        assert [row.output for row in await unit.block_logs.of(execution_id)][1] is None
    blocks = (await member.program.get(f"/api/logs/{execution_id}/blocks")).json()["data"]
    assert blocks[1]["outputData"] == {"text": large}
    detail = (await member.program.get(f"/api/logs/{execution_id}")).json()
    assert large in json.dumps(detail["traceSpans"])


@pytest.mark.parametrize("path", ["/api/logs", "/api/logs/stats", "/api/logs/export"])
async def test_logs_with_unknown_status_is_refused_in_plain_words(
    path: str, member: Member
) -> None:
    answer = await member.program.get(path, params={"status": "weird"})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["code"] == "VALIDATION_ERROR"
    [found] = answer.json()["error"]["details"]["issues"]
    assert found["path"] == "status.0"
    assert found["message"].startswith("must be 'queued'")


@pytest.mark.parametrize(
    ("start", "end"), [("since", "until"), ("startTime", "endTime"), ("startedAt", "endedAt")]
)
async def test_logs_with_any_name_of_a_time_are_filtered(
    start: str, end: str, member: Member
) -> None:
    execution_id = await _run(member, await _made(member, HELLO))
    around = {start: "2020-01-01T00:00:00Z", end: "2100-01-01T00:00:00Z"}
    listed = (await member.program.get("/api/logs", params=around)).json()["data"]
    assert [row["id"] for row in listed] == [execution_id]
    listed = (await member.program.get("/api/logs", params={end: around[start]})).json()["data"]
    assert listed == []


async def test_async_run_in_v1_names_a_status_url_in_v1(member: Member) -> None:
    workflow_id = await _made(member, HELLO)
    path = f"/api/v1/workflows/{workflow_id}/execute"
    begun = (await member.program.post(path, json={"async": True, "input": {}})).json()
    assert begun["statusUrl"].startswith("/api/v1/executions/")
    assert (await member.program.get(begun["statusUrl"])).json()["id"] == begun["executionId"]


async def test_search_with_20000_characters_is_refused(member: Member) -> None:
    base = (await member.program.post("/api/knowledge", json={"name": "B"})).json()
    path = f"/api/knowledge/{base['id']}/search"
    for answer in (
        await member.program.post(path, json={"query": "a" * 20_000}),
        await member.program.get(path, params={"query": "a" * 20_000}),
    ):
        assert answer.status_code == 400, answer.text
        [found] = answer.json()["error"]["details"]["issues"]
        assert found["message"] == "must have at most 8000 characters"
