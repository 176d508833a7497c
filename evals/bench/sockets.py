"""A thousand sockets in a hundred rooms of one process: how soon an edit is acknowledged, and how
soon the others have it.

The clients are bare websockets that speak Socket.IO's packets: they cost a small part of what they
measure, and live in this process, the service in its own.
"""

from __future__ import annotations

import asyncio
import random
import re
from contextlib import AsyncExitStack
from time import perf_counter, process_time
from typing import Any, Final

from evals.bench.figures import Figure, percentile
from evals.bench.socket_client import Client, Times
from evals.bench.system import System

_SOCKETS: Final = 1_000
_ROOMS: Final = 100
_EDITS_PER_SECOND: Final = 100
_SECONDS: Final = 30
_CONNECTING: Final = 20  # at once
_SETTLE_SECONDS: Final = 12  # longer than a sweep
_BLOCKS: Final = 20
_SLOW: Final = re.compile(r'nuxa_event_loop_delay_seconds_bucket\{le="(0\.05|\+Inf)"\} ([0-9.]+)')


async def measure(system: System) -> list[Figure]:
    """Open the sockets, let them rest, then edit at a steady rate."""
    url, key = str(system.client.base_url).rstrip("/"), system.client.headers["x-api-key"]
    workflow_ids = [await _workflow(system, number) for number in range(_ROOMS)]
    times = Times()
    before = _api_bytes(system)
    async with AsyncExitStack() as stack:
        clients = await _opened(stack, url, key, workflow_ids, times)
        await asyncio.sleep(_SETTLE_SECONDS)
        each = (_api_bytes(system) - before) / _SOCKETS
        waits_before, spent = await _waits(system), _processor_seconds(system)
        await _edit_all(clients)
        spent = [now - then for now, then in zip(_processor_seconds(system), spent, strict=True)]
        waits = [now - then for now, then in zip(await _waits(system), waits_before, strict=True)]
    edits = len(times.acknowledged)
    load = f"{_SOCKETS} sockets, {_ROOMS} rooms, {_EDITS_PER_SECOND} edits/s"
    expected = edits * (_SOCKETS // _ROOMS - 1)
    return [
        Figure("edit to acknowledgement, p50", percentile(times.acknowledged, 0.5), "ms", load),
        Figure("edit to acknowledgement, p95", percentile(times.acknowledged, 0.95), "ms", load,
               "lower", 50),
        Figure("edit to the others, p50", percentile(times.delivered, 0.5), "ms", load),
        Figure("edit to the others, p95", percentile(times.delivered, 0.95), "ms", load,
               "lower", 80),
        Figure("deliveries that came", len(times.delivered) / expected, "×", "of those due",
               bar=1.0),
        Figure("event loop held longer than 50 ms", waits[1] - waits[0], "times",
               f"of {waits[1]:,.0f} looks", "lower", 0),
        Figure("processor time of the API an edit", spent[0] / edits * 1000, "ms", load),
        Figure("processor time of the bench's clients an edit", spent[1] / edits * 1000, "ms",
               "on the same two cores"),
        Figure("memory of an idle socket that has a workflow open", each / 1000, "kB", load),
    ]  # fmt: skip


async def _edit_all(clients: list[Client]) -> None:
    chance = random.Random(3)  # noqa: S311 - which sockets edit
    started, sending = perf_counter(), []
    for number in range(_EDITS_PER_SECOND * _SECONDS):
        await asyncio.sleep(max(0.0, started + number / _EDITS_PER_SECOND - perf_counter()))
        sending.append(asyncio.create_task(chance.choice(clients).edit()))
    await asyncio.gather(*sending)
    await asyncio.sleep(2)  # the last deliveries


async def _opened(
    stack: AsyncExitStack, url: str, key: str, workflow_ids: list[str], times: Times
) -> list[Client]:
    waiting = iter(range(_SOCKETS))
    clients: list[Client] = []

    async def open_some() -> None:
        for number in waiting:
            client = await Client.open(url, key, workflow_ids[number % _ROOMS], times)
            stack.push_async_callback(client.close)
            answer = await client.ask("workflow:join", {})
            if not answer["ok"]:
                raise RuntimeError(f"a workflow was not opened: {answer}")
            clients.append(client)

    await asyncio.gather(*(open_some() for _ in range(_CONNECTING)))
    return clients


async def _workflow(system: System, number: int) -> str:
    blocks = {f"b{at}": _block(at) for at in range(_BLOCKS)}
    edges = [{"id": f"e{at}", "source": f"b{at}", "target": f"b{at + 1}"}
             for at in range(_BLOCKS - 1)]  # fmt: skip
    body = {"name": f"Shared {number}", "blocks": blocks, "edges": edges}
    made = await system.client.post("/api/workflows", json=body)
    made.raise_for_status()
    return str(made.json()["id"])


def _block(at: int) -> dict[str, Any]:
    setting = {"id": "template", "type": "long-input", "value": "Dear <start.input>, " * 5}
    kind = {"type": "template", "subBlocks": {"template": setting}} if at else {"type": "start"}
    return {"id": f"b{at}", "name": f"Step {at}" if at else "Start", **kind}


def _api_bytes(system: System) -> int:
    return sum(size for name, size in system.memory().items() if " api serve" in name)


def _processor_seconds(system: System) -> list[float]:
    """Return what the API process has taken so far, and this one."""
    seconds = system.processor_seconds()
    return [sum(s for name, s in seconds.items() if " api serve" in name), process_time()]


async def _waits(system: System) -> tuple[float, float]:
    """Return how often the loop was looked at and found late by at most 50 ms, and in all."""
    text = (await system.client.get("/metrics")).text
    found = {bound: float(value) for bound, value in _SLOW.findall(text)}
    return found["0.05"], found["+Inf"]
