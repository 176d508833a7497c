"""Runs of a ten-block workflow of no-ops, with all their durable logs, over raw Haystack."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

from evals.bench.figures import Figure, median, percentile
from evals.bench.load import drive
from evals.bench.references import haystack_runs_per_second
from evals.bench.shapes import BLOCKS, SIDE_BY_SIDE, no_ops, side_by_side
from evals.bench.system import System
from evals.bench.wire import post_all


async def measure(system: System, runs: int) -> list[Figure]:
    path = await deployed(system, "Bench", no_ops())
    await _executed(system, path, 10, 1)
    alone = await _executed(system, path, runs // 2, 1)
    crowd = await _executed(system, path, runs, 8)
    raw = await haystack_runs_per_second(BLOCKS)
    shape = await _shape_figures(system)
    return [
        Figure("workflow of ten no-ops, alone", alone, "runs/s", "over HTTP, sync"),
        Figure("workflow of ten no-ops, 8 at once", crowd, "runs/s", "over HTTP, sync"),
        Figure(
            "workflow / raw Haystack",
            crowd / raw,
            "×",
            f"run_async in memory, {raw:.0f}/s",
            bar=0.15,
        ),
        *shape,
    ]


async def _executed(system: System, path: str, runs: int, concurrency: int) -> float:
    """Return how many runs a second a client gets that takes little of the cores it shares."""
    client = system.client
    url, key = str(client.base_url.join(f"{path}/execute")), client.headers["x-api-key"]
    bodies = [json.dumps({"input": {"number": number}}).encode() for number in range(runs)]
    _, rate = await post_all(url, {"x-api-key": key}, bodies, concurrency, _must_succeed)
    return rate


def _must_succeed(body: bytes) -> None:
    if not json.loads(body)["success"]:
        raise RuntimeError(f"a run failed: {body.decode()}")


async def _shape_figures(system: System) -> list[Figure]:
    """How fast independent blocks run side by side, and how soon a stream begins."""
    wide = await deployed(system, "Wide", side_by_side())
    plain = await deployed(system, "Plain", no_ops())

    async def run(_: int) -> None:
        answer = await system.client.post(f"{wide}/execute", json={"input": {}})
        answer.raise_for_status()
        if not answer.json()["success"]:
            raise RuntimeError(f"a run failed: {answer.text}")

    await drive(run, range(2), 1)
    times, _ = await drive(run, range(10), 1)
    firsts: list[float] = []

    async def stream(_: int) -> None:
        firsts.append(await _until_first_event(system, plain))

    await drive(stream, range(16), 16)
    firsts.clear()
    await drive(stream, range(160), 16)
    return [
        Figure(
            f"{SIDE_BY_SIDE} blocks of 100 ms side by side", median(times), "s", "", "lower", 0.4
        ),
        Figure(
            "first event of a stream, p95",
            percentile(firsts, 0.95),
            "ms",
            "16 at once",
            "lower",
            50,
        ),
    ]


async def _until_first_event(system: System, path: str) -> float:
    """Return the seconds from the call to the first event, and read the rest."""
    began, first = perf_counter(), None
    asked = {"input": {}, "stream": True}
    async with system.client.stream("POST", f"{path}/execute", json=asked) as answer:
        async for line in answer.aiter_lines():
            if first is None and line.startswith("data: "):
                first = perf_counter() - began
    if first is None:
        raise RuntimeError("a stream ended without an event")
    return first


async def deployed(system: System, name: str, definition: dict[str, Any]) -> str:
    """Return the path of a new deployed workflow."""
    made = await system.client.post("/api/workflows", json={"name": name, **definition})
    made.raise_for_status()
    path = f"/api/workflows/{made.json()['id']}"
    (await system.client.post(f"{path}/deploy")).raise_for_status()
    return path
