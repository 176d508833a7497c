"""Schedules under two clocks that jump: each fire time runs once, and waits for its slot."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile
from typing import Any

import pytest

from core.ids import new_id
from core.services import Services
from core.store.executions import Execution, ExecutionFilter
from core.store.pages import PageRequest
from core.store.schedules import Schedule, ScheduleFire
from core.store.workflows import Workflow
from pipelines.cron import fires_after
from pipelines.scheduling import fire, next_fire
from tests.conftest import Owner
from tests.pipelines.shapes import block, definition

HELLO = definition([block("t", template="<start.scheduledTime>")], "s>t")
MINUTE = timedelta(minutes=1)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


Plan = Callable[..., Awaitable[str]]


@pytest.fixture
def plan(services: Services, owner: Owner) -> Plan:
    """Makes a deployed workflow with a schedule, set at a moment; gives the workflow's id."""

    async def make(cron: str, since: datetime, zone: str = "UTC", misfire: str = "latest") -> str:
        workflow = Workflow(id=new_id("wf"), name="W", definition=HELLO)
        schedule = Schedule(workflow_id=workflow.id, cron=cron, timezone=zone, misfire=misfire)
        schedule.enabled, schedule.input = True, {"from": "plan"}
        async with services.store.unit(owner.workspace_id) as unit:
            unit.workflows.add(workflow)
            await unit.flush()
            version = await unit.workflows.take_snapshot(workflow, "deploy")
            workflow.deployed_version = version.number
            schedule.next_at = next_fire(schedule, since)
            unit.schedules.add(schedule)
        return workflow.id

    return make


async def _fires(services: Services, owner: Owner, workflow_id: str) -> list[ScheduleFire]:
    async with services.store.unit(owner.workspace_id) as unit:
        page = await unit.schedules.fires(workflow_id, PageRequest(1000))
    return list(page.rows)[::-1]


async def _runs(services: Services, owner: Owner, workflow_id: str) -> list[Execution]:
    async with services.store.unit(owner.workspace_id) as unit:
        found_by = ExecutionFilter(workflow_id=workflow_id)
        return list((await unit.executions.page(found_by, PageRequest(1000))).rows)


def _jumping(begin: datetime, end: datetime) -> Iterator[datetime]:
    """A clock that goes by minutes, stands still, and is set back and forward now and then."""
    moment, step = begin, 0
    while moment < end:
        yield moment
        step += 1
        if step % 40 == 0:
            yield moment - timedelta(hours=2)
        moment += timedelta(0) if step % 7 == 0 else 3 * MINUTE if step % 11 == 0 else 2 * MINUTE


@pytest.mark.parametrize(
    ("zone", "begin"),
    [("America/New_York", "2026-03-08T04:00"), ("America/New_York", "2026-11-01T03:30")],
)
async def test_over_both_changes_of_the_clock_each_fire_time_runs_once(
    services: Services, owner: Owner, plan: Plan, zone: str, begin: str
) -> None:
    since, end = at(begin), at(begin) + timedelta(hours=5)
    crons = ("30 2 * * *", "30 1 * * *", "*/10 * * * *", "0 * * * *", "30 1,2,3 * * *")
    planned = {await plan(cron, since, zone, "all"): cron for cron in crons}
    for moment in _jumping(since, end):
        await asyncio.gather(fire(services, moment), fire(services, moment + timedelta(seconds=1)))
    await fire(services, end)
    for workflow_id, cron in planned.items():
        expected = list(takewhile(lambda due: due <= end, fires_after(cron, zone, since)))
        runs = await _runs(services, owner, workflow_id)
        times = Counter(run.input["scheduledTime"] for run in runs)
        assert times == Counter(f"{due:%Y-%m-%dT%H:%M:%SZ}" for due in expected), cron
        assert {run.trigger for run in runs} <= {"schedule"}


async def test_many_clocks_at_one_moment_claim_a_time_once(
    services: Services, owner: Owner, plan: Plan
) -> None:
    since = at("2026-01-01T00:00")
    planned = [await plan("* * * * *", since) for _ in range(5)]
    await asyncio.gather(*(fire(services, since + MINUTE) for _ in range(8)))
    for workflow_id in planned:
        assert len(await _runs(services, owner, workflow_id)) == 1


