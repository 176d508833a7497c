"""Where runs are executed: light ones by the API, the others by a worker."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.ids import new_id
from core.services import Services
from core.store.executions import Execution
from pipelines.execute import claim, execute
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition, loop, parallel

LARGE = "x" * 100_000
LIGHT = definition([block("t", template="Hi <start.name>")], "s>t")
MANY = definition([block(f"t{n}") for n in range(20)], " ".join(f"s>t{n}" for n in range(20)))
LOOP = definition([block("t")], "s>l", loops=loop("l", "t", iterations=2))
PARALLEL = definition([block("t")], "s>p", parallels=parallel("p", "t", count=2))
LARGE_TEXT = definition([block("t", template=LARGE)], "s>t")


async def _deployed(member: Member, raw: dict[str, Any]) -> str:
    made = await member.browser.post("/api/workflows", json={"name": "W", **raw})
    path = f"/api/workflows/{made.json()['id']}"
    assert (await member.browser.post(f"{path}/deploy")).json()["isDeployed"] is True
    return path


async def _calling(member: Member, raw: dict[str, Any]) -> dict[str, Any]:
    """Return a workflow whose block runs another one."""
    path = await _deployed(member, raw)
    return definition([block("w", "workflow", workflowId=path.rpartition("/")[2], input={})], "s>w")


async def _queued(services: Services) -> Execution:
    while True:
        async with services.store.system() as unit:
            if await unit.execution_jobs.count_waiting():
                break
        await asyncio.sleep(0.01)
    taken = await claim(services, new_id("worker"))
    assert taken is not None
    return taken


@pytest.mark.parametrize(
    ("raw", "given"),
    [
        (LOOP, {}),
        (PARALLEL, {}),
        (MANY, {}),
        (LARGE_TEXT, {}),
        (LIGHT, {"name": LARGE}),
        ("calls another", {}),
    ],
)
async def test_execute_run_that_is_not_light_is_answered_from_a_worker(
    services: Services, member: Member, raw: Any, given: dict[str, str]
) -> None:
    path = await _deployed(member, await _calling(member, LIGHT) if isinstance(raw, str) else raw)
    call = asyncio.create_task(member.program.post(f"{path}/execute", json={"input": given}))
    async with asyncio.timeout(60):
        run = await _queued(services)
        assert run.started_at is not None
        assert run.lease_owner is not None
        await execute(services, run, run.lease_owner)
        body = (await call).json()
    assert body["status"] == "completed", body
    assert body["executionId"] == run.id


async def test_execute_light_run_is_executed_by_the_api(services: Services, member: Member) -> None:
    path = await _deployed(member, LIGHT)
    body = (await member.program.post(f"{path}/execute", json={"input": {"name": "Ada"}})).json()
    assert body["output"] == {"text": "Hi Ada"}


async def test_execute_light_run_whose_values_grow_is_continued_by_a_worker(
    services: Services, member: Member
) -> None:
    large = block("large", template="<start.name>" * 10)
    path = await _deployed(member, definition([large, block("t")], "s>large large>t"))
    given = {"name": "x" * 60_000}
    call = asyncio.create_task(member.program.post(f"{path}/execute", json={"input": given}))
    async with asyncio.timeout(60):
        run = await _queued(services)
        async with services.store.unit(run.workspace_id) as unit:
            rows = await unit.block_logs.of(run.id)
        assert [row.block_id for row in rows] == ["s", "large"]
        await execute(services, run, str(run.lease_owner))
        body = (await call).json()
    assert body["output"] == {"text": "t"}
    logs = (await member.program.get(f"{path}/executions/{run.id}")).json()
    assert logs["status"] == "completed"


async def test_execute_run_that_no_worker_takes_is_cancelled_in_its_time(
    services: Services, member: Member, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("pipelines.background._GRACE_SECONDS", 0.1)
    path = await _deployed(member, LOOP)
    answer = await member.program.post(f"{path}/execute", json={"input": {}, "timeoutSeconds": 1})
    assert answer.status_code == 408
    assert "No worker" in answer.json()["error"]["message"]
    runs = (await member.program.get(f"{path}/executions")).json()["data"]
    assert [each["status"] for each in runs] == ["cancelled"]
