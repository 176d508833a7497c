"""The real application on a real uvicorn, spoken to over a real socket."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import httpx
import pytest
import uvicorn
from argon2 import PasswordHasher
from pydantic import SecretStr

from api.app import Api, create_app
from api.server import connection_options
from api.sockets.server import Sockets
from core import security
from core.config import Settings
from core.ids import new_id
from core.services import Services
from ingest.parser import Parser
from ingest.process import Processor
from tests.api.conforms import conforms
from tests.mailbox import Mailbox, mailbox
from tests.pipelines.running import drive

# Made once: to read the world's certificates for each client took longer than most tests.
TLS = ssl.create_default_context()


@pytest.fixture(scope="session")
def api_settings(
    database_url: str, redis_url: str, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    """The settings of the one server that all tests of the API speak to."""
    return Settings(
        _env_file=None,  # type: ignore[call-arg]
        database_url=database_url,
        redis_url=redis_url,
        data_dir=tmp_path_factory.mktemp("api"),
        default_plan="enterprise",
        signups_per_address=-1,
    )


@pytest.fixture
def settings(api_settings: Settings) -> Settings:
    """The server's own settings: what a test changes in them counts."""
    return api_settings


@pytest.fixture(scope="session")
async def server(api_settings: Settings) -> AsyncIterator[str]:
    """URL of the running server."""
    # Real passwords take their time; those of tests need not.
    cheap = PasswordHasher(time_cost=1, memory_cost=64)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(security, "_hasher", cheap)
        patch.setattr(security, "_NOBODY", cheap.hash("nobody"))
        app = create_app(api_settings)
        app.sockets = Sockets(lambda: app.services, sweep_seconds=1)  # ten are usual
        async with serving(api_settings, app) as url:
            yield url


@asynccontextmanager
async def serving(settings: Settings, app: Api | None = None) -> AsyncIterator[str]:
    """Serve the application, and give its URL; two of them share no more than two processes do
    but this one's modules."""
    app = app or create_app(settings)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            app,
            log_config=None,
            lifespan="on",
            proxy_headers=False,
            timeout_graceful_shutdown=5,
            **connection_options(settings),
        )
        running = uvicorn.Server(config)
        work = asyncio.create_task(running.serve(sockets=[listener]))
        while not running.started:
            await asyncio.sleep(0.01)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        running.should_exit = True
        await work


@pytest.fixture
def api_url(server: str, services: Services) -> str:
    """URL of the API; its rows are those that ``services`` empties afterwards."""
    return server


def _client(api_url: str, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    """Return a client that holds every answer to the description."""
    hooks = {"response": [conforms]}
    return httpx.AsyncClient(
        base_url=api_url, timeout=30, headers=headers, event_hooks=hooks, verify=TLS
    )


@pytest.fixture
async def anonymous(api_url: str) -> AsyncIterator[httpx.AsyncClient]:
    """A client without credentials."""
    async with _client(api_url) as client:
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


async def sign_up_at(api_url: str, clients: AsyncExitStack) -> Member:
    """Sign one more person up; her clients are closed with ``clients``."""
    browser = await clients.enter_async_context(_client(api_url))
    email, password = f"{new_id('user')}@example.com", "correct horse battery"
    account = {"email": email, "password": password, "name": "Mia Member"}
    made = (await browser.post("/api/auth/signup", json=account)).json()
    key = {"name": "program", "scopes": ["read", "write"]}
    answer = await browser.post("/api/auth/api-keys", json=key)
    program = await clients.enter_async_context(
        _client(api_url, {"x-api-key": answer.json()["key"]})
    )
    return Member(browser, program, made["user"]["id"], made["workspaceId"], email, password)


@pytest.fixture
async def sign_up(api_url: str) -> AsyncIterator[SignUp]:
    """Signs up one more person: ``await sign_up()``; two of them are two tenants."""
    async with AsyncExitStack() as clients:
        yield lambda: sign_up_at(api_url, clients)


@pytest.fixture
async def member(sign_up: SignUp) -> Member:
    return await sign_up()


@pytest.fixture
async def stranger(sign_up: SignUp) -> Member:
    """A member of another workspace."""
    return await sign_up()


@pytest.fixture
async def box(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Mailbox]:
    """The mail server of the settings."""
    async with mailbox() as running:
        url = SecretStr(f"smtp://127.0.0.1:{running.port}")
        monkeypatch.setattr(settings, "smtp_url", url)
        yield running


@pytest.fixture(scope="session")
async def parser(api_settings: Settings) -> AsyncIterator[Parser]:
    """A parser whose child, which takes seconds to start, serves all tests."""
    parser = Parser(languages=api_settings.ocr_languages)
    yield parser
    await parser.close()


@pytest.fixture
def work(services: Services, parser: Parser) -> Callable[[], Awaitable[int]]:
    """Processes all waiting documents: ``await work()``."""
    return Processor(services, parser).drain


@pytest.fixture
async def worker(services: Services) -> AsyncIterator[None]:
    """Execute runs that wait for a worker, as one beside the API would."""

    async def execute_waiting() -> None:
        while True:
            await drive(services)
            await asyncio.sleep(0.02)

    task = asyncio.create_task(execute_waiting())
    yield
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
