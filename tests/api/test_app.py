"""What every answer has, whoever asks for whatever."""

from __future__ import annotations

import asyncio
import re
import threading
from urllib.parse import urlsplit

import httpx
import pytest

from core import free_memory
from core.config import Settings
from tests.api.conftest import Member, serving


async def test_liveness_is_public_and_uncounted(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/api/health/live")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})
    assert answer.headers["X-RateLimit-Limit"] == "-1"


async def test_an_unknown_path_is_a_404_in_our_words(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.get("/api/nothing", headers={"X-Request-Id": "mine-1"})
    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "NOT_FOUND"
    assert answer.headers["X-Request-Id"] == "mine-1"
    assert answer.headers["X-RateLimit-Remaining"] == "599"


async def test_a_wrong_method_is_a_405_with_the_right_ones(anonymous: httpx.AsyncClient) -> None:
    answer = await anonymous.delete("/api/health/live")
    assert answer.status_code == 405
    assert answer.json()["error"]["code"] == "METHOD_NOT_ALLOWED"
    assert "GET" in answer.headers["Allow"]


async def test_a_serving_process_gives_its_free_memory_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_back = threading.Event()
    monkeypatch.setattr(free_memory, "_SECONDS", 0.01)
    monkeypatch.setattr(free_memory, "give_back", given_back.set)
    async with serving(settings) as url, httpx.AsyncClient(base_url=url) as client:
        while not given_back.is_set():
            (await client.get("/api/health/live")).raise_for_status()


async def test_refusal_of_small_body_that_is_late_keeps_connection(member: Member) -> None:
    url = urlsplit(str(member.program.base_url))
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    head = f"POST /api/workflows HTTP/1.1\r\nHost: {url.netloc}\r\nX-Api-Key: wrong\r\n"
    for _ in range(2):
        writer.write(f"{head}Content-Length: 2\r\n\r\n".encode())
        await writer.drain()
        await asyncio.sleep(0.05)  # the refusal needs none of the body
        writer.write(b"{}")
        answer = (await reader.readuntil(b"\r\n\r\n")).lower()
        assert b" 401 " in answer.splitlines()[0]
        assert b"connection: close" not in answer
        (length,) = re.findall(rb"content-length: (\d+)", answer)
        await reader.readexactly(int(length))
    writer.close()
