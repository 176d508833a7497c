"""The executions' worker is killed in the middle of a run: nothing is done twice, nothing lost."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Any

import httpx
import pytest

from core.ids import new_id
from core.services import Services
from core.store.block_logs import BlockLog
from core.store.executions import TERMINAL, Execution
from core.store.workflows import Workflow
from pipelines import run
from pipelines.live import LAST_TYPES, log_name
from pipelines.run import RunRequest
from tests.conftest import Owner
from tests.faults.conftest import Crew, until
from tests.faults.reading import Events, cut_off, resumed, wait_live
from tests.pipelines.shapes import block, definition
from tests.stand_in import Asked, Says, StandIn, standing_in
from tests.walks.main_job import sign_up


@pytest.fixture
async def outside(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[StandIn]:
    """A service that workflows may call, and that counts."""
    async with standing_in() as stand_in:
        monkeypatch.setenv("NUXA_OUTGOING_ALLOW", f"127.0.0.1:{stand_in.port}")
        yield stand_in


def _calls(name: str, outside: StandIn) -> dict[str, Any]:
    params = {"url": f"{outside.url}/{name}", "method": "POST", "timeout_ms": 300_000}
    return block(name, "tool", toolName="http_request", params=params)


async def _start(services: Services, owner: Owner, workflow: dict[str, Any]) -> Execution:
    async with services.store.unit(owner.workspace_id) as unit:
        row = Workflow(id=new_id("wf"), name="W", definition=workflow)
        unit.workflows.add(row)
        await unit.flush()
        request = RunRequest(trigger="manual", draft="always")
        return await run.start(unit, services, row.id, request)


async def _now(services: Services, of: Execution) -> Execution:
    async with services.store.unit(of.workspace_id) as unit:
        row = await unit.executions.get(of.id)
    assert row is not None
    return row


async def _logs(services: Services, of: Execution) -> list[BlockLog]:
    async with services.store.unit(of.workspace_id) as unit:
        return list(await unit.block_logs.of(of.id))


async def _recover(crew: Crew, services: Services, started: Execution) -> Execution:
    """Start what a supervisor starts again, and return the row as the run ended."""
    crew.start_worker("executions")
    crew.start_worker("upkeep")

    async def has_ended() -> bool:
        return (await _now(services, started)).status in TERMINAL

    await until(has_ended)
    return await _now(services, started)


async def _check_events(services: Services, started: Execution) -> None:
    """One start, one end of each block and one end of all, which is the last event."""
    log = log_name(started)

    async def is_over() -> bool:
        found = await services.events.read(log, 0)
        return any(event.data["type"] in LAST_TYPES.values() for event in found)

    await until(is_over)
    events = [event.data for event in await services.events.read(log, 0)]
    kinds = Counter(event["type"] for event in events)
    assert (kinds["execution:started"], kinds["execution:completed"]) == (1, 1)
    assert events[-1]["type"] == "execution:completed"
    ended = [e["data"]["blockId"] for e in events if e["type"] == "block:completed"]
    assert sorted(ended) == sorted(log.block_id for log in await _logs(services, started))


async def test_finished_blocks_are_not_run_again(
    outside: StandIn, crew: Crew, services: Services, owner: Owner
) -> None:
    def hang_once(asked: Asked) -> Says:
        is_first = [each.path for each in outside.asked].count("/held") == 1
        if asked.path == "/held" and is_first:
            return Says(hangs=True, raw=b"")
        return Says(body=b"done")

    outside.answer = hang_once
    blocks = [_calls(name, outside) for name in ("first", "beside", "held", "last")]
    started = await _start(
        services, owner, definition(blocks, "s>first first>held s>beside held>last beside>last")
    )

    async def waits() -> bool:
        done = {log.block_id for log in await _logs(services, started)}
        return {"first", "beside"} <= done and any(a.path == "/held" for a in outside.asked)

    worker = crew.start_worker("executions")
    await until(waits)
    crew.kill(worker)
    assert (await _now(services, started)).status == "running"
    row = await _recover(crew, services, started)

    assert (row.status, row.error, row.recoveries) == ("completed", None, 1)
    assert Counter(asked.path for asked in outside.asked) == {
        "/first": 1,
        "/beside": 1,
        "/held": 2,
        "/last": 1,
    }
    logged = Counter((log.block_id, log.status) for log in await _logs(services, started))
    assert logged == {(name, "success"): 1 for name in ("s", "first", "beside", "held", "last")}
    await _check_events(services, started)


@pytest.mark.slow
async def test_an_interrupted_call_is_made_again_under_the_same_key(
    outside: StandIn, crew: Crew, services: Services, owner: Owner
) -> None:
    def hang_once(_: Asked) -> Says:
        return Says(hangs=True, raw=b"") if len(outside.asked) == 1 else Says(body=b"paid")

    outside.answer = hang_once
    workflow = definition([_calls("pay", outside), block("z")], "s>pay pay>z")
    started = await _start(services, owner, workflow)

    async def is_called() -> bool:
        return len(outside.asked) == 1

    worker = crew.start_worker("executions")
    await until(is_called)
    crew.kill(worker)
    row = await _recover(crew, services, started)

    assert (row.status, row.recoveries) == ("completed", 1)
    assert [asked.headers["idempotency-key"] for asked in outside.asked] == [
        f"{started.id}/pay/0"
    ] * 2
    await _check_events(services, started)


@pytest.mark.slow
async def test_a_run_that_ends_every_worker_fails(
    outside: StandIn, crew: Crew, services: Services, owner: Owner
) -> None:
    outside.answer = lambda _: Says(hangs=True, raw=b"")
    started = await _start(services, owner, definition([_calls("pay", outside)], "s>pay"))
    crew.start_worker("upkeep")
    for time in range(1, 5):

        async def is_called(times: int = time) -> bool:
            return len(outside.asked) == times

        worker = crew.start_worker("executions")
        await until(is_called)
        crew.kill(worker)
    row = await _recover(crew, services, started)

    assert row.status == "failed"
    assert row.error is not None
    assert row.error["code"] == "WORKER_LOST"
    assert len(outside.asked) == 4


def _has_begun(seen: Events) -> bool:
    return bool(seen)


def _has_ended_first(seen: Events) -> bool:
    return _ends(seen) == ["s", "first"]


def _waits(seen: Events) -> bool:
    return any(e["type"] == "block:started" and e["data"]["blockId"] == "w" for e in seen)


@pytest.mark.slow
@pytest.mark.parametrize("is_enough", [_has_begun, _has_ended_first, _waits])
async def test_a_run_of_a_killed_api_is_finished_by_a_worker(
    is_enough: Callable[[Events], bool],
    outside: StandIn,
    url: str,
    crew: Crew,
    services: Services,
) -> None:
    """The client resumes the stream where it was cut off, and gets one end and nothing twice."""
    blocks = [_calls("first", outside), block("w", "wait", seconds=5), _calls("last", outside)]
    workflow = {"name": "W", **definition(blocks, "s>first first>w w>last")}
    api = crew.start("api", "serve")
    await wait_live(url)
    headers = await asyncio.to_thread(sign_up, url, "runner@example.com")
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as client:
        made = (await client.post("/api/workflows", json=workflow)).json()
        path = f"/api/workflows/{made['id']}"
        assert (await client.post(f"{path}/deploy")).status_code == 200
        run_it = client.stream("POST", f"{path}/execute", json={"stream": True, "input": {}})
        seen = await cut_off(run_it, is_enough, crew, api)
        for process in (("api", "serve"), ("workers", "executions"), ("workers", "upkeep")):
            crew.start(*process)
        await wait_live(url)
        stream = f"{path}/executions/{seen[0]['executionId']}/stream"
        rest = await resumed(client, stream, seen[-1]["eventId"])
        assert seen + rest == await resumed(client, stream, 0)
        assert await resumed(client, stream, rest[-1]["eventId"]) == []
    assert [e["type"] for e in seen + rest if e["type"] in LAST_TYPES.values()] == [
        "execution:completed"
    ]
    assert rest[-1]["type"] == "execution:completed"
    assert _ends(seen + rest) == ["s", "first", "w", "last"]
    assert [event["eventId"] for event in seen + rest] == list(range(1, len(seen + rest) + 1))
    calls = Counter(asked.path for asked in outside.asked)
    # Killed while it calls, it calls again: of the three only the first moment may be that one.
    assert calls["/last"] == 1
    assert calls["/first"] == 1 or is_enough is _has_begun


def _ends(events: Events) -> list[str]:
    return [e["data"]["blockId"] for e in events if e["type"] == "block:completed"]
