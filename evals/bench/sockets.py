"""A thousand sockets in a hundred rooms of one process: how soon an edit is acknowledged, and how
soon the others have it.

The clients are bare websockets that speak Socket.IO's packets: they cost a small part of what they
measure, and live in this process, the service in its own.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, Final

from websockets.asyncio.client import ClientConnection, connect

from evals.bench.figures import Figure, percentile
from evals.bench.system import System

_SOCKETS: Final = 1_000
_ROOMS: Final = 100
_EDITS_PER_SECOND: Final = 100
_SECONDS: Final = 30
_CONNECTING: Final = 20  # at once
_SETTLE_SECONDS: Final = 12  # longer than a sweep
_BLOCKS: Final = 20
_SENT: Final = re.compile(r'"value":([0-9.]+)')
_SLOW: Final = re.compile(r'nuxa_event_loop_delay_seconds_bucket\{le="(0\.05|\+Inf)"\} ([0-9.]+)')


@dataclass
class _Times:
    """Seconds from sending to the acknowledgement, and to each delivery."""

    acknowledged: list[float] = field(default_factory=list)
    delivered: list[float] = field(default_factory=list)


class _Client:
    """One socket that has one workflow open."""

    def __init__(self, wire: ClientConnection, workflow_id: str, times: _Times) -> None:
        self._wire, self.workflow_id, self._times = wire, workflow_id, times
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._asked = 0
        self._reading = asyncio.create_task(self._read())

    @classmethod
    async def open(cls, url: str, key: str, workflow_id: str, times: _Times) -> _Client:
        path = f"{url.replace('http', 'ws', 1)}/socket.io/?EIO=4&transport=websocket"
        wire = await connect(path, compression=None, ping_interval=None, max_queue=None)
        await wire.recv()
        await wire.send("40" + json.dumps({"token": key}))
        greeting = str(await wire.recv())
        if not greeting.startswith("40"):
            raise RuntimeError(f"a socket was refused: {greeting[:300]}")
        return cls(wire, workflow_id, times)

    async def ask(self, event: str, fields: dict[str, Any]) -> Any:
        self._asked += 1
        answer = self._answers[self._asked] = asyncio.get_running_loop().create_future()
        sent = json.dumps([event, {"workflowId": self.workflow_id, **fields}])
        await self._wire.send(f"42{self._asked}{sent}")
        return await answer

    async def edit(self) -> None:
        """Set a variable to the moment of sending."""
        sent = perf_counter()
        fields = {"variableId": "v", "name": "moment", "type": "number", "value": sent}
        answer = await self.ask("variable:set", fields)
        if not answer["ok"]:
            raise RuntimeError(f"an edit was refused: {answer}")
        self._times.acknowledged.append(perf_counter() - sent)

    async def close(self) -> None:
        self._reading.cancel()
        await self._wire.close()

    async def _read(self) -> None:
        async for packet in self._wire:
            text = str(packet)
            if text == "2":
                await self._wire.send("3")
            elif text.startswith("43"):
                number, _, rest = text[2:].partition("[")
                self._answers.pop(int(number)).set_result(json.loads("[" + rest)[0])
            elif text.startswith('42["variable:set"') and (found := _SENT.search(text)):
                self._times.delivered.append(perf_counter() - float(found[1]))


async def measure(system: System) -> list[Figure]:
    """Open the sockets, let them rest, then edit at a steady rate."""
    url, key = str(system.client.base_url).rstrip("/"), system.client.headers["x-api-key"]
    workflow_ids = [await _workflow(system, number) for number in range(_ROOMS)]
    times = _Times()
    before = _api_bytes(system)
    clients = await _opened(url, key, workflow_ids, times)
    await asyncio.sleep(_SETTLE_SECONDS)
    each = (_api_bytes(system) - before) / _SOCKETS
    waits_before = await _waits(system)
    await _edit_all(clients)
    waits = [after - then for after, then in zip(await _waits(system), waits_before, strict=True)]
    for client in clients:
        await client.close()
    load = f"{_SOCKETS} sockets, {_ROOMS} rooms, {_EDITS_PER_SECOND} edits/s"
    expected = len(times.acknowledged) * (_SOCKETS // _ROOMS - 1)
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
        Figure("memory of an idle socket that has a workflow open", each / 1000, "kB", load),
    ]  # fmt: skip


async def _edit_all(clients: list[_Client]) -> None:
    chance = random.Random(3)  # noqa: S311 - which sockets edit
    started, sending = perf_counter(), []
    for number in range(_EDITS_PER_SECOND * _SECONDS):
        await asyncio.sleep(max(0.0, started + number / _EDITS_PER_SECOND - perf_counter()))
        sending.append(asyncio.create_task(chance.choice(clients).edit()))
    await asyncio.gather(*sending)
    await asyncio.sleep(2)  # the last deliveries


async def _opened(url: str, key: str, workflow_ids: list[str], times: _Times) -> list[_Client]:
    waiting = iter(range(_SOCKETS))
    clients: list[_Client] = []

    async def open_some() -> None:
        for number in waiting:
            client = await _Client.open(url, key, workflow_ids[number % _ROOMS], times)
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


async def _waits(system: System) -> tuple[float, float]:
    """Return how often the loop was looked at and found late by at most 50 ms, and in all."""
    text = (await system.client.get("/metrics")).text
    found = {bound: float(value) for bound, value in _SLOW.findall(text)}
    return found["0.05"], found["+Inf"]
