"""Runs of other workflows are counted under one root, and hold places of the plan."""

from __future__ import annotations

import asyncio
from typing import Any

from core.services import Services
from core.slots import Slot, Slots
from core.store.executions import ExecutionFilter
from pipelines import subruns
from tests.conftest import Owner
from tests.pipelines.running import add_workflow, drive, get, start
from tests.pipelines.shapes import block, definition, parallel
from tests.security.test_run_limits import set_limits


async def _count(services: Services, owner: Owner) -> int:
    async with services.store.unit(owner.workspace_id) as unit:
        page = await unit.executions.page(ExecutionFilter(trigger=["workflow"]), None, 2000)
    return len(page.rows)


async def _recursive(services: Services, owner: Owner) -> str:
    """Add a workflow that calls itself twenty times side by side."""
    workflow_id = await add_workflow(services, owner, definition([block("a")], "s>a"))
    call = block("call", "workflow", workflowId=workflow_id, input={})
    raw = definition([call], "s>p", parallels=parallel("p", "call", count=20))
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.workflows.get(workflow_id)
        assert row is not None
        row.definition = {"loops": {}, **raw}
    return workflow_id


async def test_workflow_that_calls_itself_ends_at_the_cap_of_runs(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, childRuns=30)
    row = await start(services, owner, await _recursive(services, owner))
    async with asyncio.timeout(120):
        await drive(services)
    ended = await get(services, row)
    assert ended.error is not None
    assert (ended.status, ended.error["limit"]) == ("failed", "childRuns")
    assert await _count(services, owner) <= 30


async def test_parallel_children_take_no_more_slots_than_the_plan_has(
    services: Services, owner: Owner, monkeypatch: Any
) -> None:
    """Ten children, each with a child of its own, pass through three slots and none waits long."""
    await set_limits(services, concurrentExecutions=3)
    inner = await add_workflow(services, owner, definition([block("w", "wait", seconds=0)], "s>w"))
    middle = definition([block("c", "workflow", workflowId=inner, input={})], "s>c")
    middle_id = await add_workflow(services, owner, middle)
    call = block("call", "workflow", workflowId=middle_id, input={})
    raw = definition([call], "s>p", parallels=parallel("p", "call", count=10))
    most = 0
    take = Slots.take

    async def counted(slots: Slots, workspace_id: str, holder: str, limit: int) -> Any:
        nonlocal most
        taken = await take(slots, workspace_id, holder, limit)
        most = max(most, len(await slots.holders(workspace_id)))
        return taken

    monkeypatch.setattr(Slots, "take", counted)
    row = await start(services, owner, await add_workflow(services, owner, raw), slots=3)
    async with asyncio.timeout(120):
        await drive(services)
    assert (await get(services, row)).status == "completed"
    assert 1 < most <= 3
    assert not await services.slots.holders(owner.workspace_id)


async def test_nested_children_with_one_slot_do_not_wait_for_each_other(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, concurrentExecutions=1)
    workflow_id = await add_workflow(services, owner, definition([block("a")], "s>a"))
    for _ in range(4):
        call = block("c", "workflow", workflowId=workflow_id, input={})
        workflow_id = await add_workflow(services, owner, definition([call], "s>c"))
    row = await start(services, owner, workflow_id, slots=1)
    async with asyncio.timeout(60):
        await drive(services)
    assert (await get(services, row)).status == "completed"


async def test_children_that_queue_for_one_slot_ask_for_it_by_turns(
    services: Services, owner: Owner, monkeypatch: Any
) -> None:
    monkeypatch.setattr(subruns, "LOOK_SECONDS", 60)
    await set_limits(services, concurrentExecutions=1)
    inner = await add_workflow(services, owner, definition([block("w", "wait", seconds=0)], "s>w"))
    call = block("call", "workflow", workflowId=inner, input={})
    raw = definition([call], "s>p", parallels=parallel("p", "call", count=20))
    asked = 0

    async def count(*_: Any) -> Slot:
        nonlocal asked
        asked += 1
        return Slot.NONE

    row = await start(services, owner, await add_workflow(services, owner, raw), slots=1)
    monkeypatch.setattr(Slots, "take", count)
    async with asyncio.timeout(120):
        await drive(services)
    assert (await get(services, row)).status == "completed"
    assert asked < 2 * 20, "not each child each time that one ends"


async def test_children_that_queue_for_one_slot_are_begun_one_by_one(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, concurrentExecutions=1)
    inner = await add_workflow(services, owner, definition([block("w", "wait", seconds=60)], "s>w"))
    call = block("call", "workflow", workflowId=inner, input={})
    raw = definition([call], "s>p", parallels=parallel("p", "call", count=20))
    await start(services, owner, await add_workflow(services, owner, raw), slots=1)
    driving = asyncio.create_task(drive(services))
    async with asyncio.timeout(60):
        while not await _count(services, owner):
            await asyncio.sleep(0.05)
        for _ in range(20):  # as many looks as there would be children
            assert await _count(services, owner) < 6, "one runs, one waits, workers take some"
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)
