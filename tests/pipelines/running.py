"""Starts and drives runs on real servers, for tests."""

from __future__ import annotations

from typing import Any

from sqlalchemy import text

from core.ids import new_id
from core.services import Services
from core.store.executions import TERMINAL, Execution
from core.store.pauses import Pause
from core.store.workflows import Workflow
from pipelines import run
from pipelines.execute import claim, execute
from pipelines.live import log_name
from pipelines.run import RunRequest
from tests.conftest import Owner


async def add_workflow(
    services: Services, owner: Owner, raw: dict[str, Any], name: str = "W"
) -> str:
    async with services.store.unit(owner.workspace_id) as unit:
        row = Workflow(id=new_id("wf"), name=name, definition={"loops": {}, **raw})
        unit.workflows.add(row)
    return row.id


async def start(services: Services, owner: Owner, workflow_id: str, **said: Any) -> Execution:
    request = RunRequest(**{"trigger": "manual", "draft": "always", **said})
    async with services.store.unit(owner.workspace_id) as unit:
        return await run.start(unit, services, workflow_id, request)


async def begin(services: Services, owner: Owner, raw: dict[str, Any], **said: Any) -> Execution:
    """Add a workflow, start a run of it and run it until it ends or pauses."""
    row = await start(services, owner, await add_workflow(services, owner, raw), **said)
    await drive(services)
    return await get(services, row)


async def drive(services: Services) -> None:
    """Run all that waits, as workers would, one after the other."""
    while (taken := await claim(services, owner := new_id("worker"))) is not None:
        await execute(services, taken, owner)


async def get(services: Services, of: Execution) -> Execution:
    async with services.store.unit(of.workspace_id) as unit:
        row = await unit.executions.get(of.id)
    assert row is not None
    return row


async def finished(services: Services, of: Execution) -> Execution:
    row = await get(services, of)
    assert row.status in TERMINAL
    return row


async def pauses_of(services: Services, of: Execution) -> list[Pause]:
    async with services.store.unit(of.workspace_id) as unit:
        return list(await unit.pauses.open_under(of.id))


async def logged(services: Services, of: Execution) -> list[tuple[str, str, str]]:
    """Return block, iteration and status of each row of a run's log."""
    async with services.store.unit(of.workspace_id) as unit:
        rows = await unit.block_logs.of(of.id)
    return [(row.block_id, row.iteration, row.status) for row in rows]


async def event_types(services: Services, of: Execution) -> list[str]:
    return [event.data["type"] for event in await services.events.read(log_name(of), 0)]


async def make_due(services: Services) -> None:
    """Let all times that pauses wait for have come."""
    async with services.store.engine.begin() as connection:
        await connection.execute(text("UPDATE pauses SET due_at = now() - interval '1 s'"))


async def limit_runs(services: Services, most: int) -> None:
    """Let workspaces have only so many runs at a time."""
    async with services.store.engine.begin() as connection:
        limits = f'{{"concurrentExecutions": {most}}}'
        await connection.execute(text("UPDATE workspaces SET limits = :l"), {"l": limits})
