"""Two gigabytes go in and out of an API process that hardly grows."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from core.config import Settings

ROOT = Path(__file__).resolve().parents[3]
MEBIBYTE = 1 << 20
SIZE = 2048 * MEBIBYTE
MOST_GROWTH = 100 * 10**6
PIECE = (b"The quick brown fox jumps over the lazy dog, over and over again.\n" * 16_000)[:MEBIBYTE]


class Meter:
    """The resident memory of a process, in bytes, looked at many times a second."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self.most = 0

    def now(self) -> int:
        pages = int(Path(f"/proc/{self._pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")

    async def watch(self) -> None:
        while True:
            self.most = max(self.most, self.now())
            await asyncio.sleep(0.02)

    async def at_rest(self) -> int:
        """Return the memory once it has not changed for two seconds."""
        held = -1
        while abs(self.now() - held) > MEBIBYTE:
            held = self.now()
            await asyncio.sleep(2)
        return held


@asynccontextmanager
async def _api(settings: Settings, data_dir: Path) -> AsyncIterator[tuple[str, int]]:
    """Run an API process; give its URL and its number."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    environment = os.environ | {
        "NUXA_DATABASE_URL": str(settings.database_url),
        "NUXA_REDIS_URL": str(settings.redis_url),
        "NUXA_DATA_DIR": str(data_dir),
        "NUXA_PORT": str(port),
        "NUXA_MAX_UPLOAD_BYTES": str(SIZE),
        "NUXA_DEFAULT_PLAN": "enterprise",
        "NUXA_LOG_LEVEL": "WARNING",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "api", "serve", cwd=ROOT, env=environment
    )
    try:
        url = f"http://127.0.0.1:{port}"
        async with httpx.AsyncClient(base_url=url, timeout=5) as client:
            while True:
                try:
                    if (await client.get("/api/health/ready")).status_code == 200:
                        break
                except httpx.TransportError:
                    assert process.returncode is None
                await asyncio.sleep(0.2)
        yield url, process.pid
    finally:
        process.send_signal(signal.SIGTERM)
        await process.wait()


async def _form() -> AsyncIterator[bytes]:
    yield b"--b\r\nContent-Disposition: form-data; name=file; filename=large.txt\r\n\r\n"
    for _ in range(SIZE // MEBIBYTE):
        yield PIECE
    yield b"\r\n--b--\r\n"


async def _downloaded(client: httpx.AsyncClient, path: str, start: int) -> int:
    """Read a file from a byte on and return how many bytes came, each the right one."""
    count = 0
    async with client.stream("GET", path, headers={"Range": f"bytes={start}-"}) as answer:
        assert answer.status_code == 206
        async for piece in answer.aiter_raw():
            at = (start + count) % MEBIBYTE
            assert piece[:64] == (PIECE + PIECE)[at : at + min(64, len(piece))]
            count += len(piece)
    return count


@pytest.mark.slow
async def test_a_large_upload_and_download_leave_the_memory_as_it_is(
    settings: Settings, tmp_path: Path
) -> None:
    async with (
        _api(settings, tmp_path / "var") as (url, pid),
        httpx.AsyncClient(base_url=url, timeout=600) as client,
    ):
        account = {"email": "large@example.com", "password": "correct horse", "name": "Large"}
        made = await client.post("/api/auth/signup", json=account)
        assert made.status_code == 201, made.text
        client.headers["Origin"] = url
        small = {"file": ("small.txt", PIECE)}
        assert (await client.post("/api/files/upload", files=small)).status_code == 201
        meter = Meter(pid)
        resting = await meter.at_rest()
        watching = asyncio.create_task(meter.watch())
        headers = {"Content-Type": "multipart/form-data; boundary=b"}
        stored = await client.post("/api/files/upload", content=_form(), headers=headers)
        assert stored.status_code == 201, stored.text
        assert stored.json()["size"] == SIZE
        path = f"/api/files/{stored.json()['id']}/download"
        start = 1024 * MEBIBYTE + 12_345
        assert await _downloaded(client, path, start) == SIZE - start
        assert (await client.delete(path.removesuffix("/download"))).status_code == 204
        watching.cancel()
        assert meter.most - resting < MOST_GROWTH, (resting, meter.most)
