"""Limits with two API processes, of which one is killed."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core.services import Services
from core.store.executions import TERMINAL
from tests.faults.conftest import Crew, until
from tests.faults.reading import wait_live
from tests.pipelines.shapes import block, definition
from tests.walks.main_job import sign_up
from tests.walks.system import free_port

SLOW = definition(  # a light run, which the API's process executes
    [block(f"w{n}", "wait", seconds=5) for n in range(12)],
    " ".join(["s>w0", *(f"w{n}>w{n + 1}" for n in range(11))]),
)
SHORT = definition([block("w", "wait", seconds=4), block("t", template="done")], "s>w w>t")

pytestmark = pytest.mark.slow


class Pair:
    """Two API processes, and a client of each."""

    def __init__(self, crew: Crew, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("NUXA_DEFAULT_PLAN", "free")
        self.urls = [f"http://127.0.0.1:{free_port()}" for _ in range(2)]
        self.processes = []
        for url in self.urls:
            monkeypatch.setenv("NUXA_PORT", url.rsplit(":", 1)[1])
            self.processes.append(crew.start("api", "serve"))
        self.clients: list[httpx.AsyncClient] = []

    async def deployed(self, raw: dict[str, Any]) -> str:
        made = await self.clients[1].post("/api/workflows", json={"name": "W", **raw})
        path = f"/api/workflows/{made.json()['id']}"
        assert (await self.clients[1].post(f"{path}/deploy")).status_code == 200
        return path


@pytest.fixture
async def pair(
    crew: Crew, services: Services, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Pair]:
    pair = Pair(crew, monkeypatch)
    for url in pair.urls:
        await wait_live(url)
    headers = await asyncio.to_thread(sign_up, pair.urls[0], "runner@example.com")
    for url in pair.urls:
        pair.clients.append(httpx.AsyncClient(base_url=url, headers=headers, timeout=60))
    await services.redis.flushdb()  # signing up has counted, too
    yield pair
    for client in pair.clients:
        await client.aclose()


async def test_sixty_requests_a_minute_over_both(pair: Pair) -> None:
    asked = [pair.clients[n % 2].get("/api/workflows") for n in range(150)]
    minutes = defaultdict(list)
    for answer in await asyncio.gather(*asked):
        minutes[answer.headers["X-RateLimit-Reset"]].append(answer.status_code)
    for statuses in minutes.values():
        assert Counter(statuses)[200] == min(60, len(statuses))
    assert any(429 in statuses for statuses in minutes.values())


async def test_a_killed_process_gives_its_slots_back(
    pair: Pair, crew: Crew, services: Services
) -> None:
    path = f"{await pair.deployed(SLOW)}/execute"
    held: list[tuple[int, httpx.Response]] = []

    async def ask(number: int) -> int:
        request = pair.clients[number].build_request("POST", path, json={"stream": True})
        answer = await pair.clients[number].send(request, stream=True)
        held.append((number, answer))
        return answer.status_code

    first = [await ask(n % 2) for n in range(4)]  # both hold some, whichever is quicker
    statuses = [*first, *await asyncio.gather(*(ask(n % 2) for n in range(16)))]
    assert Counter(statuses) == {200: 5, 429: 15}
    lost = sum(number == 0 and answer.status_code == 200 for number, answer in held)
    crew.kill(pair.processes[0])
    again: list[int] = []

    async def are_back() -> bool:
        again.append(await ask(1))
        await asyncio.sleep(1)  # not more than a minute's requests
        return again.count(200) == lost

    await until(are_back)
    assert await ask(1) == 429
    for _, answer in held:
        await answer.aclose()


async def test_a_repeat_finds_the_run_of_a_killed_process(
    pair: Pair, crew: Crew, services: Services
) -> None:
    path, key = await pair.deployed(SHORT), {"Idempotency-Key": "order-1"}
    first = asyncio.create_task(pair.clients[0].post(f"{path}/execute", json={}, headers=key))

    async def runs() -> list[dict[str, Any]]:
        return (await pair.clients[1].get(f"{path}/executions")).json()["data"]

    async def is_running() -> bool:
        return bool(await runs())

    await until(is_running)
    crew.kill(pair.processes[0])
    with pytest.raises(httpx.TransportError):
        await first
    crew.start_worker("executions")
    crew.start_worker("upkeep")
    answers: list[httpx.Response] = []

    async def is_answered() -> bool:
        answers.append(await pair.clients[1].post(f"{path}/execute", json={}, headers=key))
        await asyncio.sleep(1)
        return answers[-1].status_code != 409

    await until(is_answered)
    assert answers[-1].json()["status"] in TERMINAL
    (run,) = await runs()
    assert run["id"] == answers[-1].json()["executionId"]
    assert run["output"] == {"text": "done"}
