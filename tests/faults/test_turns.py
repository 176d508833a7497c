"""The API is killed while it writes an answer: whoever reads it learns its end."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core.config import Settings
from core.services import Services
from tests.faults.conftest import Crew, until
from tests.stand_ins.openai import KEY, OpenAIStandIn, Reply, openai_stand_in
from tests.walks.main_job import sign_up
from tests.walks.system import free_port
from workers import upkeep

STORY = "Once upon a time there was a turn that nobody was to finish."


@pytest.fixture
async def model(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIStandIn]:
    """A chat model that stops in the middle of its answer."""
    async with openai_stand_in() as stand_in:
        monkeypatch.setenv("NUXA_CHAT_MODEL", "openai/stand-in")
        monkeypatch.setenv("NUXA_CHAT_BASE_URL", stand_in.base_url)
        monkeypatch.setenv("NUXA_CHAT_API_KEY", KEY)
        stand_in.replies = [Reply(STORY, stall_after=5)]
        yield stand_in


@pytest.fixture
def url(monkeypatch: pytest.MonkeyPatch) -> str:
    """Where the API of this test will listen, each time it is started."""
    port = free_port()
    monkeypatch.setenv("NUXA_PORT", str(port))
    return f"http://127.0.0.1:{port}"


async def _wait_live(url: str) -> None:
    async def is_live() -> bool:
        async with httpx.AsyncClient(base_url=url) as client:
            try:
                return (await client.get("/api/health/live", timeout=10)).status_code == 200
            except httpx.TransportError:
                return False

    await until(is_live)


async def _read(answer: httpx.Response, found: list[dict[str, Any]]) -> bool:
    """Read a stream to its end; return whether it was ended by ``[DONE]``."""
    try:
        async for line in answer.aiter_lines():
            if line == "data: [DONE]":
                return True
            if line.startswith("data:"):
                found.append(json.loads(line.removeprefix("data:")))
    except httpx.TransportError:
        return False
    return False


async def _cut_off(client: httpx.AsyncClient, crew: Crew, api: Any) -> list[dict[str, Any]]:
    """Ask, kill the API once some words have come, and return what was read of the answer."""
    seen: list[dict[str, Any]] = []
    async with client.stream("POST", "/api/copilot/stream", json={"message": "Tell!"}) as answer:
        reading = asyncio.create_task(_read(answer, seen))

        async def has_words() -> bool:
            return sum(event["type"] == "text" for event in seen) >= 2

        await until(has_words)
        crew.kill(api)
        assert not await reading
    return seen


async def _resumed(client: httpx.AsyncClient, path: str, after: int) -> list[dict[str, Any]]:
    rest: list[dict[str, Any]] = []
    async with client.stream("GET", path, headers={"Last-Event-ID": str(after)}) as answer:
        assert answer.status_code == 200
        assert await _read(answer, rest)
    return rest


async def test_a_turn_whose_api_is_killed_ends_once_and_says_so(
    model: OpenAIStandIn, url: str, crew: Crew, services: Services
) -> None:
    api = crew.start("api", "serve")
    await _wait_live(url)
    headers = await asyncio.to_thread(sign_up, url, "reader@example.com")
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as client:
        seen = await _cut_off(client, crew, api)
        crew.start("api", "serve")
        for _ in range(2):  # two clocks: the end is said once all the same
            crew.start_worker("upkeep")
        await _wait_live(url)
        path = f"/api/copilot/streams/{seen[0]['messageId']}"
        rest = await _resumed(client, path, seen[-1]["seq"])
        again = await _resumed(client, path, 0)
        history = (await client.get("/api/copilot/history")).json()["data"]

    assert [event["type"] for event in rest[-2:]] == ["error", "done"]
    assert rest[-2]["payload"]["code"] == "INTERRUPTED"
    assert rest[-1]["payload"]["status"] == "failed"
    assert seen + rest == again
    assert [event["seq"] for event in again] == list(range(1, len(again) + 1))
    kinds = [event["type"] for event in again]
    assert (kinds.count("error"), kinds.count("done")) == (1, 1)
    text = "".join(e["payload"]["delta"] for e in again if e["type"] == "text")
    assert STORY.startswith(text.strip())
    assert (history[1]["content"], history[1]["status"]) == (text, "failed")
    assert history[1]["error"]["code"] == "INTERRUPTED"


def test_upkeep_ends_a_turn_within_thirty_seconds() -> None:
    """A turn that was just renewed is silent after its lease, and ended at one of two ticks."""
    lease = Settings.model_fields["lease_seconds"].default
    assert lease + 2 * upkeep._TICK_SECONDS < 30
