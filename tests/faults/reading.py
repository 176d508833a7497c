"""A client of the API's streams, whose server is killed meanwhile."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import httpx

from api.launch import OwnProcess
from tests.faults.conftest import Crew, until

Events = list[dict[str, Any]]


async def wait_live(url: str) -> None:
    """Return once an API answers at ``url``."""

    async def is_live() -> bool:
        async with httpx.AsyncClient(base_url=url) as client:
            try:
                return (await client.get("/api/health/live", timeout=10)).status_code == 200
            except httpx.TransportError:
                return False

    await until(is_live)


async def _read(answer: httpx.Response, found: Events) -> bool:
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


async def cut_off(
    asking: AbstractAsyncContextManager[httpx.Response],
    is_enough: Callable[[Events], bool],
    crew: Crew,
    api: OwnProcess,
) -> Events:
    """Read a stream, kill the API once enough has come, and return what was read."""
    seen: Events = []
    async with asking as answer:
        assert answer.status_code == 200
        reading = asyncio.create_task(_read(answer, seen))

        async def has_come() -> bool:
            return is_enough(seen)

        await until(has_come)
        crew.kill(api)
        assert not await reading
    return seen


async def resumed(client: httpx.AsyncClient, path: str, after: int) -> Events:
    """Read a stream from after a number to its ``[DONE]``."""
    rest: Events = []
    async with client.stream("GET", path, headers={"Last-Event-ID": str(after)}) as answer:
        assert answer.status_code == 200
        assert await _read(answer, rest)
    return rest
