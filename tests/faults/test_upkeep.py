"""The clock is killed: the next one recovers what nobody held any more."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest

from copilot.begin import Ask, Turn, begin
from copilot.events import log_name
from core.ids import new_id
from core.services import Services
from core.store.base import now
from core.store.executions import TERMINAL, Execution
from core.store.workflows import Workflow
from pipelines import run
from pipelines.run import RunRequest
from tests.conftest import Owner
from tests.faults.conftest import Crew, until
from tests.faults.shelf import Shelf
from tests.pipelines.shapes import block, definition

SILENT = timedelta(seconds=-1)


async def _silent_turn(services: Services, owner: Owner) -> Turn:
    async with services.store.unit(owner.workspace_id) as unit:
        begun = await begin(unit, services, owner.user_id, Ask("Tell me a story."))
        begun.message.lease_until = now() + SILENT
    return begun


async def _end_of(services: Services, owner: Owner, turn: Turn) -> str:
    async with services.store.unit(owner.workspace_id) as unit:
        message = await unit.messages.get(turn.message.id, owner.user_id)
    assert message is not None
    return message.status


async def _silent_run(services: Services, owner: Owner) -> Execution:
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = Workflow(id=new_id("wf"), name="W", definition=definition([block("a")], "s>a"))
        unit.workflows.add(workflow)
        await unit.flush()
        request = RunRequest(trigger="manual", draft="always", runner="dead")
        started = await run.start(unit, services, workflow.id, request)
        started.lease_until = now() + SILENT
    return started


async def _kill_a_clock(crew: Crew, services: Services, owner: Owner) -> None:
    """Start a clock and kill it once it is seen to tick."""
    turn = await _silent_turn(services, owner)

    async def is_ticking() -> bool:
        return await _end_of(services, owner, turn) == "failed"

    clock = crew.start_worker("upkeep")
    await until(is_ticking)
    crew.kill(clock)


@pytest.mark.slow
async def test_the_next_clock_goes_on(crew: Crew, services: Services, owner: Owner) -> None:
    await _kill_a_clock(crew, services, owner)
    turn = await _silent_turn(services, owner)
    await _silent_run(services, owner)

    async def has_gone_on() -> bool:
        is_said = await _said(services, turn) == {"error": 1, "done": 1}
        return is_said and await services.queue.depth("executions") == 1

    crew.start_worker("upkeep")
    await until(has_gone_on)


@pytest.mark.slow
async def test_the_next_clock_recovers_what_the_killed_one_left(
    crew: Crew, services: Services, owner: Owner
) -> None:
    await _kill_a_clock(crew, services, owner)
    shelf = await Shelf.make(services, owner.workspace_id)
    await shelf.add("notes.txt", b"The slipway is closed on Mondays for maintenance.")
    async with services.store.system() as unit:
        assert await unit.document_jobs.claim("dead", SILENT)
    await services.redis.flushdb()  # the wake went with its worker
    second_turn = await _silent_turn(services, owner)
    started = await _silent_run(services, owner)

    for kind in ("upkeep", "documents", "executions"):
        crew.start_worker(kind)

    async def are_all_over() -> bool:
        async with services.store.unit(owner.workspace_id) as unit:
            row = await unit.executions.get(started.id)
        assert row is not None
        is_turn_over = await _end_of(services, owner, second_turn) == "failed"
        return row.status in TERMINAL and is_turn_over and await shelf.has_ended()

    await until(are_all_over)
    document = (await shelf.documents())["notes.txt"]
    assert (document.status, document.attempts) == ("completed", 2)
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.executions.get(started.id)
    assert row is not None
    assert (row.status, row.recoveries) == ("completed", 1)

    async def is_said() -> bool:
        return await _said(services, second_turn) == {"error": 1, "done": 1}

    await until(is_said)


async def _said(services: Services, turn: Turn) -> Counter[str]:
    events = await services.events.read(log_name(turn.message), 0)
    return Counter(event.data["type"] for event in events)


@pytest.mark.slow
async def test_two_clocks_end_each_of_many_turns_once(
    crew: Crew, services: Services, owner: Owner
) -> None:
    turns = [await _silent_turn(services, owner) for _ in range(40)]
    for _ in range(2):
        crew.start_worker("upkeep")

    async def are_all_said() -> bool:
        return all([(await _said(services, turn))["done"] for turn in turns])

    await until(are_all_said)
    for turn in turns:
        assert await _said(services, turn) == {"error": 1, "done": 1}
