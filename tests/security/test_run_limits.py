"""What one run may keep, run and take, by plan; and what its live events carry."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from redis.exceptions import OutOfMemoryError
from sqlalchemy import text

from core.ids import new_id
from core.services import Services
from core.store.base import now
from pipelines.event_values import MAX_VALUE_BYTES, is_shortened
from pipelines.execute import claim, execute
from pipelines.live import load_output, log_name
from pipelines.run_limits import MAX_VALUE_BYTES as MAX_RUN_VALUE_BYTES
from pipelines.run_limits import RunBudget, RunLimitExceeded
from tests.api.conftest import Member
from tests.conftest import Owner
from tests.pipelines.running import add_workflow, begin, finished, get, start
from tests.pipelines.shapes import block, definition, loop

LARGE = "x" * 100_000
LOOP = definition([block("a", template=LARGE)], "s>l", loops=loop("l", "a", iterations=40))


async def set_limits(services: Services, **limits: int) -> None:
    async with services.store.engine.begin() as connection:
        statement = text("UPDATE workspaces SET plan = 'enterprise', limits = :limits")
        await connection.execute(statement, {"limits": json.dumps(limits)})


async def stored_bytes(services: Services) -> int:
    keys = [key async for key in services.blobs.keys_before(now() + timedelta(days=1))]
    return sum([len(piece) for key in keys async for piece in services.blobs.read(key)])


async def test_run_beyond_its_bytes_fails_with_limit_in_error(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, runBytes=1_000_000)
    row = await begin(services, owner, LOOP)
    assert (row.status, row.error["code"]) == ("failed", "LIMIT_EXCEEDED")
    assert (row.error["limit"], row.error["allowed"]) == ("runBytes", 1_000_000)
    async with services.store.unit(owner.workspace_id) as unit:
        assert len(await unit.block_logs.of(row.id)) < 10


async def test_run_beyond_its_blocks_is_not_caught_by_error_edge(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, runBlocks=10)
    raw = definition(
        [
            block("a"),
            block("l", "loop", _errorEnabled=True),
            block("z", template="caught"),
        ],
        "s>l l:error>z",
        loops=loop("l", "a", iterations=40),
    )
    row = await begin(services, owner, raw)
    assert (row.status, row.error["limit"]) == ("failed", "runBlocks")


async def test_run_beyond_its_seconds_fails_with_limit_in_error(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, runSeconds=60)
    row = await start(services, owner, await add_workflow(services, owner, LOOP))
    taken = await claim(services, worker := new_id("worker"))
    assert taken is not None
    taken.started_at = now() - timedelta(seconds=61)
    await execute(services, taken, worker)
    ended = await finished(services, row)
    assert ended.error is not None
    assert (ended.status, ended.error["limit"]) == ("failed", "runSeconds")


async def test_run_taken_up_again_counts_what_it_kept_before(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, runBlocks=5)
    done = await begin(services, owner, definition([block("a"), block("b")], "s>a a>b"))
    again = await start(services, owner, done.workflow_id, from_execution_id=done.id)
    await set_limits(services, runBlocks=2)
    from pipelines import run_limits

    run_limits._cached.clear()
    taken = await claim(services, worker := new_id("worker"))
    assert taken is not None
    await execute(services, taken, worker)
    assert (await get(services, again)).error["limit"] == "runBlocks"  # type: ignore[index]


async def test_events_of_large_values_carry_previews_and_a_reference(
    services: Services, owner: Owner
) -> None:
    row = await begin(services, owner, LOOP)
    assert row.status == "completed"
    events = await services.events.read(log_name(row), 0)
    assert sum(len(json.dumps(event.data)) for event in events) < 40 * MAX_VALUE_BYTES / 10
    done = [e.data["data"] for e in events if e.data["type"] == "block:completed"]
    large = next(each for each in done if each["blockId"] == "a" and each["iteration"] == "3")
    assert is_shortened(large["output"])
    assert large["output"]["url"] == f"/api/logs/{row.id}/blocks?blockId=a&iteration=3"
    assert await load_output(services, row, large) == {"text": LARGE}
    assert is_shortened(events[-1].data["data"]["output"])


async def test_event_reference_read_by_member_returns_whole_value(
    services: Services, member: Member, stranger: Member
) -> None:
    raw = definition([block("a", template=LARGE)], "s>a")
    owner = Owner(member.user_id, member.workspace_id)
    row = await begin(services, owner, raw)
    [event] = [
        each.data["data"]
        for each in await services.events.read(log_name(row), 0)
        if each.data["type"] == "block:completed" and each.data["data"]["blockId"] == "a"
    ]
    answer = await member.program.get(event["output"]["url"])
    [entry] = answer.json()["data"]
    assert entry["outputData"] == {"text": LARGE}
    refused = await stranger.program.get(event["output"]["url"])
    assert refused.status_code == 404


async def test_value_that_holds_itself_many_times_over_ends_the_run(
    services: Services, owner: Owner
) -> None:
    """Each iteration doubles what the variable would take as JSON, while it takes no memory."""
    double = block("v", "variables", assignments=[{"name": "x", "value": ["<variable.x>"] * 2}])
    raw = definition(
        [double],
        "s>l",
        loops=loop("l", "v", iterations=90),
        variables={"x": {"id": "x", "name": "x", "type": "array", "value": ["a" * 100]}},
    )
    await set_limits(services, runBytes=5_000_000)
    row = await begin(services, owner, raw)
    assert (row.status, row.error["code"]) == ("failed", "LIMIT_EXCEEDED")


async def test_run_with_full_redis_ends_with_typed_error(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: Any, **__: Any) -> Any:
        raise OutOfMemoryError("command not allowed when used memory > 'maxmemory'.")

    monkeypatch.setattr(services.events, "_append", refuse)
    row = await begin(services, owner, definition([block("a")], "s>a"))
    assert (row.status, row.error["code"]) == ("failed", "SERVICE_UNAVAILABLE")


def test_keep_of_one_value_beyond_its_bytes_names_the_limit() -> None:
    with pytest.raises(RunLimitExceeded) as caught:
        RunBudget().keep([LARGE] * 200)
    assert caught.value.details == {"limit": "valueBytes", "allowed": MAX_RUN_VALUE_BYTES}
