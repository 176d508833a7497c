"""A list of twenty workflows, asked for by key, over a bare Quart's hello on the same server."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from evals.bench.figures import Figure, median, percentile
from evals.bench.system import System, free_port
from evals.bench.wire import hammer

_ROWS: Final = 20
_CALLERS: Final = 32
_WARMING: Final = 300
_ROUNDS: Final = 5  # of each, in turn: both meet the same minute


async def measure(system: System, calls: int) -> list[Figure]:
    for number in range(_ROWS):
        made = await system.client.post("/api/workflows", json={"name": f"Listed {number}"})
        made.raise_for_status()
    url = f"{system.client.base_url}/api/workflows".replace("//api", "/api")
    key = {"x-api-key": system.client.headers["x-api-key"]}
    async with _hello() as hello_url:
        await hammer(url, key, _WARMING, _CALLERS)
        await hammer(hello_url, {}, _WARMING, _CALLERS)
        ours, theirs, times = [], [], []
        for _ in range(_ROUNDS):
            took, rate = await hammer(url, key, calls // _ROUNDS, _CALLERS)
            ours.append(rate)
            times += took
            theirs.append((await hammer(hello_url, {}, calls // _ROUNDS, _CALLERS))[1])
    rate, bare = median(ours), median(theirs)
    p50, p99 = percentile(times, 0.5), percentile(times, 0.99)
    return [
        Figure("list of 20 workflows, 32 at once", rate, "requests/s", "by key, over HTTP"),
        Figure("list / bare Quart", rate / bare, "×", f"hello, {bare:.0f}/s", bar=1 / 5),
        Figure("list, p99 / p50", p99 / p50, "×", f"{p50:.0f} ms", "lower", 5),
    ]


@asynccontextmanager
async def _hello() -> AsyncIterator[str]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evals.bench.hello", str(port)
    )
    url = f"http://127.0.0.1:{port}/"
    try:
        await _listening(url)
        yield url
    finally:
        process.terminate()
        await process.wait()


async def _listening(url: str) -> None:
    async with asyncio.timeout(60):
        while True:
            try:
                await hammer(url, {}, 1, 1)
            except ConnectionRefusedError:
                await asyncio.sleep(0.1)
            else:
                return
