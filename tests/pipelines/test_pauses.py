"""Runs that pause hold no worker and no slot, and go on once: by people and by times."""

from __future__ import annotations

import asyncio
from functools import partial
from typing import Any

import pytest
from sqlalchemy import text

from core.errors import Conflict, NotFound, NuxaError, RateLimited, ValidationFailed
from core.services import Services
from core.store.executions import Execution, ExecutionFilter
from core.store.pages import PageRequest
from pipelines import pauses, run
from pipelines.blocks.base import Output
from pipelines.blocks.wait import Wait
from pipelines.execute import claim, execute
from pipelines.live import PAUSED, follow, log_name
from pipelines.run import NO_LIMIT
from tests.conftest import Owner
from tests.pipelines.running import (
    add_workflow,
    begin,
    drive,
    event_types,
    finished,
    get,
    limit_runs,
    logged,
    make_due,
    pauses_of,
    start,
)
from tests.pipelines.shapes import block, definition, loop, parallel

APPROVAL = definition(
    [
        block("a"),
        block(
            "ask",
            "humanInTheLoop",
            message="Send <a.text>?",
            fields=[{"name": "ok", "type": "boolean", "required": True}, {"name": "note"}],
        ),
        block("z", template="<ask.ok> <ask.note>"),
    ],
    "s>a a>ask ask>z",
)


async def _answer(
    services: Services,
    row: Execution,
    given: Any,
    context: str | None = None,
    slots: int = NO_LIMIT,
) -> Execution:
    context = context or (await pauses_of(services, row))[0].id
    async with services.store.unit(row.workspace_id) as unit:
        return await pauses.resume(unit, services, row.id, context, given, slots)


async def test_a_person_is_asked_and_the_run_goes_on(services: Services, owner: Owner) -> None:
    row = await begin(services, owner, APPROVAL)
    assert (row.status, row.lease_owner) == ("paused", None)
    [pause] = await pauses_of(services, row)
    assert pause.shown["message"] == "Send a?"
    [*_, last] = await services.events.read(log_name(row), 0)
    assert last.data["type"] == PAUSED
    assert last.data["data"]["contextId"] == pause.id
    assert last.data["data"]["resumeUrl"] == (
        f"/api/workflows/{row.workflow_id}/executions/{row.id}/resume"
    )
    assert await claim(services, "w") is None
    await _answer(services, row, {"ok": True, "note": "go"})
    await drive(services)
    row = await finished(services, row)
    assert (row.status, row.output) == ("completed", {"text": "true go"})
    assert await logged(services, row) == [(b, "", "success") for b in ("s", "a", "ask", "z")]
    types = await event_types(services, row)
    assert types.count("execution:started") == types.count(PAUSED) == 1
    assert types.count("block:started") == types.count("block:completed") == 4


async def test_an_answer_is_taken_once(services: Services, owner: Owner) -> None:
    row = await begin(services, owner, APPROVAL)
    [pause] = await pauses_of(services, row)
    with pytest.raises(ValidationFailed, match="lacks ok"):
        await _answer(services, row, {"note": "x"})
    with pytest.raises(ValidationFailed, match="ok must be of type boolean"):
        await _answer(services, row, {"ok": "perhaps"})
    with pytest.raises(NotFound):
        await _answer(services, row, {"ok": True}, "ctx_unknown")
    for _ in range(2):
        assert (await _answer(services, row, {"ok": True}, pause.id)).id == row.id
    with pytest.raises(Conflict, match="answered otherwise"):
        await _answer(services, row, {"ok": False}, pause.id)
    await drive(services)
    assert (await finished(services, row)).status == "completed"
    await _answer(services, row, {"ok": True}, pause.id)  # the same again, after the end
    with pytest.raises(Conflict):
        await _answer(services, row, {"ok": False}, pause.id)


async def test_two_answers_at_once_are_one(services: Services, owner: Owner) -> None:
    row = await begin(services, owner, APPROVAL)
    [pause] = await pauses_of(services, row)
    said = [_answer(services, row, {"ok": True, "note": str(n)}, pause.id) for n in range(8)]
    results = await asyncio.gather(*said, return_exceptions=True)
    assert len([r for r in results if isinstance(r, Execution)]) == 1
    assert len([r for r in results if isinstance(r, Conflict)]) == 7
    await drive(services)
    assert (await finished(services, row)).status == "completed"


