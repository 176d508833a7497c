"""Debian's own PostgreSQL, Redis and RabbitMQ, started on scratch data and free ports."""

from __future__ import annotations

import asyncio
import os
import secrets
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import asyncpg
import redis

from core.embedded.account import choose_account, make_home
from core.embedded.process import end_children, spawn, wait_ready
from tests.walks.system import free_port

_POSTGRES = Path("/usr/lib/postgresql/17/bin")
_RABBITMQ = Path("/usr/lib/rabbitmq/bin/rabbitmq-server")


@contextmanager
def postgres(root: Path) -> Iterator[str]:
    """Give the URL of a PostgreSQL 17 whose role is no superuser; pgvector is made for it."""
    account = choose_account(root / "postgres")
    home = make_home(root / "postgres", account)
    data, log, port = home / "data", root / "postgres.log", free_port()
    run_as = {"user": account.uid, "group": account.gid, "extra_groups": []} if account else {}
    options = ["-D", str(data), "-U", "admin", "--auth=trust", "--encoding=UTF8", "--no-sync"]
    subprocess.run(
        [str(_POSTGRES / "initdb"), *options], check=True, cwd="/", capture_output=True, **run_as
    )
    command = [
        _POSTGRES / "postgres",
        "-D",
        data,
        "-p",
        str(port),
        "-c",
        "unix_socket_directories=",
    ]
    server = spawn(command, log, death_signal=signal.SIGINT, account=account)
    try:
        wait_ready(server, lambda: _listens(port), log)
        yield asyncio.run(_make_database(port))
    finally:
        end_children([server], signal.SIGINT, 30)


async def _make_database(port: int) -> str:
    password = secrets.token_hex(8)
    admin = f"postgresql://admin@127.0.0.1:{port}"
    connection = await _connected(f"{admin}/postgres")
    await connection.execute(f"CREATE ROLE nuxa LOGIN CREATEROLE PASSWORD '{password}'")
    await connection.execute("CREATE DATABASE nuxa OWNER nuxa")
    await connection.close()
    # pgvector is no trusted extension: an operator makes it once, as the README says.
    connection = await _connected(f"{admin}/nuxa")
    await connection.execute("CREATE EXTENSION vector")
    await connection.close()
    return f"postgresql://nuxa:{password}@127.0.0.1:{port}/nuxa"


async def _connected(url: str) -> asyncpg.Connection:
    while True:
        try:
            return await asyncpg.connect(url)
        except asyncpg.CannotConnectNowError:
            await asyncio.sleep(0.1)


@contextmanager
def redis_server(root: Path) -> Iterator[str]:
    """Give the URL of a Redis."""
    home, port = root / "redis", free_port()
    home.mkdir()
    options = ["--port", str(port), "--bind", "127.0.0.1", "--dir", str(home), "--requirepass", "x"]
    log = root / "redis.log"
    server = spawn(["/usr/bin/redis-server", *options], log, death_signal=signal.SIGTERM)
    try:
        wait_ready(server, lambda: _listens(port), log)
        url = f"redis://:x@127.0.0.1:{port}/0"
        assert redis.Redis.from_url(url).ping()
        yield url
    finally:
        end_children([server], signal.SIGTERM, 10)


@contextmanager
def rabbitmq(root: Path) -> Iterator[str]:
    """Give the URL of a RabbitMQ."""
    home, port, epmd = root / "rabbitmq", free_port(), free_port()
    home.mkdir()
    (home / "plugins").write_text("[].\n")
    settings = {
        "HOME": home,
        "ERL_EPMD_ADDRESS": "127.0.0.1",
        "ERL_EPMD_PORT": epmd,
        "RABBITMQ_NODENAME": f"nuxa{port}@localhost",
        "RABBITMQ_NODE_IP_ADDRESS": "127.0.0.1",
        "RABBITMQ_NODE_PORT": port,
        "RABBITMQ_DIST_PORT": free_port(),
        "RABBITMQ_MNESIA_BASE": home / "mnesia",
        "RABBITMQ_LOG_BASE": home / "log",
        "RABBITMQ_ENABLED_PLUGINS_FILE": home / "plugins",
        "RABBITMQ_CONFIG_FILES": home / "none",
    }
    words = [f"{name}={value}" for name, value in settings.items()]
    log = root / "rabbitmq.log"
    server = spawn(["/usr/bin/env", *words, _RABBITMQ], log, death_signal=signal.SIGTERM)
    try:
        wait_ready(server, lambda: _listens(port), log, seconds=180)
        yield f"amqp://guest:guest@127.0.0.1:{port}//"
    finally:
        end_children([server], signal.SIGTERM, 60)
        epmd_program = shutil.which("epmd")
        if epmd_program:
            subprocess.run([epmd_program, "-port", str(epmd), "-kill"], check=False)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def environment(database: str, redis_url: str, broker: str, data: Path) -> dict[str, str]:
    """Return the settings that point a process at the servers."""
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("NUXA_")},
        "NUXA_DATABASE_URL": database,
        "NUXA_REDIS_URL": redis_url,
        "NUXA_BROKER_URL": broker,
        "NUXA_DATA_DIR": str(data),
        "NUXA_DEFAULT_PLAN": "enterprise",
    }
