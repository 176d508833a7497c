"""What tests share: real servers, a data directory each, and a network that is shut."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import socket
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest

from core.config import Settings, get_settings
from core.embedded.servers import EmbeddedServers
from core.ids import new_id
from core.migrations import migrate
from core.services import Services, open_services
from core.store.base import Base
from core.store.unit import OpenUnit, Store, async_url
from core.store.users import User
from core.store.workspaces import Member, Workspace

# A machine that is busy must fail no test: none of generated examples has a limit of time.
hypothesis.settings.register_profile(
    "nuxa", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("nuxa")

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("NUXA_SHARED_DATA", ROOT.parent / "shared" / "data"))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The walks first: one that begins as the last of all leaves the other processors idle."""
    items.sort(key=lambda item: not item.path.is_relative_to(ROOT / "tests" / "walks"))


class NetworkIsShut(RuntimeError):
    """A test tried to leave this machine; put a fake at the door instead."""


def _stay_home(host: object) -> None:
    if host in (None, "", "localhost", b"localhost"):
        return
    text = host.decode() if isinstance(host, bytes) else str(host)
    try:
        is_local = ip_address(text.partition("%")[0]).is_loopback
    except ValueError:
        is_local = False
    if not is_local:
        raise NetworkIsShut(f"Tests do not reach {text}: put a fake at the door instead.")


@pytest.fixture(scope="session", autouse=True)
def shut_network() -> Iterator[None]:
    """Let sockets of this process reach loopback and Unix addresses only, and look up no name."""
    patch = pytest.MonkeyPatch()
    look_up = socket.getaddrinfo

    def guarded_look_up(host, *rest, **options):  # type: ignore[no-untyped-def]
        _stay_home(host)
        return look_up(host, *rest, **options)

    for name in ("connect", "connect_ex"):
        original = getattr(socket.socket, name)

        def guarded(self, address, original=original):  # type: ignore[no-untyped-def]
            if self.family in (socket.AF_INET, socket.AF_INET6):
                _stay_home(address[0])
            return original(self, address)

        patch.setattr(socket.socket, name, guarded)
    patch.setattr(socket, "getaddrinfo", guarded_look_up)
    yield
    patch.undo()


@pytest.fixture(scope="session")
def servers() -> Iterator[EmbeddedServers]:
    """Embedded PostgreSQL and Valkey for the whole session, on fresh data."""
    with tempfile.TemporaryDirectory(prefix="nuxa-test-") as directory:
        Path(directory).chmod(0o711)  # as root, PostgreSQL's own user walks through here
        with EmbeddedServers(Path(directory)) as running:
            yield running


@pytest.fixture(scope="session")
def postgres_url(request: pytest.FixtureRequest) -> str:
    """URL of a real PostgreSQL: NUXA_TEST_DATABASE_URL, else the embedded one."""
    given = os.environ.get("NUXA_TEST_DATABASE_URL")
    if given:
        return given
    running: EmbeddedServers = request.getfixturevalue("servers")
    return running.database_url


@pytest.fixture(scope="session")
def redis_url(request: pytest.FixtureRequest) -> str:
    """URL of a real Redis or Valkey: NUXA_TEST_REDIS_URL, else the embedded one."""
    given = os.environ.get("NUXA_TEST_REDIS_URL")
    if given:
        return given
    running: EmbeddedServers = request.getfixturevalue("servers")
    return running.redis_url


@pytest.fixture(autouse=True)
def data_dir(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A data directory of the test's own; no setting leaks in from the user's ``.env``."""
    monkeypatch.setitem(Settings.model_config, "env_file", None)
    monkeypatch.setenv("NUXA_DATA_DIR", str(tmp_path / "var"))
    get_settings.cache_clear()
    yield tmp_path / "var"
    get_settings.cache_clear()


@pytest.fixture(scope="session")
async def database_url(postgres_url: str) -> AsyncIterator[str]:
    """URL of a scratch database of this session at the newest revision; gone afterwards."""
    name = f"nuxa_test_{secrets.token_hex(6)}"
    server = await asyncpg.connect(postgres_url)
    await server.execute(f"CREATE DATABASE {name}")
    url = urlunsplit(urlsplit(postgres_url)._replace(path=f"/{name}"))
    await asyncio.to_thread(migrate, async_url(url))
    yield url
    await server.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await server.close()


@pytest.fixture
def settings(database_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The process's settings (``get_settings()``), pointing at the session's real servers."""
    monkeypatch.setenv("NUXA_DATABASE_URL", database_url)
    monkeypatch.setenv("NUXA_REDIS_URL", redis_url)
    get_settings.cache_clear()
    return get_settings()


@asynccontextmanager
async def emptied_services(settings: Settings) -> AsyncIterator[Services]:
    """Open every door of a process; all rows, keys and stored bytes are gone afterwards.

    The tables are emptied, not rolled back, so that code under test may open units side by side.
    """
    async with open_services(settings) as opened:
        yield opened
        tables = reversed(Base.metadata.sorted_tables)
        emptying = " ".join(f'DELETE FROM "{table.name}";' for table in tables)
        async with opened.store.engine.begin() as connection:
            await connection.exec_driver_sql(f"DO $$ BEGIN {emptying} END $$")
        await opened.redis.flushdb()
    shutil.rmtree(settings.data_dir / "blobs", ignore_errors=True)


@pytest.fixture
async def services(settings: Settings) -> AsyncIterator[Services]:
    """Every door of a process, on real servers, for one test."""
    async with emptied_services(settings) as opened:
        yield opened


@pytest.fixture
def store(services: Services) -> Store:
    return services.store


@pytest.fixture
def open_unit(store: Store) -> OpenUnit:
    """What slow engines are given: opens one transaction in a workspace at a time."""
    return store.unit


@pytest.fixture
def waiting_in_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a long wait be a block that runs for long, for tests of what else goes on meanwhile."""
    monkeypatch.setattr("pipelines.blocks.wait.IN_PLACE_SECONDS", 100)


@dataclass(frozen=True)
class Owner:
    """A user and the workspace that is hers."""

    user_id: str
    workspace_id: str


@pytest.fixture
def make_owner(store: Store) -> Callable[[], Awaitable[Owner]]:
    """Makes users with a workspace each: ``await make_owner()``; two of them are two tenants."""

    async def make() -> Owner:
        owner = Owner(new_id("usr"), new_id("ws"))
        user = User(id=owner.user_id, email=f"{owner.user_id}@example.com", name="Olga Owner")
        user.default_workspace_id = owner.workspace_id
        workspace = Workspace(
            id=owner.workspace_id, name="Office", plan="enterprise", owner_id=user.id
        )
        async with store.system() as unit:
            unit.users.add(user)
            await unit.flush()
            unit.workspaces.add(workspace)
            await unit.flush()
            unit.workspaces.add_member(
                Member(workspace_id=workspace.id, user_id=user.id, role="owner")
            )
        return owner

    return make


@pytest.fixture
async def owner(make_owner: Callable[[], Awaitable[Owner]]) -> Owner:
    """One user with a workspace."""
    return await make_owner()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The development data beside the checkout; the test skips, saying so, where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no development data at {SHARED_DATA} (set NUXA_SHARED_DATA to its directory)")
    return SHARED_DATA
