"""The guards and fixtures of the test run itself."""

from __future__ import annotations

import asyncio
import socket

import pytest
from sqlalchemy import text

from core.services import Services
from tests.conftest import Owner


@pytest.mark.parametrize("host", ["192.0.2.1", "example.com", "2001:db8::1"])
async def test_network_is_shut(host: str) -> None:
    with pytest.raises(RuntimeError, match="do not reach"):
        await asyncio.open_connection(host, 80)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family) as direct, pytest.raises(RuntimeError, match="do not reach"):
        direct.connect((host, 80))


async def test_loopback_is_open() -> None:
    server = await asyncio.start_server(lambda _reader, writer: writer.close(), "127.0.0.1", 0)
    async with server:
        port = server.sockets[0].getsockname()[1]
        reader, writer = await asyncio.open_connection("localhost", port)
        assert await reader.read() == b""
        writer.close()


async def test_each_test_starts_empty_1(owner: Owner, services: Services) -> None:
    async with services.store.system() as unit:
        assert await unit.workspaces.role_of(owner.user_id, owner.workspace_id) == "owner"
    await check_alone(services)


async def test_each_test_starts_empty_2(owner: Owner, services: Services) -> None:
    await check_alone(services)


async def check_alone(services: Services) -> None:
    async with services.store.engine.connect() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM users")) == 1
    assert await services.redis.incr("visits") == 1
