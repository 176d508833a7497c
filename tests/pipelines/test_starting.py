"""A run that is started by itself begins as one that is part of a unit does."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.errors import Conflict, NotFound, RateLimited, ValidationFailed
from core.ids import new_id
from core.services import Services
from core.store.executions import Execution
from core.store.workflows import Workflow
from pipelines.level import Extent
from pipelines.prepared import latest
from pipelines.run import RunRequest
from pipelines.starting import start_alone
from tests.conftest import Owner
from tests.pipelines.shapes import block, definition


async def _deploy(services: Services, owner: Owner, text: str, workflow_id: str = "") -> str:
    raw = {**definition([block("t", template=text)], "s>t"), "loops": {}}
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.workflows.lock(workflow_id) if workflow_id else None
        if row is None:
            row = unit.workflows.add(Workflow(id=new_id("wf"), name="W", definition=raw))
        row.definition = raw
        await unit.flush()
        version = await unit.workflows.take_snapshot(row, "deploy")
        row.is_deployed, row.deployed_version = True, version.number
    return row.id


async def _start(services: Services, owner: Owner, workflow_id: str, **said: Any) -> Execution:
    request = RunRequest(**{"trigger": "api", "runner": "api_1", **said})
    return await start_alone(services, owner.workspace_id, workflow_id, request)


def _template(run: Execution) -> Any:
    return run.definition["blocks"]["t"]["subBlocks"]["template"]["value"]


async def _stored(services: Services, run: Execution) -> Execution:
    async with services.store.unit(run.workspace_id) as unit:
        row = await unit.executions.get(run.id)
    assert row is not None
    return row


async def test_the_deployed_version_is_frozen_known_or_not(
    services: Services, owner: Owner
) -> None:
    workflow = await _deploy(services, owner, "one")
    assert latest(workflow) is None
    runs = [await _start(services, owner, workflow, input={"n": n}) for n in range(2)]
    assert latest(workflow) is not None
    await _deploy(services, owner, "two", workflow)
    runs += [await _start(services, owner, workflow, input={"n": n}) for n in (2, 3)]
    rows = [await _stored(services, run) for run in runs]
    assert [_template(row) for row in rows] == ["one", "one", "two", "two"]
    assert [_template(run) for run in runs] == ["one", "one", "two", "two"]
    assert [(row.version, row.input, row.status) for row in rows] == [
        (1, {"n": 0}, "running"), (1, {"n": 1}, "running"),
        (2, {"n": 2}, "running"), (2, {"n": 3}, "running"),
    ]  # fmt: skip
    first, second = (
        {name: getattr(row, name) for name in ("options", "trigger", "lease_owner", "output")}
        | {"recoveries": row.recoveries, "depth": row.depth, "paused": row.paused_seconds}
        for row in rows[:2]
    )
    assert first == second


async def test_what_is_known_is_refused_for_the_same_reasons(
    services: Services, owner: Owner
) -> None:
    workflow = await _deploy(services, owner, "one")
    taken = (await _start(services, owner, workflow)).id
    with pytest.raises(Conflict, match="id exists"):
        await _start(services, owner, workflow, execution_id=taken, slots=1)
    assert not await services.slots.holders(owner.workspace_id)
    with pytest.raises(ValidationFailed, match="names 'nowhere'"):
        await _start(services, owner, workflow, extent=Extent(stop_after_block_id="nowhere"))
    held = await _start(services, owner, workflow, slots=1)
    with pytest.raises(RateLimited):
        await _start(services, owner, workflow, slots=1)
    assert await services.slots.holders(owner.workspace_id) == {held.id}
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.workflows.lock(workflow)
        assert row is not None
        row.is_deployed, row.deployed_version = False, None
    with pytest.raises(Conflict, match="never deployed"):
        await _start(services, owner, workflow)
    with pytest.raises(NotFound):
        await start_alone(services, "ws_other", workflow, RunRequest(trigger="api", runner="a"))


async def test_of_equal_ids_at_once_one_begins(services: Services, owner: Owner) -> None:
    workflow = await _deploy(services, owner, "one")
    await _start(services, owner, workflow)
    run_id = new_id("exec")
    done = await asyncio.gather(
        *(_start(services, owner, workflow, execution_id=run_id) for _ in range(3)),
        return_exceptions=True,
    )
    assert sorted(type(each).__name__ for each in done) == ["Conflict", "Conflict", "Execution"]
