"""What runs come to is written many at once, each as if it were alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import text

from core.ids import new_id
from core.services import Services
from core.store.executions import Execution
from core.store.workflows import Workflow
from tests.conftest import Owner

_NOW = datetime(2026, 1, 1, tzinfo=UTC)


async def _deployed(services: Services, owner: Owner) -> str:
    row = Workflow(id=new_id("wf"), name="W", definition={"blocks": {"a": {"type": "start"}}})
    async with services.store.unit(owner.workspace_id) as unit:
        unit.workflows.add(row)
        await unit.flush()
        version = await unit.workflows.take_snapshot(row, "deploy")
        row.is_deployed, row.deployed_version = True, version.number
    return row.id


def _run(owner: Owner, workflow_id: str, run_id: str = "", version: int = 1) -> Execution:
    return Execution(
        id=run_id or new_id("exec"),
        workspace_id=owner.workspace_id,
        workflow_id=workflow_id,
        version=version,
        definition={},
        options={},
        trigger="api",
        status="running",
        started_at=_NOW,
        lease_owner="w",
        lease_until=_NOW + timedelta(days=10_000),
    )


def _block(number: int) -> dict[str, Any]:
    moment = _NOW.isoformat()
    row = {"block_id": f"b{number}", "block_name": "B", "block_type": "template", "iteration": ""}
    row |= {"execution_order": number, "attempt": 1, "status": "success", "output": {"n": number}}
    return {**row, "started_at": moment, "ended_at": moment}


async def _get(services: Services, run: Execution) -> Execution:
    async with services.store.unit(run.workspace_id) as unit:
        row = await unit.executions.get(run.id)
    assert row is not None
    return row


async def test_side_by_side_each_run_gets_what_is_its_own(services: Services, owner: Owner) -> None:
    writer, workflow = services.store.run_writer, await _deployed(services, owner)
    runs = [_run(owner, workflow) for _ in range(4)]
    assert await asyncio.gather(*(writer.begin(run) for run in runs)) == [True] * 4
    first, second, third, fourth = runs
    done = await asyncio.gather(
        writer.write_block(first, "w", _block(1)),
        writer.begin(_run(owner, workflow, first.id)),
        writer.finish(second, "w", {"status": "completed", "output": {"x": 1}}),
        writer.finish(third, "another", {"status": "completed"}),
        writer.write_block(fourth, "another", _block(1)),
        writer.write_block(first, "w", _block(1)),
        writer.write_block(first, "w", _block(2)),
    )
    assert done == [True, False, True, False, False, False, True]
    assert (second.status, second.lease_owner) == ("completed", None)
    found = [await _get(services, run) for run in runs]
    assert [row.status for row in found] == ["running", "completed", "running", "running"]
    assert (found[1].output, found[1].ended_at) == ({"x": 1}, second.ended_at)
    assert (found[0].definition, found[0].created_at) == (
        {"blocks": {"a": {"type": "start"}}},
        first.created_at,
    )
    async with services.store.unit(owner.workspace_id) as unit:
        logs = await unit.block_logs.of(first.id)
    assert [(log.block_id, log.output) for log in logs] == [("b1", {"n": 1}), ("b2", {"n": 2})]


async def test_run_writer_with_equal_ids_of_two_workspaces_keeps_them_apart(
    services: Services, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    writer = services.store.run_writer
    owners = [await make_owner(), await make_owner()]
    runs = [_run(owner, await _deployed(services, owner), "same") for owner in owners]
    repeat = _run(owners[0], runs[0].workflow_id, "same")
    begun = await asyncio.gather(*(writer.begin(run) for run in [*runs, repeat]))
    assert begun == [True, True, False]
    blocks = await asyncio.gather(
        *(writer.write_block(run, "w", _block(n)) for n, run in enumerate(runs))
    )
    assert blocks == [True, True]
    assert await writer.finish(runs[0], "w", {"status": "completed", "output": 1})
    assert [(await _get(services, run)).status for run in runs] == ["completed", "running"]
    for number, run in enumerate(runs):
        async with services.store.unit(run.workspace_id) as unit:
            logs = await unit.block_logs.of("same")
        assert [log.block_id for log in logs] == [f"b{number}"]


async def test_only_what_is_deployed_in_the_runs_workspace_is_begun(
    services: Services, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    owner, stranger = await make_owner(), await make_owner()
    workflow = await _deployed(services, owner)
    writer = services.store.run_writer
    assert not await writer.begin(_run(stranger, workflow))
    assert not await writer.begin(_run(owner, workflow, version=2))
    assert await writer.begin(_run(owner, workflow))
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.workflows.lock(workflow)
        assert row is not None
        row.is_deployed, row.deployed_version = False, None
    assert not await writer.begin(_run(owner, workflow))


async def test_an_end_does_not_wait_for_who_holds_the_row(services: Services, owner: Owner) -> None:
    writer = services.store.run_writer
    run = _run(owner, await _deployed(services, owner))
    await writer.begin(run)
    async with services.store.engine.begin() as connection:
        query = text("SELECT id FROM executions WHERE id = :id FOR UPDATE")
        await connection.execute(query, {"id": run.id})
        assert not await writer.finish(run, "w", {"status": "completed"})
    assert await writer.finish(run, "w", {"status": "completed"})
    assert not await writer.finish(run, "w", {"status": "failed"})
    assert (await _get(services, run)).status == "completed"