async def test_other_branches_run_to_their_ends_first(services: Services, owner: Owner) -> None:
    raw = definition(
        [
            block("ask", "humanInTheLoop"),
            block("w", "wait", seconds=0.1),
            block("b", template="beside"),
            block("j", template="<ask.x>+<b.text>"),
        ],
        "s>ask s>w w>b ask>j b>j",
    )
    row = await begin(services, owner, raw)
    assert {b for b, *_ in await logged(services, row)} == {"s", "w", "b"}
    await _answer(services, row, {"x": "asked"})
    await drive(services)
    assert (await finished(services, row)).output == {"text": "asked+beside"}


async def test_several_questions_are_answered_in_any_order(
    services: Services, owner: Owner
) -> None:
    ask = block("ask", "humanInTheLoop", message="<parallel.index>")
    raw = definition(
        [ask, block("t", template="<ask.n>")],
        "s>p ask>t",
        parallels=parallel("p", "ask t", count=3),
    )
    row = await begin(services, owner, raw)
    asked = {pause.iteration: pause for pause in await pauses_of(services, row)}
    assert {i: p.shown["message"] for i, p in asked.items()} == {"0": "0", "1": "1", "2": "2"}
    for index in ("2", "0", "1"):
        assert (await get(services, row)).status == "paused"
        await _answer(services, row, {"n": f"n{index}"}, asked[index].id)
        await drive(services)
    row = await finished(services, row)
    assert row.output["results"] == [{"text": "n0"}, {"text": "n1"}, {"text": "n2"}]
    assert (await event_types(services, row)).count(PAUSED) == 3


async def test_a_loop_asks_each_time(services: Services, owner: Owner) -> None:
    raw = definition(
        [block("ask", "humanInTheLoop"), block("t", template="<t.text><ask.n>")],
        "s>l ask>t",
        loops=loop("l", "ask t", iterations=3),
    )
    row = await begin(services, owner, raw)
    for number in range(3):
        [pause] = await pauses_of(services, row)
        assert pause.iteration == str(number)
        await _answer(services, row, {"n": number})
        await drive(services)
    assert (await finished(services, row)).output["results"][-1] == {"text": "012"}