@pytest.mark.parametrize(
    ("misfire", "late", "statuses"),
    [
        ("skip", timedelta(hours=3, minutes=10), ["missed"]),
        ("skip", timedelta(hours=3, seconds=30), ["started"]),
        ("latest", timedelta(hours=3, minutes=10), ["started"]),
        ("all", timedelta(hours=3, minutes=10), ["started"] * 3),
        ("all", timedelta(days=10), ["started"] * 100),
    ],
)
async def test_what_is_made_up_for_after_a_time_without_a_clock(
    services: Services,
    owner: Owner,
    plan: Plan,
    misfire: str,
    late: timedelta,
    statuses: list[str],
) -> None:
    since = at("2026-01-01T00:00")
    workflow_id = await plan("0 * * * *", since, misfire=misfire)
    await fire(services, since + late)
    fires = await _fires(services, owner, workflow_id)
    assert [row.status for row in fires] == statuses
    assert fires[-1].fire_at == (since + late).replace(minute=0, second=0)
    async with services.store.unit(owner.workspace_id) as unit:
        schedule = await unit.schedules.get(workflow_id)
    assert schedule is not None and schedule.next_at == fires[-1].fire_at + timedelta(hours=1)


async def test_a_fire_waits_for_a_slot_and_then_runs_once(
    services: Services, owner: Owner, plan: Plan
) -> None:
    async with services.store.system() as system:
        workspace = await system.workspaces.load(owner.workspace_id)
        workspace.limits = {"concurrentExecutions": 1}
    since = at("2026-01-01T00:00")
    workflow_id = await plan("* * * * *", since)
    for minute in (1, 2):
        await fire(services, since + minute * MINUTE)
    first, second = await _fires(services, owner, workflow_id)
    assert (first.status, second.status, second.execution_id) == ("started", "waiting", None)
    await services.slots.free(owner.workspace_id, str(first.execution_id))
    await asyncio.gather(*(fire(services, since + 2 * MINUTE) for _ in range(4)))
    _, second = await _fires(services, owner, workflow_id)
    assert second.status == "started"
    assert len(await _runs(services, owner, workflow_id)) == 2


async def test_a_workspace_without_slots_holds_up_no_other(
    services: Services, plan: Plan, owner: Owner, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    since = at("2026-01-01T00:00")
    async with services.store.system() as system:
        (await system.workspaces.load(owner.workspace_id)).limits = {"concurrentExecutions": 0}
    await plan("* * * * *", since)
    other = await make_owner()
    workflow = Workflow(id=new_id("wf"), name="W", definition=HELLO)
    schedule = Schedule(workflow_id=workflow.id, cron="* * * * *", timezone="UTC", misfire="skip")
    schedule.enabled, schedule.input, schedule.next_at = True, {}, since
    async with services.store.unit(other.workspace_id) as unit:
        unit.workflows.add(workflow)
        await unit.flush()
        workflow.deployed_version = (await unit.workflows.take_snapshot(workflow, "deploy")).number
        unit.schedules.add(schedule)
    await fire(services, since + MINUTE)
    assert len(await _runs(services, other, workflow.id)) == 1


async def test_what_cannot_run_says_why(services: Services, owner: Owner, plan: Plan) -> None:
    since = at("2026-01-01T00:00")
    workflow_id = await plan("* * * * *", since)
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = await unit.workflows.lock(workflow_id)
        assert workflow is not None
        workflow.deployed_version = None
    await fire(services, since + MINUTE)
    [row] = await _fires(services, owner, workflow_id)
    assert row.status == "failed"
    assert "deploy" in (row.error or {})["message"]
    assert await _runs(services, owner, workflow_id) == []


async def test_a_clock_that_ends_between_claim_and_run_loses_nothing(
    services: Services, owner: Owner, plan: Plan, monkeypatch: pytest.MonkeyPatch
) -> None:
    since = at("2026-01-01T00:00")
    workflow_id = await plan("* * * * *", since)

    async def dies(*_: Any) -> bool:
        raise SystemExit

    with monkeypatch.context() as patch:
        patch.setattr("pipelines.scheduling._start", dies)
        with pytest.raises(SystemExit):
            await fire(services, since + MINUTE)
    [row] = await _fires(services, owner, workflow_id)
    assert row.status == "waiting"
    await fire(services, since + MINUTE)
    [run] = await _runs(services, owner, workflow_id)
    assert run.input == {"from": "plan", "scheduledTime": "2026-01-01T00:01:00Z"}
