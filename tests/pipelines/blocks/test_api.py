"""The api block: what is sent and what comes back, over a real connection."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest

from core.http import HttpClient
from core.services import Services
from pipelines.blocks.component import BlockFailed
from tests.pipelines.shapes import Played, block, definition, play
from tests.stand_in import Says, StandIn, standing_in


@pytest.fixture
async def outside() -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
async def reaching(services: Services) -> AsyncIterator[Services]:
    """A process whose operator lets calls reach this machine."""
    http = HttpClient(services.settings.model_copy(update={"outgoing_allow": "127.0.0.1"}))
    yield replace(services, http=http)
    await http.close()


async def _called(services: Services, url: str, given: Any = None, **settings: Any) -> Played:
    raw = definition([block("a", "api", url=url, **settings)], "s>a")
    return await play(raw, given, services=services)


async def test_a_call_and_its_answer(reaching: Services, outside: StandIn) -> None:
    outside.answer = lambda _: Says.json({"id": 7}, 201, X_Kind="new")
    played = await _called(
        reaching,
        f"{outside.url}/orders?a=1",
        {"who": "Ada"},
        method="POST",
        params=[{"id": "1", "cells": {"Key": "q", "Value": "<start.who>"}}],
        headers={"X-Trace": "t-1"},
        body='{"name": "<start.who>"}',
    )
    output = played.outputs["a"]
    assert isinstance(output, dict)
    assert (output["status"], output["data"]) == (201, {"id": 7})
    assert isinstance(output["headers"], dict)
    assert output["headers"]["x-kind"] == "new"
    [asked] = outside.asked
    assert (asked.method, asked.path, asked.query) == (
        "POST",
        "/orders",
        {"a": ["1"], "q": ["Ada"]},
    )
    assert asked.json() == {"name": "Ada"}
    assert asked.headers["idempotency-key"] == "exec_test/a/0"
    assert (asked.headers["x-trace"], asked.headers["content-type"]) == ("t-1", "application/json")


async def test_an_error_status_is_an_answer(reaching: Services, outside: StandIn) -> None:
    outside.answer = lambda _: Says(404, body=b"gone")
    played = await _called(reaching, outside.url)
    output = played.outputs["a"]
    assert isinstance(output, dict)
    assert (output["status"], output["data"]) == (404, "gone")


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("http://169.254.169.254/latest", "not a public address"),
        ("file:///etc/passwd", "http"),
        ("http://127.0.0.1:1/", "No connection to 127.0.0.1:1"),
    ],
)
async def test_what_is_not_called_or_does_not_answer(
    reaching: Services, url: str, said: str
) -> None:
    with pytest.raises(BlockFailed, match=said):
        await _called(reaching, url)


async def test_this_machine_is_not_reached_without_leave(
    services: Services, outside: StandIn
) -> None:
    with pytest.raises(BlockFailed, match="not a public address"):
        await _called(services, outside.url)
    assert outside.asked == []
