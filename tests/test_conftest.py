"""The guards of the test run itself."""

from __future__ import annotations

import asyncio
import socket

import pytest


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
