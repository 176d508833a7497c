"""Workflows run by workflows: found again after a crash, ended and paused together."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from sqlalchemy import text

from core.services import Services
from core.store.executions import Execution, ExecutionFilter
from core.store.pages import PageRequest
from pipelines import pauses, run
from pipelines.execute import claim, execute
from tests.conftest import Owner
from tests.pipelines.running import (
    add_workflow,
    begin,
    drive,
    event_types,
    finished,
    get,
    logged,
    make_due,
    pauses_of,
    start,
)
from tests.pipelines.shapes import block, definition, loop

ECHO = definition([block("t", template="<start.x>!")], "s>t")


async def _calling(services: Services, owner: Owner, inner: dict[str, Any], **fields: Any) -> Any:
    inner_id = await add_workflow(services, owner, inner)
    call = block("call", "workflow", workflowId=inner_id, input={"x": "<start.x>"}, **fields)
    return definition([call, block("z", template="[<call.output.text>]")], "s>call call>z")


async def _children(services: Services, owner: Owner) -> list[Execution]:
    async with services.store.unit(owner.workspace_id) as unit:
        page = await unit.executions.page(ExecutionFilter(trigger=["workflow"]), PageRequest(100))
    return list(page.rows)


async def test_another_workflow_is_run(services: Services, owner: Owner) -> None:
    row = await begin(services, owner, await _calling(services, owner, ECHO), input={"x": "hi"})
    assert (row.status, row.output) == ("completed", {"text": "[hi!]"})
    [child] = await _children(services, owner)
    assert (child.status, child.input, child.depth) == ("completed", {"x": "hi"}, 1)
    assert (child.parent_id, child.parent_place) == (row.id, "call//1")
    assert (await event_types(services, child))[-1] == "execution:completed"


async def test_in_a_loop_each_iteration_has_a_run(services: Services, owner: Owner) -> None:
    inner_id = await add_workflow(services, owner, ECHO)
    call = block("call", "workflow", workflowId=inner_id, input={"x": "<loop.index>"})
    raw = definition([call], "s>l", loops=loop("l", "call", iterations=3))
    row = await begin(services, owner, raw)
    assert [r["output"]["text"] for r in row.output["results"]] == ["0!", "1!", "2!"]
    places = {child.parent_place for child in await _children(services, owner)}
    assert places == {"call/0/1", "call/1/1", "call/2/1"}


async def test_what_fails_in_it_fails_the_block(services: Services, owner: Owner) -> None:
    bad = definition([block("t", template="{{NOPE}}")], "s>t")
    row = await begin(services, owner, await _calling(services, owner, bad))
    assert row.status == "failed"
    assert 'Block "call"' in row.error["message"]
    assert "has no secret NOPE" in row.error["message"]
    assert row.error["code"] == "VALIDATION_ERROR"


async def test_each_try_is_a_run_of_its_own(services: Services, owner: Owner) -> None:
    bad = definition([block("t", template="{{NOPE}}")], "s>t")
    raw = await _calling(services, owner, bad, _retry={"maxTries": 3, "waitMs": 0})
    assert (await begin(services, owner, raw)).status == "failed"
    places = {child.parent_place for child in await _children(services, owner)}
    assert places == {"call//1", "call//2", "call//3"}


async def test_a_workflow_that_runs_itself_is_ended(services: Services, owner: Owner) -> None:
    inner_id = await add_workflow(services, owner, ECHO)
    raw = definition([block("call", "workflow", workflowId=inner_id)], "s>call")
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = await unit.workflows.get(inner_id)
        assert workflow is not None
        workflow.definition = raw
    row = await start(services, owner, inner_id)
    await drive(services)
    row = await finished(services, row)
    assert row.status == "failed"
    assert "more than 25 deep" in row.error["message"]
    assert len(await _children(services, owner)) == 25


async def test_what_is_not_there_or_never_deployed(services: Services, owner: Owner) -> None:
    raw = definition([block("call", "workflow", workflowId="wf_nothing")], "s>call")
    assert "no such workflow" in (await begin(services, owner, raw)).error["message"]
    outer = await add_workflow(services, owner, await _calling(services, owner, ECHO))
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = await unit.workflows.lock(outer)
        assert workflow is not None
        workflow.deployed_version = (await unit.workflows.take_snapshot(workflow, "deploy")).number
    row = await start(services, owner, outer, draft="never")
    await drive(services)
    assert "was never deployed" in (await finished(services, row)).error["message"]


async def test_another_tenant_s_workflow_is_not_there(
    services: Services, owner: Owner, make_owner: Any
) -> None:
    theirs = await add_workflow(services, await make_owner(), ECHO)
    raw = definition([block("call", "workflow", workflowId=theirs)], "s>call")
    assert "no such workflow" in (await begin(services, owner, raw)).error["message"]


async def test_secrets_go_down_and_stay_masked(services: Services, owner: Owner) -> None:
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.secrets.put("KEY", services.sealer.seal("hush-hush"))
    inner_id = await add_workflow(services, owner, ECHO)
    call = block("call", "workflow", workflowId=inner_id, input={"x": "{{KEY}}"})
    size = block(
        "z", "condition", conditions=[{"id": "c", "value": "<call.output.text> == 'hush-hush!'"}]
    )
    raw = definition([call, size], "s>call call>z")
    row = await begin(services, owner, raw)
    assert row.output["conditionResult"] is True  # the true value came back
    [child] = await _children(services, owner)
    assert child.input == {"x": "{{KEY}}"}
    assert child.output == {"text": "{{KEY}}!"}
    for of in (row, child):
        async with services.store.unit(owner.workspace_id) as unit:
            rows = await unit.block_logs.of(of.id)
        assert "hush-hush" not in str([(r.input, r.output) for r in rows])


SLOW = definition([block("w", "wait", seconds=4)], "s>w")


async def test_cancelling_goes_down(services: Services, owner: Owner) -> None:
    outer = await add_workflow(services, owner, await _calling(services, owner, SLOW))
    row = await start(services, owner, outer, runner="me")
    running = asyncio.create_task(execute(services, row, "me"))
    while not await _children(services, owner):
        await asyncio.sleep(0.02)
    async with services.store.unit(owner.workspace_id) as unit:
        await run.cancel(unit, services, row.id)
    async with asyncio.timeout(30):
        assert await running is None
    [child] = await _children(services, owner)
    assert child.status == "cancelled"
    assert (await event_types(services, child))[-1] == "execution:cancelled"
    assert await claim(services, "w") is None


async def test_a_block_out_of_time_cancels_it(services: Services, owner: Owner) -> None:
    raw = await _calling(services, owner, SLOW, _timeoutMs=300)
    row = await begin(services, owner, raw)
    assert row.error["code"] == "TIMEOUT"
    assert [child.status for child in await _children(services, owner)] == ["cancelled"]


async def test_a_failure_beside_it_cancels_it(services: Services, owner: Owner) -> None:
    raw = await _calling(services, owner, SLOW)
    raw["blocks"]["bad"] = block("bad", template="{{NOPE}}")
    raw["blocks"]["w"] = block("w", "wait", seconds=0.5)
    raw["edges"].append({"id": "x", "source": "s", "target": "w"})
    raw["edges"].append({"id": "y", "source": "w", "target": "bad"})
    assert (await begin(services, owner, raw)).status == "failed"
    assert [child.status for child in await _children(services, owner)] == ["cancelled"]


async def test_a_lost_process_s_run_is_taken_up_not_begun_again(
    services: Services, owner: Owner
) -> None:
    inner = definition([block("a"), block("w", "wait", seconds=1), block("t")], "s>a a>w w>t")
    outer = await add_workflow(services, owner, await _calling(services, owner, inner))
    row = await start(services, owner, outer, runner="dead")
    running = asyncio.create_task(execute(services, row, "dead"))
    ended: set[str] = set()
    while "a" not in ended:
        await asyncio.sleep(0.02)
        for child in await _children(services, owner):
            ended |= {block_id for block_id, *_ in await logged(services, child)}
    async with services.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE executions SET lease_owner = 'gone', lease_until = now() - interval '1 s'")
        )
    assert await running is None
    await drive(services)
    assert (await finished(services, row)).output == {"text": "[t]"}
    [child] = await _children(services, owner)
    assert child.recoveries == 1
    assert sorted(b for b, *_ in await logged(services, child)) == ["a", "s", "t", "w"]


async def test_it_pauses_the_run_around_it(services: Services, owner: Owner) -> None:
    inner = definition(
        [block("ask", "humanInTheLoop"), block("t", template="<ask.y>")], "s>ask ask>t"
    )
    row = await begin(services, owner, await _calling(services, owner, inner))
    [child] = await _children(services, owner)
    assert (row.status, child.status) == ("paused", "paused")
    [pause] = await pauses_of(services, row)  # the inner run's, told by both
    assert pause.execution_id == child.id
    async with services.store.unit(owner.workspace_id) as unit:
        await pauses.resume(unit, services, child.id, pause.id, {"y": "yes"}, -1)
    await drive(services)
    assert (await get(services, row)).status == "paused"
    await pauses.end_due(services)  # the inner run has ended
    await drive(services)
    assert (await finished(services, row)).output == {"text": "[yes]"}


async def test_cancelling_a_paused_one(services: Services, owner: Owner) -> None:
    inner = definition([block("ask", "humanInTheLoop")], "s>ask")
    row = await begin(services, owner, await _calling(services, owner, inner))
    async with services.store.unit(owner.workspace_id) as unit:
        await run.cancel(unit, services, row.id)
    await make_due(services)
    await pauses.end_due(services)
    await drive(services)
    assert [child.status for child in await _children(services, owner)] == ["cancelled"]


@pytest.fixture(autouse=True)
def looking_often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipelines.subruns.LOOK_SECONDS", 0.05)