async def test_an_answer_that_comes_while_the_run_goes_on(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_answered = asyncio.Event()

    async def goes_on(*_: object) -> Output:
        await is_answered.wait()
        return {"waitedMs": 0}

    monkeypatch.setattr(Wait, "execute", goes_on)
    raw = definition(
        [block("ask", "humanInTheLoop"), block("w", "wait", seconds=1), block("z")],
        "s>ask s>w ask>z w>z",
    )
    workflow_id = await add_workflow(services, owner, raw)
    row = await start(services, owner, workflow_id, runner="me")
    running = asyncio.create_task(execute(services, row, "me"))
    while not await pauses_of(services, row):
        await asyncio.sleep(0.02)
    assert (await get(services, row)).status == "running"
    await _answer(services, row, {})
    is_answered.set()
    assert await running is None  # queued again, not paused
    await drive(services)
    assert (await finished(services, row)).status == "completed"
    assert PAUSED not in await event_types(services, row)


async def test_a_long_wait_holds_nothing(services: Services, owner: Owner) -> None:
    raw = definition([block("w", "wait", seconds=3600), block("z")], "s>w w>z")
    await limit_runs(services, 1)
    row = await begin(services, owner, raw, slots=1)
    assert row.status == "paused"
    assert not await services.slots.holders(owner.workspace_id)
    with pytest.raises(Conflict, match="goes on by itself"):
        await _answer(services, row, {})
    await pauses.end_due(services)
    assert (await get(services, row)).status == "paused"
    await make_due(services)
    other = await start(services, owner, row.workflow_id, slots=1)
    await pauses.end_due(services)
    assert (await get(services, row)).status == "paused"  # until there is a slot
    async with services.store.unit(owner.workspace_id) as unit:
        await run.cancel(unit, services, other.id)
    await asyncio.gather(*(pauses.end_due(services) for _ in range(3)))
    assert await services.slots.holders(owner.workspace_id) == {row.id}
    await drive(services)
    row = await finished(services, row)
    assert row.status == "completed"
    assert not await services.slots.holders(owner.workspace_id)


async def test_until_a_time_that_is_over(services: Services, owner: Owner) -> None:
    raw = definition([block("w", "wait", until="2020-01-01T00:00:00Z"), block("z")], "s>w w>z")
    row = await begin(services, owner, raw)
    await pauses.end_due(services)
    await drive(services)
    assert (await finished(services, row)).status == "completed"


async def test_without_a_free_slot_a_run_waits_on(services: Services, owner: Owner) -> None:
    row = await begin(services, owner, APPROVAL, slots=1)
    other = await start(services, owner, row.workflow_id, slots=1)
    with pytest.raises(RateLimited):
        await _answer(services, row, {"ok": True}, slots=1)
    async with services.store.unit(owner.workspace_id) as unit:
        await run.cancel(unit, services, other.id)
    await _answer(services, row, {"ok": True}, slots=1)
    await drive(services)
    assert (await finished(services, row)).status == "completed"


async def test_nobody_answers(services: Services, owner: Owner) -> None:
    ask = block("ask", "humanInTheLoop", timeoutSeconds=60)
    raw = definition([ask, block("late", template="<ask.error>")], "s>ask ask:error>late")
    row = await begin(services, owner, raw)
    [pause] = await pauses_of(services, row)
    await make_due(services)
    await pauses.end_due(services)
    with pytest.raises(Conflict, match="time to answer is over"):
        await _answer(services, row, {}, pause.id)
    await drive(services)
    output = (await finished(services, row)).output
    assert output == {"text": "Nobody answered within 60 s; allow more time and run again."}


async def test_a_paused_run_is_cancelled(services: Services, owner: Owner) -> None:
    row = await begin(services, owner, APPROVAL)
    [pause] = await pauses_of(services, row)
    async with services.store.unit(owner.workspace_id) as unit:
        assert (await run.cancel(unit, services, row.id)).status == "cancelled"
    with pytest.raises(Conflict, match=r"has ended \(cancelled\)"):
        await _answer(services, row, {"ok": True}, pause.id)
    await drive(services)
    assert (await finished(services, row)).status == "cancelled"
    assert (await event_types(services, row))[-1] == "execution:cancelled"


async def test_paused_time_does_not_count(services: Services, owner: Owner) -> None:
    row = await begin(services, owner, APPROVAL, timeout_seconds=60)
    async with services.store.engine.begin() as connection:  # it was an hour ago
        await connection.execute(
            text(
                "UPDATE executions SET started_at = started_at - interval '1 hour',"
                " paused_at = paused_at - interval '1 hour'"
            )
        )
    await _answer(services, row, {"ok": True})
    await drive(services)
    row = await finished(services, row)
    assert row.status == "completed"
    assert row.paused_seconds > 3_599


async def test_a_deployed_change_leaves_a_paused_run_as_it_was(
    services: Services, owner: Owner
) -> None:
    row = await begin(services, owner, APPROVAL)
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = await unit.workflows.get(row.workflow_id)
        assert workflow is not None
        workflow.definition = definition([block("z", template="new")], "s>z")
    await services.redis.flushdb()  # days later: the live log is gone, too
    await _answer(services, row, {"ok": True, "note": "old"})
    await drive(services)
    row = await finished(services, row)
    assert row.output == {"text": "true old"}
    types = await event_types(services, row)
    assert types[0] == "execution:started"
    assert types[-1] == "execution:completed"
    assert types.count("block:completed") == 4


async def test_a_reader_is_told_of_the_pause_and_then_of_the_rest(
    services: Services, owner: Owner
) -> None:
    row = await begin(services, owner, APPROVAL)

    async def read(after: int) -> list[Any]:
        now = await get(services, row)
        events = follow(services.events, services.store.unit, now, after)
        return [event async for event in events if event is not None]

    seen = await read(0)
    assert seen[-1].data["type"] == PAUSED
    assert await read(seen[-1].number) == []
    await _answer(services, row, {"ok": True})
    await drive(services)
    rest = await read(seen[-1].number)
    assert rest[-1].data["type"] == "execution:completed"
    assert [e.number for e in await read(0)] == [e.number for e in seen + rest]


async def test_a_pause_that_was_not_announced_is_made_up_for(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def dies(*_: object) -> None:
        raise NuxaError("The process ended here.")

    monkeypatch.setattr(pauses, "send_paused", dies)
    with pytest.raises(NuxaError):
        await begin(services, owner, APPROVAL)
    async with services.store.unit(owner.workspace_id) as unit:
        [row] = (await unit.executions.page(ExecutionFilter(), PageRequest(1))).rows
    assert row.status == "paused"
    often = partial(services.events.follow, keepalive_seconds=0.2)
    monkeypatch.setattr(services.events, "follow", often)
    events = follow(services.events, services.store.unit, row, 0)
    seen = [event.data["type"] async for event in events if event is not None]
    assert seen[-1] == PAUSED
    assert seen.count(PAUSED) == 1
