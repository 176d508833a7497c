"""The real application on a real uvicorn, spoken to over a real socket."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import httpx
import pytest
import uvicorn

from api.app import create_app
from core.config import Settings
from core.ids import new_id
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


@dataclass(frozen=True)
class Member:
    """A signed-up person: a browser with the session's cookie, and a program with an API key."""

    browser: httpx.AsyncClient
    program: httpx.AsyncClient
    user_id: str
    workspace_id: str
    email: str
    password: str


SignUp = Callable[[], Awaitable[Member]]


@pytest.fixture
async def sign_up(api_url: str) -> AsyncIterator[SignUp]:
    """Signs up one more person: ``await sign_up()``; two of them are two tenants."""
    async with AsyncExitStack() as clients:

        async def make() -> Member:
            browser = httpx.AsyncClient(base_url=api_url, timeout=30)
            await clients.enter_async_context(browser)
            email, password = f"{new_id('user')}@example.com", "correct horse battery"
            account = {"email": email, "password": password, "name": "Mia Member"}
            made = (await browser.post("/api/auth/signup", json=account)).json()
            answer = await browser.post("/api/auth/api-keys", json={"name": "program"})
            key = {"x-api-key": answer.json()["key"]}
            program = httpx.AsyncClient(base_url=api_url, headers=key, timeout=30)
            await clients.enter_async_context(program)
            return Member(
                browser, program, made["user"]["id"], made["workspaceId"], email, password
            )

        yield make


@pytest.fixture
async def member(sign_up: SignUp) -> Member:
    return await sign_up()


@pytest.fixture
async def stranger(sign_up: SignUp) -> Member:
    """A member of another workspace."""
    return await sign_up()
