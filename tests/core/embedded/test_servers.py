"""The embedded servers are real, survive kills, and never need a person to clear a lock."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from core.embedded.postgres import EmbeddedPostgres
from core.embedded.process import EmbeddedServerFailed, is_running
from core.embedded.servers import EmbeddedServers
from core.embedded.valkey import EmbeddedValkey

ROOT = Path(__file__).resolve().parents[3]
HOLD = """
import sys, time
from pathlib import Path
from core.embedded.servers import EmbeddedServers
servers = EmbeddedServers(Path(sys.argv[1]))
servers.start()
print(servers.database_url, servers.redis_url, flush=True)
time.sleep(600)
"""


@pytest.fixture
def home() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="nuxa-test-") as directory:
        Path(directory).chmod(0o711)
        yield Path(directory)


async def fetch(url: str, statement: str) -> object:
    connection = await asyncpg.connect(url)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


def wait_gone(pid: int, marker: str) -> None:
    deadline = time.monotonic() + 30
    while is_running(pid, marker):
        assert time.monotonic() < deadline, f"process {pid} outlives its parent"
        time.sleep(0.05)


def postmaster(home: Path) -> int:
    return int((home / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


async def test_postgres_has_what_the_service_needs(servers: EmbeddedServers) -> None:
    available = "SELECT count(*) FROM pg_available_extensions WHERE name = ANY('{vector,pg_trgm}')"
    assert await fetch(servers.database_url, available) == 2
    with pytest.raises(asyncpg.InvalidPasswordError):
        await asyncpg.connect(servers.database_url.replace(":", ":x", 2).replace("x//", "//"))
    assert await fetch(servers.database_url, "SHOW listen_addresses") == "127.0.0.1"


def test_valkey_wants_its_password(servers: EmbeddedServers) -> None:
    assert servers.valkey is not None
    with pytest.raises(redis.AuthenticationError):
        redis.Redis(port=servers.valkey.port, retry=Retry(NoBackoff(), 0)).ping()
    assert redis.Redis.from_url(servers.redis_url).ping()


async def test_restart_finds_all_data(home: Path) -> None:
    with EmbeddedServers(home) as first:
        await fetch(first.database_url, "CREATE TABLE kept AS SELECT 7 AS n")
        redis.Redis.from_url(first.redis_url).set("kept", "8")
        urls = (first.database_url, first.redis_url)
    with EmbeddedServers(home) as second:
        assert await fetch(second.database_url, "SELECT n FROM kept") == 7
        assert redis.Redis.from_url(second.redis_url).get("kept") == b"8"
        assert (second.database_url, second.redis_url) == urls


async def test_killed_parent_takes_the_servers_along_and_blocks_nothing(home: Path) -> None:
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert holder.stdout is not None
    database_url, _ = holder.stdout.readline().split()
    await fetch(database_url, "CREATE TABLE kept AS SELECT 7 AS n")
    valkey = int((home / "valkey" / "server.pid").read_text())
    with pytest.raises(EmbeddedServerFailed, match=f"Process {holder.pid} already uses"):
        EmbeddedServers(home).start()
    database = postmaster(home)
    holder.kill()
    holder.wait()
    holder.stdout.close()
    if sys.platform == "linux":
        wait_gone(database, str(home))
        wait_gone(valkey, str(home))
    with EmbeddedServers(home) as again:
        assert await fetch(again.database_url, "SELECT n FROM kept") == 7


async def test_killed_server_starts_again_without_help(home: Path) -> None:
    servers = EmbeddedServers(home)
    servers.start()
    await fetch(servers.database_url, "CREATE TABLE kept AS SELECT 7 AS n")
    os.kill(postmaster(home), signal.SIGKILL)
    assert servers.postgres is not None and servers.valkey is not None
    os.kill(int((home / "valkey" / "server.pid").read_text()), signal.SIGKILL)
    servers.stop()
    # The number of the dead server now belongs to a process that is alive: this one.
    lock = home / "postgres" / "data" / "postmaster.pid"
    lines = lock.read_text().splitlines(keepends=True)
    lock.write_text("".join([f"{os.getpid()}\n", *lines[1:]]))
    with EmbeddedServers(home) as again:
        assert await fetch(again.database_url, "SELECT n FROM kept") == 7


async def test_leftover_servers_are_ended_first(home: Path) -> None:
    forgotten = (EmbeddedPostgres(home / "postgres"), EmbeddedValkey(home / "valkey", 1 << 28))
    for server in forgotten:
        server.start()
    with EmbeddedServers(home) as again:
        assert await fetch(again.database_url, "SELECT 1") == 1
        assert redis.Redis.from_url(again.redis_url).ping()
        assert not any(server.is_alive for server in forgotten)


def test_an_interrupted_first_start_leaves_nothing_that_counts(home: Path) -> None:
    (home / "postgres" / "data.new").mkdir(parents=True)
    (home / "postgres" / "data.new" / "PG_VERSION").write_text("18\n")
    with EmbeddedServers(home, valkey=False) as servers:
        assert servers.postgres is not None and servers.postgres.is_alive


def test_a_broken_cluster_is_reported_with_its_log(home: Path) -> None:
    with EmbeddedServers(home, valkey=False):
        pass
    (home / "postgres" / "data" / "PG_VERSION").write_text("11\n")
    with pytest.raises(EmbeddedServerFailed, match="incompatible with server"):
        EmbeddedServers(home, valkey=False).start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as somebody else")
async def test_root_below_a_private_home(home: Path) -> None:
    home.chmod(0o700)
    with EmbeddedServers(home / "var", valkey=False) as servers:
        assert await fetch(servers.database_url, "SELECT 1") == 1
        real = (home / "var" / "postgres").resolve()
    assert real.is_relative_to("/var/lib/nuxa-flow")
    subprocess.run(["rm", "-r", str(real)], check=True)
