"""Two hundred chats at once on one real API process: none breaks, and its memory stays flat."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.faults.conftest import Crew
from tests.faults.reading import wait_live
from tests.stand_ins.openai import KEY, Reply, openai_stand_in
from tests.walks.main_job import sign_up

pytestmark = pytest.mark.slow
STREAMS = 200
WAVES = 4
SPREAD_SECONDS = 2.0
STORY = "Once upon a time there were two hundred chats, and every one of them came to its end. " * 2
MOST_GROWTH = 24 * 1024 * 1024  # bytes between the waves: no wave may leave its streams behind


def _memory(pid: int) -> int:
    """Return a process's resident memory in bytes."""
    fields = Path(f"/proc/{pid}/status").read_text().split("\n")
    line = next(field for field in fields if field.startswith("VmRSS"))
    return int(line.split()[1]) * 1024


async def _stream(client: httpx.AsyncClient, delay: float) -> list[dict[str, Any]]:
    await asyncio.sleep(delay)
    found: list[dict[str, Any]] = []
    body = {"message": "Tell me a story!"}
    async with client.stream("POST", "/api/copilot/stream", json=body) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for line in answer.aiter_lines():
            if line == "data: [DONE]":
                return found
            if line.startswith("data:"):
                found.append(json.loads(line.removeprefix("data:")))
    raise AssertionError("a stream broke off")


def _check(events: list[dict[str, Any]]) -> None:
    assert [event["seq"] for event in events] == list(range(1, len(events) + 1))
    assert events[0]["type"] == "start"
    assert [event["type"] for event in events].count("done") == 1
    assert events[-1]["payload"]["status"] == "completed", events[-2:]
    text = "".join(e["payload"]["delta"] for e in events if e["type"] == "text")
    assert text.strip() == STORY.strip()


async def test_none_breaks_and_memory_stays_flat(
    url: str, crew: Crew, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with openai_stand_in() as model:
        monkeypatch.setenv("NUXA_CHAT_MODEL", "openai/stand-in")
        monkeypatch.setenv("NUXA_CHAT_BASE_URL", model.base_url)
        monkeypatch.setenv("NUXA_CHAT_API_KEY", KEY)
        monkeypatch.setenv("NUXA_DEFAULT_PLAN", "enterprise")
        model.script = lambda _: Reply(STORY, pause=0.08)  # two seconds each
        api = crew.start("api", "serve")
        await wait_live(url)
        assert api.process is not None
        headers = await asyncio.to_thread(sign_up, url, "reader@example.com")
        limits = httpx.Limits(max_connections=STREAMS)
        memory = []
        async with httpx.AsyncClient(
            base_url=url, headers=headers, timeout=120, limits=limits
        ) as client:
            for _ in range(WAVES):
                starts = (SPREAD_SECONDS * number / STREAMS for number in range(STREAMS))
                for events in await asyncio.gather(*(_stream(client, at) for at in starts)):
                    _check(events)
                memory.append(_memory(api.process.pid))
            history = await client.get("/api/copilot/history", params={"limit": 1})
            assert history.status_code == 200
        print("resident MB after each wave:", [round(m / 2**20) for m in memory])
        assert memory[-1] - memory[1] < MOST_GROWTH, memory
