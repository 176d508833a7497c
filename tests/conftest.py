"""What tests share: real servers, a data directory each, and a network that is shut."""

from __future__ import annotations

import os
import socket
import tempfile
from collections.abc import Iterator
from ipaddress import ip_address
from pathlib import Path

import pytest

from core.config import Settings, get_settings
from core.embedded.servers import EmbeddedServers

ROOT = Path(__file__).resolve().parent.parent
SHARED_DATA = Path(os.environ.get("NUXA_SHARED_DATA", ROOT.parent / "shared" / "data"))


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


@pytest.fixture
def settings(postgres_url: str, redis_url: str, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The process's settings (``get_settings()``), pointing at the session's real servers."""
    monkeypatch.setenv("NUXA_DATABASE_URL", postgres_url)
    monkeypatch.setenv("NUXA_REDIS_URL", redis_url)
    get_settings.cache_clear()
    return get_settings()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The development data beside the checkout; the test skips, saying so, where there is none."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no development data at {SHARED_DATA} (set NUXA_SHARED_DATA to its directory)")
    return SHARED_DATA
