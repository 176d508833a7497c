"""Clients that make a service spend as much as they can, in a process of their own.

`python -m evals.bench.attackers` reads an attack as JSON from its input and runs it until it is
ended; then it prints how many answers it got, by status or error code.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import count
from typing import Any, Final
from urllib.parse import urlsplit

import httpx

ANONYMOUS: Final = 20  # clients
_CALLERS: Final = 6  # of the tenant
_CONNECTIONS: Final = 50  # that one client keeps open
_BODY: Final = b'{"email": "' + b"x" * 10_000_000 + b'"}'
_PUBLIC: Final = ("/api/auth/login", "/api/auth/signup", "/api/auth/reset-password")
_BYTE_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 30.0
_LOWEST_PRIORITY: Final = 19


@asynccontextmanager
async def attacking(attack: dict[str, Any]) -> AsyncIterator[Counter[str]]:
    """Run an attack meanwhile; afterwards the counter holds its answers."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "evals.bench.attackers",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdin is not None
    process.stdin.write(json.dumps(attack).encode() + b"\n")
    await process.stdin.drain()
    answers: Counter[str] = Counter()
    try:
        yield answers
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGTERM)
        printed, _ = await process.communicate()
        answers.update(json.loads(printed))


async def _run(attack: dict[str, Any]) -> None:
    answers: Counter[str] = Counter()
    if attack["kind"] == "tenant":
        work = [
            _run_costly(attack["url"], attack["key"], attack["paths"], number, answers)
            for number in range(_CALLERS)
        ]
    else:
        kinds = (_send_large_bodies, _sign_in, _send_half_heads, _upload_slowly)
        work = [kinds[n % len(kinds)](attack["url"], n, answers) for n in range(ANONYMOUS)]
    tasks = [asyncio.ensure_future(each) for each in work]
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    await ended.wait()
    failed = [task.exception() for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    if failed:
        raise RuntimeError("an attacker ended before its time") from failed[0]
    sys.stdout.write(json.dumps(answers))


async def _run_costly(
    url: str, key: str, paths: list[str], number: int, answers: Counter[str]
) -> None:
    """Run the costly workflows by turns."""
    async with httpx.AsyncClient(base_url=url, timeout=600, headers={"x-api-key": key}) as client:
        for turn in count(number):
            answer = await client.post(f"{paths[turn % len(paths)]}/execute", json={"input": {}})
            body = answer.json()
            error = body.get("error") or {}
            answers[error.get("limit") or error.get("code") or body.get("status", "?")] += 1
            if answer.status_code == 429:
                await asyncio.sleep(1)


async def _send_large_bodies(url: str, number: int, answers: Counter[str]) -> None:
    for turn in count():
        path = _PUBLIC[turn % len(_PUBLIC)]
        head = f"POST {path} HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        sized = f"{head}Content-Length: {len(_BODY)}\r\n\r\n".encode()
        answers[await _exchange(url, number, sized + _BODY)] += 1


async def _sign_in(url: str, number: int, answers: Counter[str]) -> None:
    transport = httpx.AsyncHTTPTransport(local_address=_address(number))
    async with httpx.AsyncClient(base_url=url, timeout=120, transport=transport) as client:
        for turn in count():
            account = {
                "email": f"flood-{number}-{turn}@example.com",
                "password": "a long bench password",
            }
            path = "/api/auth/signup" if turn % 2 else "/api/auth/login"
            body = {**account, "name": "Flood"} if turn % 2 else account
            answers[str((await client.post(path, json=body)).status_code)] += 1
            client.cookies.clear()


async def _send_half_heads(url: str, number: int, answers: Counter[str]) -> None:
    head = b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nX-Slow: "
    await _keep_open(url, number, head, answers)


async def _upload_slowly(url: str, number: int, answers: Counter[str]) -> None:
    head = (
        b"POST /api/auth/login HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
        b"Content-Length: 60000\r\n\r\n"
    )
    await _keep_open(url, number, head, answers)


async def _keep_open(url: str, number: int, head: bytes, answers: Counter[str]) -> None:
    """Keep connections that send a byte now and then; open a new one for each that is closed."""

    async def keep() -> None:
        while True:
            answers[await _exchange(url, number, head, drips=True)] += 1

    await asyncio.gather(*(keep() for _ in range(_CONNECTIONS)))


async def _exchange(url: str, number: int, request: bytes, *, drips: bool = False) -> str:
    """Send a request from an address of the client's own; return the status, or `closed`."""
    parts = urlsplit(url)
    try:
        reader, writer = await asyncio.open_connection(
            parts.hostname, parts.port, local_addr=(_address(number), 0)
        )
    except OSError:
        await asyncio.sleep(1)
        return "refused"
    sending = asyncio.create_task(_send(writer, request, drips))
    try:
        async with asyncio.timeout(_PATIENCE_SECONDS):  # wait_for can lose a cancellation
            line = await reader.readline()
        return line.split(b" ")[1].decode() if line else "closed"
    except TimeoutError:
        return "kept open"
    except OSError:
        return "closed"
    finally:
        sending.cancel()
        await asyncio.gather(sending, return_exceptions=True)
        writer.transport.abort()


async def _send(writer: asyncio.StreamWriter, request: bytes, drips: bool) -> None:
    with contextlib.suppress(OSError):
        writer.write(request)
        await writer.drain()
        while drips:
            await asyncio.sleep(_BYTE_SECONDS)
            writer.write(b"x")
            await writer.drain()


def _address(number: int) -> str:
    """Return a loopback address of the client's own, so that no limit of an address hides it."""
    return f"127.0.1.{number + 1}" if sys.platform == "linux" else "127.0.0.1"


if __name__ == "__main__":
    os.nice(_LOWEST_PRIORITY)  # elsewhere they would take no processor from the service
    asyncio.run(_run(json.loads(sys.stdin.readline())))
