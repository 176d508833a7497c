"""Asking over HTTP with a scripted model, and answering what the turn asks back."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from core.config import Settings
from tests.stand_ins.openai import KEY, OpenAIStandIn

Told = dict[str, Any]


def use_model(patch: pytest.MonkeyPatch, settings: Settings, model: OpenAIStandIn) -> None:
    """Have the one server ask a stand-in."""
    use_server(patch, settings, "openai/stand-in", model.base_url, KEY)


def use_server(
    patch: pytest.MonkeyPatch, settings: Settings, name: str, base_url: str, key: str
) -> None:
    """Have the one server ask a model that is there at an address."""
    patch.setattr(settings, "chat_model", name)
    patch.setattr(settings, "chat_base_url", base_url)
    patch.setattr(settings, "chat_api_key", SecretStr(key))
    patch.setattr("core.models.chat.get_settings", lambda: settings)


async def events(client: httpx.AsyncClient, body: Told) -> AsyncIterator[Told]:
    """Yield the events of a turn as they come, to its ``[DONE]``."""
    async with client.stream("POST", "/api/copilot/stream", json=body, timeout=60) as answer:
        assert answer.status_code == 200, await answer.aread()
        async for line in answer.aiter_lines():
            if line == "data: [DONE]":
                return
            if line.startswith("data:"):
                yield json.loads(line.removeprefix("data:"))
    raise AssertionError("the stream ended without [DONE]")


async def decide(client: httpx.AsyncClient, event: Told, decision: str) -> httpx.Response:
    """Answer an approval that a turn waits for."""
    one = {"toolCallId": event["payload"]["toolCallId"], "decision": decision}
    return await client.post("/api/copilot/approvals", json={"decisions": [one]})


async def talk(
    client: httpx.AsyncClient, body: Told, answer: Callable[[Told], Awaitable[None]]
) -> list[Told]:
    """Read a turn to its end; ``answer`` is called with each event that asks for approval."""
    found = []
    async for event in events(client, body):
        found.append(event)
        if event["type"] == "tool" and event["payload"]["phase"] == "approval":
            await answer(event)
    return found


def results(told: list[Told]) -> list[Told]:
    """Return what the tools of a turn came to."""
    payloads = [event["payload"] for event in told if event["type"] == "tool"]
    return [payload for payload in payloads if payload["phase"] == "result"]
