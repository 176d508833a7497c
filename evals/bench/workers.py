"""Runs by `executions` workers: how two compare with one."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from time import perf_counter
from typing import Any, Final

from core.config import Settings
from core.ids import new_id
from core.queue import make_celery
from core.services import Services
from core.store.workflows import Workflow
from evals.bench.figures import Figure
from evals.bench.shapes import no_ops, waits
from evals.scratch import ScratchBase
from pipelines.run import RunRequest, start

_SLOTS: Final = 8  # of a worker: few, so that it is slots that are short and not the processor
_AT_ONCE: Final = 200  # runs that wait for a worker
_LOOK_SECONDS: Final = 0.2
_READY_SECONDS: Final = 120


async def measure(settings: Settings, services: Services, runs: int) -> list[Figure]:
    """Return how runs that wait, and no-ops, speed up with a second worker."""
    waiting = await added(services, waits())
    plain = await added(services, no_ops())
    figures = []
    rates: dict[str, list[float]] = {waiting: [], plain: []}
    for count in (1, 2):
        async with workers(settings, count):
            await rate(services, plain, 4 * _SLOTS * count)  # they have loaded what they need
            for workflow, found in rates.items():
                found.append(await rate(services, workflow, runs))
    for name, workflow, bar in (
        ("runs of ten blocks that wait 200 ms", waiting, 1.7),
        ("runs of ten no-ops", plain, None),
    ):
        one, two = rates[workflow]
        figures += [
            Figure(f"{name}, 1 worker", one, "runs/s", f"{_SLOTS} slots"),
            Figure(f"{name}, 2 workers", two, "runs/s", f"{_SLOTS} slots each"),
            Figure(f"{name}, two over one", two / one, "×", "", bar=bar),
        ]
    return figures


async def rate(services: Services, workflow: str, count: int) -> float:
    """Have ``count`` runs done by whoever takes them; return how many a second."""
    workspace, request = ScratchBase.workspace_id, RunRequest(trigger="api")
    left, open_runs, started = count, set[str](), perf_counter()
    while left or open_runs:
        while left and len(open_runs) < _AT_ONCE:
            async with services.store.unit(workspace) as unit:
                row = await start(unit, services, workflow, request)
            open_runs.add(row.id)
            left -= 1
        await asyncio.sleep(_LOOK_SECONDS)
        async with services.store.unit(workspace) as unit:
            statuses = await unit.executions.statuses(list(open_runs))
        if "failed" in statuses.values():
            raise RuntimeError("a run failed: the rate would mean nothing")
        open_runs -= {run for run, status in statuses.items() if status == "completed"}
    return count / (perf_counter() - started)


async def added(services: Services, definition: dict[str, Any]) -> str:
    """Return the id of a new deployed workflow."""
    row = Workflow(id=new_id("wf"), name="Bench", definition=definition)
    async with services.store.unit(ScratchBase.workspace_id) as unit:
        unit.workflows.add(row)
        await unit.flush()
        version = await unit.workflows.take_snapshot(row, "deploy")
        row.is_deployed, row.deployed_version = True, version.number
    return row.id


@asynccontextmanager
async def workers(
    settings: Settings, count: int
) -> AsyncIterator[list[asyncio.subprocess.Process]]:
    """Start workers, and yield them once each of them listens."""
    async with AsyncExitStack() as stack:
        started = [await stack.enter_async_context(_worker(settings)) for _ in range(count)]
        control = make_celery(str(settings.redis_url)).control
        async with asyncio.timeout(_READY_SECONDS):
            while len(await asyncio.to_thread(control.ping, timeout=1)) < count:
                pass
        yield started


@asynccontextmanager
async def _worker(settings: Settings) -> AsyncIterator[asyncio.subprocess.Process]:
    addresses = {
        "NUXA_DATABASE_URL": str(settings.database_url),
        "NUXA_REDIS_URL": str(settings.redis_url),
        "NUXA_DATA_DIR": str(settings.data_dir),
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "workers", "executions", "--slots", str(_SLOTS),
        env={**os.environ, **addresses},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield process
    finally:
        process.terminate()
        await process.wait()
