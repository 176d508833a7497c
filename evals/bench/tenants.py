"""How long one tenant waits while another has the most costly runs that its plan allows."""

from __future__ import annotations

import asyncio
from collections import Counter
from itertools import pairwise
from time import monotonic
from typing import Any, Final

import httpx

from evals.bench.figures import Figure, percentile, timed
from evals.bench.system import System
from evals.bench.workflows import deployed

ENVIRONMENT: Final = {"NUXA_DEFAULT_PLAN": "pro"}
_MAX_TIMES_IDLE: Final = 3
_PAUSE_SECONDS: Final = 0.25  # the quiet tenant stays within its plan's rate
_CALLERS: Final = 6
_TEXT: Final = "x" * 1_900_000


async def measure(system: System, seconds: float) -> list[Figure]:
    """Take the quiet tenant's times idle, then beside the other; sample Valkey meanwhile."""
    quiet = await _new_tenant(system, "quiet@example.com")
    try:
        small = await _deployed(quiet, "Small", _chain(_block("t", "template", template="ok")))
        paths = await _costly_workflows(system)
        await _times(quiet, small, 5)
        idle = await _times(quiet, small, seconds)
        ends: Counter[str] = Counter()
        attack = [
            asyncio.create_task(_attack(system, paths, number, ends)) for number in range(_CALLERS)
        ]
        memory: list[float] = []
        sampler = asyncio.create_task(_sample_memory(system, memory))
        try:
            busy = await _times(quiet, small, seconds)
        finally:
            for task in (*attack, sampler):
                task.cancel()
            await asyncio.gather(*attack, sampler, return_exceptions=True)
        limit = (await _metrics(system))["nuxa_redis_memory_limit_bytes"]
        kept = (await _metrics(system)).get("nuxa_run_kept_bytes_total", 0.0)
    finally:
        await quiet.aclose()
    said = ", ".join(f"{count} × {end}" for end, count in sorted(ends.items()))
    ratio = percentile(busy, 0.95) / percentile(idle, 0.95)
    return [
        Figure("another tenant's p95, idle", percentile(idle, 0.95), "ms", f"{len(idle)} calls"),
        Figure("another tenant's p95, beside", percentile(busy, 0.95), "ms", said),
        Figure("beside / idle", ratio, "×", "p95", "lower", _MAX_TIMES_IDLE),
        Figure("slowest call beside", percentile(busy, 1.0), "ms", f"{len(busy)} calls"),
        Figure("Valkey's memory at most", max(memory) / 1e6, "MB", "", "lower", limit / 1e6),
        Figure("kept by runs", kept / 1e6, "MB", f"in {seconds:.0f} s"),
    ]


async def _attack(system: System, paths: list[str], number: int, ends: Counter[str]) -> None:
    """Run the costly workflows in turn; count how the runs ended."""
    while True:
        answer = await system.client.post(
            f"{paths[number % len(paths)]}/execute", json={"input": {}}, timeout=600
        )
        number += 1
        body = answer.json()
        error = body.get("error") or {}
        ends[error.get("limit") or error.get("code") or body.get("status", "?")] += 1
        if answer.status_code == 429:
            await asyncio.sleep(1)


async def _times(client: httpx.AsyncClient, path: str, seconds: float) -> list[float]:
    times: list[float] = []
    end = monotonic() + seconds

    async def call() -> None:
        answer = await client.post(f"{path}/execute", json={"input": {}})
        answer.raise_for_status()
        if not answer.json()["success"]:
            raise RuntimeError(f"a run failed: {answer.text}")

    while monotonic() < end:
        times.append(await timed(call))
        await asyncio.sleep(_PAUSE_SECONDS)
    return times


async def _new_tenant(system: System, email: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=system.client.base_url, timeout=120)
    account = {"email": email, "password": "a long bench password", "name": "Quiet"}
    (await client.post("/api/auth/signup", json=account)).raise_for_status()
    made = await client.post("/api/auth/api-keys", json={"name": "bench"})
    made.raise_for_status()
    client.cookies.clear()
    client.headers["x-api-key"] = made.json()["key"]
    return client


async def _costly_workflows(system: System) -> list[str]:
    large = _block("t", "template", template=_TEXT)
    loop = _block("l", "loop")
    around = {"l": {"id": "l", "nodes": ["t"], "loopType": "for", "iterations": 40}}
    results = _chain(loop, inside=[large], loops=around)
    cases = [
        {"id": f"c{n}", "title": "", "value": f'lower(<t.text>) contains "y{n}"'} for n in range(5)
    ]
    conditions = _chain(
        large,
        _block("l", "loop"),
        inside=[_block("c", "condition", conditions=cases)],
        loops={"l": {"id": "l", "nodes": ["c"], "loopType": "for", "iterations": 20}},
    )
    forking = await deployed(system, "Forks", _chain(_block("t", "template", template="x")))
    call = _block("call", "workflow", workflowId=forking.rpartition("/")[2], input={})
    around = {"p": {"id": "p", "nodes": ["call"], "parallelType": "count", "count": 20}}
    forks = _chain(_block("p", "parallel"), inside=[call], parallels=around)
    (await system.client.patch(forking, json=forks)).raise_for_status()
    (await system.client.post(f"{forking}/deploy")).raise_for_status()
    return [
        await deployed(system, "Results", results),
        await deployed(system, "Conditions", conditions),
        forking,
    ]


async def _deployed(client: httpx.AsyncClient, name: str, definition: dict[str, Any]) -> str:
    made = await client.post("/api/workflows", json={"name": name, **definition})
    made.raise_for_status()
    path = f"/api/workflows/{made.json()['id']}"
    (await client.post(f"{path}/deploy")).raise_for_status()
    return path


def _block(name: str, kind: str, **settings: Any) -> dict[str, Any]:
    values = {key: {"id": key, "type": "x", "value": value} for key, value in settings.items()}
    return {"id": name, "type": kind, "name": name, "subBlocks": values}


def _chain(
    *blocks: dict[str, Any], inside: list[dict[str, Any]] | None = None, **more: Any
) -> dict[str, Any]:
    """Return a definition of blocks one after the other; the last may be a container."""
    chain = [_block("s", "start"), *blocks]
    edges = [
        {"id": f"e{n}", "source": a["id"], "target": b["id"]}
        for n, (a, b) in enumerate(pairwise(chain))
    ]
    everything = [*chain, *(inside or [])]
    return {"blocks": {each["id"]: each for each in everything}, "edges": edges, **more}


async def _sample_memory(system: System, memory: list[float]) -> None:
    while True:
        memory.append((await _metrics(system))["nuxa_redis_memory_used_bytes"])
        await asyncio.sleep(1)


async def _metrics(system: System) -> dict[str, float]:
    """Return the service's metrics that have no labels."""
    answer = await system.client.get("/metrics")
    answer.raise_for_status()
    lines = [line.split(" ") for line in answer.text.splitlines() if not line.startswith("#")]
    return {line[0]: float(line[1]) for line in lines if "{" not in line[0]}
