"""What somebody without credentials can make the service spend."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import httpx
import pytest
import uvicorn

from api import request_body
from api.client_address import address_block
from api.connections import make_http_protocol
from core import security
from core.config import Settings
from core.errors import RateLimited
from tests.api.conftest import Member

_OK = b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n"


async def _answer_nothing(scope: object, receive: object, send: object) -> None:
    await send({"type": "http.response.start", "status": 204, "headers": []})  # type: ignore[operator]
    await send({"type": "http.response.body", "body": b""})  # type: ignore[operator]


@asynccontextmanager
async def _serving(head_seconds: float, per_address: int) -> AsyncIterator[int]:
    protocol = make_http_protocol(head_seconds, per_address, lambda _: False)
    config = uvicorn.Config(_answer_nothing, port=0, http=protocol, lifespan="off", log_config=None)  # type: ignore[arg-type]
    running = uvicorn.Server(config)
    work = asyncio.create_task(running.serve())
    while not running.started:
        await asyncio.sleep(0.01)
    yield running.servers[0].sockets[0].getsockname()[1]
    running.should_exit = True
    await work


async def test_public_route_given_100_kb_body_answers_413(anonymous: httpx.AsyncClient) -> None:
    body = {"email": "a@example.com", "password": "x", "pad": "y" * 100_000}
    assert (await anonymous.post("/api/auth/login", json=body)).status_code == 413


async def test_signed_in_route_given_100_kb_body_reads_it(member: Member) -> None:
    answer = await member.program.post("/api/workflows", json={"name": "a", "pad": "y" * 100_000})
    assert answer.status_code == 400


async def test_read_json_given_deep_nesting_answers_400(member: Member) -> None:
    deep: object = "leaf"
    for _ in range(150):
        deep = [deep]
    body = json.dumps({"name": "a", "variables": {"deep": deep}})
    answer = await member.program.post(
        "/api/workflows", content=body, headers={"content-type": "application/json"}
    )
    assert answer.status_code == 400
    assert "nested" in answer.json()["error"]["message"]


async def test_hash_password_with_busy_default_executor_finishes() -> None:
    held = threading.Event()
    default = ThreadPoolExecutor(1)
    asyncio.get_running_loop().set_default_executor(default)
    blocking = asyncio.create_task(asyncio.to_thread(held.wait))
    try:
        assert await asyncio.wait_for(security.hash_password("correct horse"), 30)
    finally:
        held.set()
        await blocking


async def test_hashing_pool_with_full_queue_refuses() -> None:
    held = threading.Event()
    pool = security.HashingPool(threads=1, max_waiting=2)
    waiting = [asyncio.create_task(pool.run(held.wait)) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(RateLimited):
        await pool.run(held.is_set)
    held.set()
    await asyncio.gather(*waiting)
    assert await pool.run(held.is_set)


async def test_signup_flood_from_one_address_answers_429(
    anonymous: httpx.AsyncClient, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "signups_per_address", 3)
    statuses = []
    for _ in range(5):
        account = {"email": "flood@example.com", "password": "long enough", "name": "F"}
        statuses.append((await anonymous.post("/api/auth/signup", json=account)).status_code)
    assert 429 in statuses


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("2001:db8:1:2::1", "2001:db8:1:2:ffff::9", True),
        ("2001:db8:1:2::1", "2001:db8:1:3::1", False),
        ("203.0.113.7", "::ffff:203.0.113.7", True),
        ("203.0.113.7", "203.0.113.8", False),
    ],
)
def test_address_block_of_two_addresses_is_shared_within_64_bits(
    one: str, other: str, same: bool
) -> None:
    assert (address_block(one) == address_block(other)) is same


@pytest.mark.parametrize("sent", [b"", b"GET / HTTP/1.1\r\nHost: a\r\n", b"\r\n"])
async def test_connection_without_whole_head_is_closed(sent: bytes) -> None:
    async with _serving(head_seconds=0.3, per_address=100) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(sent)
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()


async def test_second_head_on_kept_connection_is_limited_too() -> None:
    async with _serving(head_seconds=0.3, per_address=100) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        assert b" 204 " in await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 30)
        writer.write(b"GET / HTTP/1.1\r\n")
        assert await asyncio.wait_for(reader.read(), 30) == b""
        writer.close()


async def test_connection_beyond_cap_of_address_is_closed() -> None:
    async with _serving(head_seconds=60, per_address=2) as port:
        kept = [await asyncio.open_connection("127.0.0.1", port) for _ in range(2)]
        while True:  # until the server has taken both
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            try:
                assert await asyncio.wait_for(reader.read(), 1) == b""
                break
            except (TimeoutError, ConnectionResetError):
                break
            finally:
                writer.close()
        for _, writer in kept:
            writer.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
        for reader, writer in kept:
            assert b" 204 " in await asyncio.wait_for(reader.readline(), 30)
            writer.close()


async def test_body_slower_than_minimum_rate_answers_408(
    api_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(request_body, "BODY_GRACE_SECONDS", 0.2)
    target = urlsplit(api_url)
    reader, writer = await asyncio.open_connection(target.hostname, target.port)
    writer.write(
        b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\ncontent-type: application/json\r\n"
        b"content-length: 40\r\n\r\n{"
    )
    answer = await asyncio.wait_for(reader.read(), 30)  # to the end: the connection is closed
    assert b" 408 " in answer.splitlines()[0]
    assert b"connection: close" in answer.lower()
    writer.close()
