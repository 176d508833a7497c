"""How long a tenant waits while others have the service do its most costly work."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Awaitable, Callable
from functools import partial
from itertools import count
from time import monotonic
from typing import Any, Final, Literal

import httpx

from evals.bench import chat, knowledge
from evals.bench.attackers import ANONYMOUS, attacking
from evals.bench.costly_runs import (
    deploy,
    deploy_costly_runs,
    small_run,
    trivial_function,
)
from evals.bench.figures import Figure, percentile, timed
from evals.bench.system import System
from evals.bench.texts import documents, questions

Attack = Literal["anonymous", "tenant"]
ATTACKS: Final[tuple[Attack, ...]] = ("anonymous", "tenant")
ENVIRONMENT: Final = {"NUXA_DEFAULT_PLAN": "pro", "NUXA_SIGNUPS_PER_ADDRESS": "-1"}
_MAX_TIMES_IDLE: Final[dict[Attack, float]] = {"anonymous": 5, "tenant": 3}
_PAUSE_SECONDS: Final = 0.25  # the quiet tenant stays within its plan's rate
_DOCUMENTS: Final = 50
_WARM_SECONDS: Final = 10
_LEAD_SECONDS: Final = 3  # until all attackers are at work

Times = dict[str, list[float]]
Operations = dict[str, Callable[[int], Awaitable[object]]]


async def measure(system: System, attacks: list[Attack], seconds: float) -> list[Figure]:
    """Take a quiet tenant's times idle, then beside each attack; sample Valkey meanwhile."""
    quiet = await _new_tenant(system, "quiet@example.com")
    try:
        operations = await _operations(quiet)
        await _times(operations, _WARM_SECONDS)
        figures: list[Figure] = []
        for attack in attacks:
            figures += await _measure_attack(system, operations, attack, seconds)
        return figures
    finally:
        await quiet.aclose()


async def _measure_attack(
    system: System, operations: Operations, attack: Attack, seconds: float
) -> list[Figure]:
    """Measure idle and beside one attack, within minutes of each other."""
    asked: dict[str, Any] = {"kind": attack, "url": str(system.client.base_url)}
    if attack == "tenant":
        asked["key"] = system.client.headers["x-api-key"]
        asked["paths"] = await deploy_costly_runs(system.client)
    idle = await _times(operations, seconds)
    memory: list[float] = []
    async with attacking(asked) as answers:
        await asyncio.sleep(_LEAD_SECONDS)
        sampler = asyncio.create_task(_sample_memory(system, memory))
        try:
            busy = await _times(operations, seconds)
        finally:
            sampler.cancel()
            await asyncio.gather(sampler, return_exceptions=True)
    limit = (await _metrics(system))["nuxa_redis_memory_limit_bytes"]
    return [
        *_ratios(attack, idle, busy),
        _answers_figure(attack, answers),
        Figure(f"{attack}: Valkey, most", max(memory) / 1e6, "MB", "", "lower", limit / 1e6),
    ]


def _ratios(attack: Attack, idle: Times, busy: Times) -> list[Figure]:
    figures = []
    for name in idle:
        before, beside = percentile(idle[name], 0.95), percentile(busy[name], 0.95)
        said = f"{beside:.0f} of {before:.0f} ms; {len(busy[name])} of {len(idle[name])} calls"
        most = _MAX_TIMES_IDLE[attack]
        ratio = Figure(f"{attack}: {name}, p95", beside / before, "×", said, "lower", most)
        figures.append(ratio)
    return figures


def _answers_figure(attack: Attack, answers: Counter[str]) -> Figure:
    said = ", ".join(f"{number} × {end}" for end, number in sorted(answers.items()))
    clients = f"{ANONYMOUS} clients" if attack == "anonymous" else "1 tenant"
    return Figure(f"{attack}: answers to {clients}", answers.total(), "", said)


async def _operations(client: httpx.AsyncClient) -> Operations:
    """Return what the quiet tenant does by turns."""
    base_id = await knowledge.new_base(client)
    await knowledge.add(client, base_id, documents(_DOCUMENTS, knowledge.SIZE, seed=1))
    await knowledge.finished(client, base_id)
    asked = questions(10_000, seed=2)
    small = await deploy(client, "Small", small_run())
    trivial = await deploy(client, "Trivial", trivial_function())
    return {
        "search": lambda number: knowledge.ask(client, base_id, "hybrid", asked[number]),
        "small run": lambda _: _execute(client, small),
        "trivial function": lambda _: _execute(client, trivial),
        "chat, first word": partial(chat.first_word, client, base_id),
    }


async def _execute(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.post(f"{path}/execute", json={"input": {}})
    answer.raise_for_status()
    if not answer.json()["success"]:
        raise RuntimeError(f"a run failed: {answer.text}")


async def _times(operations: Operations, seconds: float) -> Times:
    times: Times = defaultdict(list)
    end = monotonic() + seconds
    for number in count():
        if monotonic() > end:
            return times
        for name, operation in operations.items():
            times[name].append(await timed(partial(operation, number)))
            await asyncio.sleep(_PAUSE_SECONDS)
    raise AssertionError("count() has no end")


async def _new_tenant(system: System, email: str) -> httpx.AsyncClient:
    client = httpx.AsyncClient(base_url=system.client.base_url, timeout=120)
    account = {"email": email, "password": "a long bench password", "name": "Quiet"}
    (await client.post("/api/auth/signup", json=account)).raise_for_status()
    made = await client.post("/api/auth/api-keys", json={"name": "bench"})
    made.raise_for_status()
    client.cookies.clear()
    client.headers["x-api-key"] = made.json()["key"]
    return client


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
