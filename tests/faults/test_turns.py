"""The API is killed while it writes an answer: whoever reads it learns its end."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from core.config import Settings
from core.services import Services
from tests.faults.conftest import Crew
from tests.faults.reading import cut_off, resumed, wait_live
from tests.stand_ins.openai import KEY, OpenAIStandIn, Reply, openai_stand_in
from tests.walks.main_job import sign_up
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


@pytest.mark.slow
async def test_a_turn_whose_api_is_killed_ends_once_and_says_so(
    model: OpenAIStandIn, url: str, crew: Crew, services: Services
) -> None:
    api = crew.start("api", "serve")
    for _ in range(2):  # two clocks: the end is said once all the same
        crew.start_worker("upkeep")
    await wait_live(url)
    headers = await asyncio.to_thread(sign_up, url, "reader@example.com")
    async with httpx.AsyncClient(base_url=url, headers=headers, timeout=120) as client:
        ask = client.stream("POST", "/api/copilot/stream", json={"message": "Tell!"})
        seen = await cut_off(ask, lambda seen: _kinds(seen)["text"] >= 2, crew, api)
        crew.start("api", "serve")
        await wait_live(url)
        path = f"/api/copilot/streams/{seen[0]['messageId']}"
        rest = await resumed(client, path, seen[-1]["seq"])
        again = await resumed(client, path, 0)
        history = (await client.get("/api/copilot/history")).json()["data"]

    assert [event["type"] for event in rest[-2:]] == ["error", "done"]
    assert rest[-2]["payload"]["code"] == "INTERRUPTED"
    assert rest[-1]["payload"]["status"] == "failed"
    assert seen + rest == again
    assert [event["seq"] for event in again] == list(range(1, len(again) + 1))
    kinds = _kinds(again)
    assert (kinds["error"], kinds["done"]) == (1, 1)
    text = "".join(e["payload"]["delta"] for e in again if e["type"] == "text")
    assert STORY.startswith(text.strip())
    assert (history[1]["content"], history[1]["status"]) == (text, "failed")
    assert history[1]["error"]["code"] == "INTERRUPTED"


def _kinds(events: list[dict[str, Any]]) -> Counter[str]:
    return Counter(event["type"] for event in events)


def test_upkeep_ends_a_turn_within_thirty_seconds() -> None:
    """A turn that was just renewed is silent after its lease, and ended at one of two ticks."""
    lease = Settings.model_fields["lease_seconds"].default
    assert lease + 2 * upkeep._TICK_SECONDS < 30
