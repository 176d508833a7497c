"""Runs on real servers: leases, recovery, cancellation, and exactly one last event."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from sqlalchemy import text

from core.errors import Conflict, NotFound, RateLimited, ValidationFailed
from core.events import EventLogs
from core.ids import new_id
from core.services import Services
from core.store.executions import TERMINAL, Execution, ExecutionFilter
from core.store.pages import PageRequest
from core.store.workflows import Workflow
from pipelines import run
from pipelines.execute import claim, execute
from pipelines.level import Extent
from pipelines.live import LAST_TYPES, follow, log_name
from pipelines.run import RunRequest
from tests.conftest import Owner
from tests.pipelines.shapes import block, definition

pytestmark = pytest.mark.usefixtures("waiting_in_place")

HELLO = definition([block("t", template="Hi <start.name>")], "s>t")
SLOW = definition([block("a"), block("w", "wait", seconds=60), block("z")], "s>a a>w w>z")


async def _workflow(services: Services, owner: Owner, raw: dict[str, Any]) -> str:
    async with services.store.unit(owner.workspace_id) as unit:
        row = Workflow(id=new_id("wf"), name="W", definition={**raw, "loops": {}})
        unit.workflows.add(row)
    return row.id


async def _start(services: Services, owner: Owner, workflow_id: str, **said: Any) -> Execution:
    request = RunRequest(**{"trigger": "manual", "draft": "always", **said})
    async with services.store.unit(owner.workspace_id) as unit:
        return await run.start(unit, services, workflow_id, request)


async def _get(services: Services, of: Execution) -> Execution:
    async with services.store.unit(of.workspace_id) as unit:
        row = await unit.executions.get(of.id)
    assert row is not None
    return row


async def _rows(services: Services, of: Execution) -> list[tuple[str, str]]:
    async with services.store.unit(of.workspace_id) as unit:
        return [(row.block_id, row.status) for row in await unit.block_logs.of(of.id)]


async def _types(services: Services, of: Execution) -> list[str]:
    return [event.data["type"] for event in await services.events.read(log_name(of), 0)]


async def _expire(services: Services, of: Execution) -> None:
    """Let the lease end, as if its holder had died a while ago."""
    async with services.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE executions SET lease_until = now() - interval '1 s' WHERE id = :id"),
            {"id": of.id},
        )


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():
        await asyncio.sleep(0.01)


def _is_waiting(services: Services, of: Execution) -> Callable[[], Awaitable[bool]]:
    async def holds() -> bool:
        events = await services.events.read(log_name(of), 0)
        return any(e.data["data"].get("blockId") == "w" for e in events)

    return holds


async def test_a_run_in_this_process(services: Services, owner: Owner) -> None:
    workflow_id = await _workflow(services, owner, HELLO)
    row = await _start(services, owner, workflow_id, input={"name": "Ada"}, runner="me")
    assert row.status == "running"
    ended = await execute(services, row, "me")
    assert ended is not None
    assert (ended.status, ended.output, ended.error) == ("completed", {"text": "Hi Ada"}, None)
    assert ended.ended_at is not None
    assert await _rows(services, row) == [("s", "success"), ("t", "success")]
    assert await _types(services, row) == [
        "execution:started",
        *["block:started", "block:completed"] * 2,
        "execution:completed",
    ]


async def test_a_run_through_the_queue(services: Services, owner: Owner) -> None:
    row = await _start(services, owner, await _workflow(services, owner, HELLO))
    assert row.status == "queued"
    taken = await claim(services, "worker")
    assert taken is not None
    assert (taken.id, taken.status, taken.recoveries) == (row.id, "running", 0)
    assert await claim(services, "another") is None
    ended = await execute(services, taken, "worker")
    assert ended is not None
    assert ended.status == "completed"


async def test_a_failing_run_names_its_block(services: Services, owner: Owner) -> None:
    raw = definition([block("t", template="{{NOPE}}")], "s>t")
    row = await _start(services, owner, await _workflow(services, owner, raw), runner="me")
    ended = await execute(services, row, "me")
    assert ended is not None
    assert ended.status == "failed"
    assert ended.error is not None
    assert ended.error["blockId"] == "t"
    assert ended.error["code"] == "VALIDATION_ERROR"
    assert (await _types(services, row))[-2:] == ["block:error", "execution:error"]


async def test_the_definition_is_frozen_at_the_start(services: Services, owner: Owner) -> None:
    workflow_id = await _workflow(services, owner, HELLO)
    row = await _start(services, owner, workflow_id, input={"name": "Ada"})
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = await unit.workflows.get(workflow_id)
        assert workflow is not None
        workflow.definition = definition([block("t", template="changed")], "s>t")
    taken = await claim(services, "w")
    assert taken is not None
    ended = await execute(services, taken, "w")
    assert ended is not None
    assert ended.id == row.id
    assert ended.output == {"text": "Hi Ada"}


async def test_cancel_stops_a_running_block(services: Services, owner: Owner) -> None:
    row = await _start(services, owner, await _workflow(services, owner, SLOW), runner="me")
    running = asyncio.create_task(execute(services, row, "me"))
    await _until(_is_waiting(services, row))
    async with services.store.unit(owner.workspace_id) as unit:
        cancelled = await run.cancel(unit, services, row.id)
    assert cancelled.status == "cancelled"
    async with asyncio.timeout(30):
        assert await running is None
    assert await _rows(services, row) == [("s", "success"), ("a", "success")]
    types = await _types(services, row)
    assert types[-1] == "execution:cancelled"
    assert len([t for t in types if t in LAST_TYPES.values()]) == 1


async def test_cancel_is_idempotent_and_leaves_an_end_alone(
    services: Services, owner: Owner
) -> None:
    workflow_id = await _workflow(services, owner, HELLO)
    queued = await _start(services, owner, workflow_id)
    for _ in range(2):
        async with services.store.unit(owner.workspace_id) as unit:
            assert (await run.cancel(unit, services, queued.id)).status == "cancelled"
    assert await claim(services, "w") is None
    assert await _types(services, queued) == ["execution:cancelled"]
    done = await _start(services, owner, workflow_id, runner="me")
    await execute(services, done, "me")
    async with services.store.unit(owner.workspace_id) as unit:
        assert (await run.cancel(unit, services, done.id)).status == "completed"


async def test_a_lost_process_is_recovered_without_running_a_block_twice(
    services: Services, owner: Owner
) -> None:
    row = await _start(services, owner, await _workflow(services, owner, SLOW), runner="dead")
    running = asyncio.create_task(execute(services, row, "dead"))
    await _until(_is_waiting(services, row))
    await _expire(services, row)
    taken = await claim(services, "alive")
    assert taken is not None
    assert (taken.id, taken.recoveries) == (row.id, 1)
    async with asyncio.timeout(30):
        assert await running is None  # the old holder finds out and stops
    async with services.store.engine.begin() as connection:  # do not wait a minute
        await connection.execute(
            text("UPDATE executions SET definition = jsonb_set(definition, :path, '0')"),
            {"path": ["blocks", "w", "subBlocks", "seconds", "value"]},
        )
    ended = await execute(services, await _get(services, row), "alive")
    assert ended is not None
    assert ended.status == "completed"
    assert await _rows(services, row) == [(b, "success") for b in "sawz"]
    types = await _types(services, row)
    assert types.count("execution:started") == 1
    assert types.count("block:completed") == 4
    assert types.count("execution:completed") == 1


async def test_what_was_written_but_not_announced_is_announced(
    services: Services, owner: Owner
) -> None:
    row = await _start(services, owner, await _workflow(services, owner, HELLO), runner="a")
    await execute(services, row, "a")
    await services.redis.flushdb()
    async with services.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE executions SET status = 'running', lease_until = now() - interval '1 s'")
        )
        await connection.execute(text("DELETE FROM block_logs WHERE block_id = 't'"))
    await services.events.append(log_name(row), {"type": "execution:started", "data": {}})
    taken = await claim(services, "b")
    assert taken is not None
    await execute(services, taken, "b")
    types = await _types(services, row)
    assert types == [
        "execution:started",
        "block:completed",
        "block:started",
        "block:completed",
        "execution:completed",
    ]


async def test_a_run_that_kills_its_workers_fails(services: Services, owner: Owner) -> None:
    row = await _start(services, owner, await _workflow(services, owner, HELLO))
    ended: Execution | None = None
    for attempt in range(5):
        taken = await claim(services, f"w{attempt}")
        assert taken is not None
        assert taken.recoveries == attempt
        if taken.recoveries > 3:
            ended = await execute(services, taken, f"w{attempt}")
        else:
            await _expire(services, row)
    assert ended is not None
    assert ended.error is not None
    assert (ended.status, ended.error["code"]) == ("failed", "WORKER_LOST")
    assert await _rows(services, row) == []


async def test_a_process_that_stops_puts_its_run_back(services: Services, owner: Owner) -> None:
    row = await _start(services, owner, await _workflow(services, owner, SLOW), runner="me")
    running = asyncio.create_task(execute(services, row, "me"))
    await _until(_is_waiting(services, row))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert (await _get(services, row)).status == "queued"
    taken = await claim(services, "next")
    assert taken is not None
    assert taken.recoveries == 0


async def test_a_time_limit_cancels_the_run(services: Services, owner: Owner) -> None:
    workflow_id = await _workflow(services, owner, SLOW)
    row = await _start(services, owner, workflow_id, runner="me", timeout_seconds=0.3)
    ended = await execute(services, row, "me")
    assert ended is not None
    assert ended.error is not None
    assert (ended.status, ended.error["code"]) == ("cancelled", "TIMEOUT")
    assert (await _types(services, row))[-1] == "execution:cancelled"


async def test_secrets_are_in_no_row_and_no_event_yet_survive_a_crash(
    services: Services, owner: Owner
) -> None:
    raw = definition([block("t", template="k={{KEY}}"), block("u", template="<t.text>")], "s>t t>u")
    async with services.store.unit(owner.workspace_id) as unit:
        await unit.secrets.put("KEY", services.sealer.seal("hush-hush"))
    row = await _start(services, owner, await _workflow(services, owner, raw), runner="a")
    await execute(services, row, "a")
    async with services.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE executions SET status = 'running', lease_until = now() - interval '1 s'")
        )
        await connection.execute(text("DELETE FROM block_logs WHERE block_id = 'u'"))
    taken = await claim(services, "b")
    assert taken is not None
    ended = await execute(services, taken, "b")
    assert ended is not None
    assert ended.output == {"text": "k={{KEY}}"}
    async with services.store.engine.begin() as connection:
        for table in ("executions", "block_logs"):
            found = await connection.execute(text(f"SELECT {table}::text FROM {table}"))
            assert "hush-hush" not in str(found.all())
    assert "hush-hush" not in str(await services.events.read(log_name(row), 0))
    async with services.store.unit(owner.workspace_id) as unit:
        sealed = [r.sealed_output for r in await unit.block_logs.of(row.id) if r.block_id == "u"]
    assert sealed[0] is not None
    assert "hush-hush" in services.sealer.open(sealed[0])


async def test_another_tenant_finds_nothing(
    services: Services, owner: Owner, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    workflow_id = await _workflow(services, owner, HELLO)
    row = await _start(services, owner, workflow_id)
    stranger = await make_owner()
    with pytest.raises(NotFound):
        await _start(services, stranger, workflow_id)
    with pytest.raises(NotFound):
        async with services.store.unit(stranger.workspace_id) as unit:
            await run.cancel(unit, services, row.id)
    assert (await _get(services, row)).status == "queued"


async def test_who_may_run_what(services: Services, owner: Owner) -> None:
    workflow_id = await _workflow(services, owner, HELLO)
    with pytest.raises(Conflict, match="never deployed"):
        await _start(services, owner, workflow_id, draft="never")
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = await unit.workflows.lock(workflow_id)
        assert workflow is not None
        snapshot = await unit.workflows.take_snapshot(workflow, "deploy")
        workflow.deployed_version = snapshot.number
        workflow.definition = SLOW
    deployed = await _start(services, owner, workflow_id, draft="if_undeployed")
    assert (deployed.version, set(deployed.definition["blocks"])) == (1, {"s", "t"})
    draft = await _start(services, owner, workflow_id, draft="always")
    assert (draft.version, set(draft.definition["blocks"])) == (None, set("sawz"))


async def test_a_taken_id_and_a_taken_slot(services: Services, owner: Owner) -> None:
    workflow_id = await _workflow(services, owner, HELLO)
    await _start(services, owner, workflow_id, execution_id="mine-1", slots=1)
    with pytest.raises(Conflict, match="X-Run-Id"):
        await _start(services, owner, workflow_id, execution_id="mine-1")
    with pytest.raises(RateLimited) as caught:
        await _start(services, owner, workflow_id, slots=1)
    assert caught.value.details == {"reason": "concurrency"}


async def test_slots_hold_against_callers_at_once(services: Services, owner: Owner) -> None:
    workflow_id = await _workflow(services, owner, HELLO)
    starts = [_start(services, owner, workflow_id, slots=3) for _ in range(8)]
    results = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(isinstance(result, Execution) for result in results) == 3
    assert sum(isinstance(result, RateLimited) for result in results) == 5


async def test_an_invalid_workflow_leaves_no_run(services: Services, owner: Owner) -> None:
    raw = definition([block("a"), block("b")], "s>a a>b b>a")
    workflow_id = await _workflow(services, owner, raw)
    with pytest.raises(ValidationFailed, match='"a"'):
        await _start(services, owner, workflow_id)
    with pytest.raises(NotFound):
        await _start(
            services, owner, await _workflow(services, owner, HELLO), from_execution_id="x", slots=1
        )
    async with services.store.unit(owner.workspace_id) as unit:
        assert not (await unit.executions.page(ExecutionFilter(), PageRequest(1))).rows
    assert not await services.slots.holders(owner.workspace_id)


async def test_a_busy_workspace_waits_for_the_others(
    services: Services, owner: Owner, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    busy = await _workflow(services, owner, HELLO)
    for _ in range(3):
        await _start(services, owner, busy)
    other = await make_owner()
    late = await _start(services, other, await _workflow(services, other, HELLO))
    first, second = await claim(services, "w1"), await claim(services, "w2")
    assert first is not None
    assert second is not None
    assert {first.workspace_id, second.workspace_id} == {owner.workspace_id, other.workspace_id}
    assert late.id in (first.id, second.id)


async def test_part_of_a_workflow(services: Services, owner: Owner) -> None:
    raw = definition(
        [
            block("a", template="<start.x>"),
            block("b", template="<a.text>b"),
            block("c", template="<b.text>c"),
        ],
        "s>a a>b b>c",
    )
    workflow_id = await _workflow(services, owner, raw)
    whole = await _start(services, owner, workflow_id, input={"x": "-"}, runner="me")
    await execute(services, whole, "me")
    stopped = await _start(
        services,
        owner,
        workflow_id,
        input={"x": "-"},
        runner="me",
        extent=Extent(stop_after_block_id="b"),
    )
    ended = await execute(services, stopped, "me")
    assert ended is not None
    assert ended.output == {"text": "-b"}
    again = await _start(
        services,
        owner,
        workflow_id,
        input={"x": "?"},
        runner="me",
        extent=Extent(start_block_id="c", selected_outputs=("c.text", "a")),
        from_execution_id=whole.id,
    )
    ended = await execute(services, again, "me")
    assert ended is not None
    assert ended.output == {"c.text": "-bc", "a": {"text": "-"}}
    assert await _types(services, again) == [
        "execution:started",
        "block:started",
        "block:completed",
        "execution:completed",
    ]


async def test_following_a_run_from_any_number(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(EventLogs.follow, "__defaults__", (0, 0.05))
    row = await _start(services, owner, await _workflow(services, owner, HELLO), runner="me")
    await execute(services, row, "me")

    async def seen(after: int, of: Execution) -> list[tuple[int, str]]:
        events = follow(services.events, services.store.unit, of, after)
        return [(e.number, e.data["type"]) async for e in events if e is not None]

    row = await _get(services, row)
    whole = await seen(0, row)
    assert [number for number, _ in whole] == list(range(1, 7))
    assert await seen(3, row) == whole[3:]
    assert await seen(6, row) == []
    await services.redis.flushdb()  # logs are kept for a day; the row knows how it ended
    assert await seen(0, row) == [(1, "execution:completed")]
    assert row.status in TERMINAL


@pytest.mark.parametrize("after", [0, 2, 5])
async def test_an_end_that_was_written_and_not_said_is_told_once(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch, after: int
) -> None:
    """The worker was killed between its commit and its last words; three readers find out."""
    monkeypatch.setattr(EventLogs.follow, "__defaults__", (0, 0.05))

    async def die(*_: object) -> None:
        """Say nothing more."""

    monkeypatch.setattr("pipelines.run.send_last", die)
    row = await _start(services, owner, await _workflow(services, owner, HELLO), runner="me")
    await execute(services, row, "me")

    async def seen() -> list[tuple[int, str]]:
        events = follow(services.events, services.store.unit, row, after)
        return [(e.number, e.data["type"]) async for e in events if e is not None]

    told = await asyncio.gather(seen(), seen(), seen())
    assert told[0][-1] == (6, "execution:completed")
    assert told[1:] == [told[0]] * 2
    assert len(told[0]) == 6 - after
    assert (await _types(services, row)).count("execution:completed") == 1


async def test_a_run_that_was_deleted_has_an_end_too(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A workspace goes with all that is in it, and nobody says how its runs ended."""
    monkeypatch.setattr(EventLogs.follow, "__defaults__", (0, 0.05))
    row = await _start(services, owner, await _workflow(services, owner, SLOW), runner="me")
    work = asyncio.create_task(execute(services, row, "me"))
    await _until(_is_waiting(services, row))
    async with services.store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM executions WHERE id = :id"), {"id": row.id})
    assert await work is None
    events = follow(services.events, services.store.unit, row, 0)
    assert [e.data["type"] async for e in events if e is not None][-1] == "execution:cancelled"
    assert (await _types(services, row)).count("execution:cancelled") == 1
