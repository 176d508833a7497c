"""The slot of a run: held from acceptance to the end, whoever drives it and however it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.errors import RateLimited
from core.ids import new_id
from core.services import Services
from core.store.executions import Execution
from core.store.workflows import Workflow
from pipelines import execute as life
from pipelines import run
from pipelines.execute import claim, execute
from pipelines.run import RunRequest
from tests.conftest import Owner
from tests.pipelines.shapes import block, definition
from workers.upkeep import renew_waiting_slots

pytestmark = pytest.mark.usefixtures("waiting_in_place")

HELLO = definition([block("t", template="Hi")], "s>t")
FAILS = definition([block("t", template="{{NOPE}}")], "s>t")
SLOW = definition([block("w", "wait", seconds=60)], "s>w")


async def _start(services: Services, owner: Owner, raw: dict[str, Any], **said: Any) -> Execution:
    async with services.store.unit(owner.workspace_id) as unit:
        row = Workflow(id=new_id("wf"), name="W", definition={**raw, "loops": {}})
        unit.workflows.add(row)
        await unit.flush()
        request = RunRequest(**{"trigger": "manual", "draft": "always", "slots": 1, **said})
        return await run.start(unit, services, row.id, request)


@pytest.mark.parametrize(("raw", "status"), [(HELLO, "completed"), (FAILS, "failed")])
async def test_a_run_that_ends_gives_its_slot_back(
    services: Services, owner: Owner, raw: dict[str, Any], status: str
) -> None:
    await _start(services, owner, raw)
    with pytest.raises(RateLimited) as caught:
        await _start(services, owner, raw)
    assert caught.value.details == {"reason": "concurrency"}
    taken = await claim(services, "w")
    assert taken is not None
    ended = await execute(services, taken, "w")
    assert ended is not None
    assert ended.status == status
    assert not await services.slots.holders(owner.workspace_id)


async def test_a_waiting_run_that_is_cancelled_gives_its_slot_back(
    services: Services, owner: Owner
) -> None:
    started = await _start(services, owner, SLOW)
    async with services.store.unit(owner.workspace_id) as unit:
        await run.cancel(unit, services, started.id)
    assert not await services.slots.holders(owner.workspace_id)


async def test_a_slot_is_kept_while_its_run_waits(services: Services, owner: Owner) -> None:
    held = await _start(services, owner, SLOW)
    unlimited = await _start(services, owner, SLOW, slots=run.NO_LIMIT)
    await services.redis.flushdb()  # as if the lease had run out
    await renew_waiting_slots(services)
    assert await services.slots.holders(owner.workspace_id) == {held.id}
    assert "holdsSlot" not in unlimited.options


async def test_whoever_drives_a_run_renews_its_slot(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(life, "HEARTBEAT_SECONDS", 0.02)
    started = await _start(services, owner, SLOW, runner="w")
    driving = asyncio.create_task(execute(services, started, "w"))
    await services.slots.free(owner.workspace_id, started.id)  # as if it had run out
    while not await services.slots.holders(owner.workspace_id):
        await asyncio.sleep(0.01)
    async with services.store.unit(owner.workspace_id) as unit:
        await run.cancel(unit, services, started.id)
    assert await driving is None
    assert not await services.slots.holders(owner.workspace_id)


async def test_a_run_put_back_keeps_its_slot(services: Services, owner: Owner) -> None:
    started = await _start(services, owner, SLOW, runner="w")
    driving = asyncio.create_task(execute(services, started, "w"))
    await asyncio.sleep(0)
    driving.cancel()
    await asyncio.gather(driving, return_exceptions=True)
    assert await services.slots.holders(owner.workspace_id) == {started.id}


async def test_what_is_not_added_takes_no_slot(services: Services, owner: Owner) -> None:
    first = await _start(services, owner, HELLO, slots=2, execution_id="mine")
    for said in ({"execution_id": "mine"}, {"from_execution_id": "nothing"}):
        with pytest.raises((run.Conflict, run.NotFound)):
            await _start(services, owner, HELLO, slots=2, **said)
    assert await services.slots.holders(owner.workspace_id) == {first.id}
