"""The real application on a real uvicorn, spoken to over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from api.app import create_app
from core.config import Settings
from core.services import Services


@pytest.fixture
async def api_url(
    settings: Settings, services: Services, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[str]:
    """URL of the running API; its rows are those that ``services`` empties afterwards."""
    monkeypatch.setattr(settings, "default_plan", "enterprise")
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        config = uvicorn.Config(create_app(settings), log_config=None, lifespan="on")
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{port}"
        server.should_exit = True
        await serving


@pytest.fixture
async def anonymous(api_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with httpx.AsyncClient(base_url=api_url, timeout=30) as client:
        yield client
