"""Requests by bare sockets: a client that costs a small part of what it measures."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable, Iterator, Mapping, Sequence
from time import perf_counter
from typing import Final
from urllib.parse import urlsplit

_LENGTH: Final = b"content-length:"


class Refused(RuntimeError):
    """An answer that tells of no success; the first of it is in the message."""


async def hammer(
    url: str, headers: Mapping[str, str], count: int, concurrency: int
) -> tuple[list[float], float]:
    """GET a URL ``count`` times over ``concurrency`` kept connections (HTTP/1.1).

    Return each call's seconds, and calls a second. Raises :class:`Refused`.
    """
    request = _head("GET", url, headers)
    return await _drive(url, iter([request] * count), concurrency)


async def post_all(
    url: str,
    headers: Mapping[str, str],
    bodies: Sequence[bytes],
    concurrency: int,
    look: Callable[[bytes], None] | None = None,
) -> tuple[list[float], float]:
    """POST each of some JSON bodies to a URL, and have ``look`` see each answer's; else as
    :func:`hammer`."""
    requests = (_post(url, headers, body) for body in bodies)
    return await _drive(url, requests, concurrency, look)


def _post(url: str, headers: Mapping[str, str], body: bytes) -> bytes:
    own = {"Content-Type": "application/json", "Content-Length": str(len(body))}
    return _head("POST", url, {**headers, **own}) + body


def _head(method: str, url: str, headers: Mapping[str, str]) -> bytes:
    parts = urlsplit(url)
    lines = [f"{method} {parts.path or '/'} HTTP/1.1", f"Host: {parts.netloc}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


async def _drive(
    url: str,
    requests: Iterator[bytes],
    concurrency: int,
    look: Callable[[bytes], None] | None = None,
) -> tuple[list[float], float]:
    parts = urlsplit(url)
    times: list[float] = []

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        for request in requests:
            started = perf_counter()
            writer.write(request)
            body = await _answer(reader)
            times.append(perf_counter() - started)
            if look is not None:
                look(body)
        writer.close()
        await writer.wait_closed()

    started = perf_counter()
    await asyncio.gather(*(caller() for _ in range(concurrency)))
    return times, len(times) / (perf_counter() - started)


async def told(url: str, headers: Mapping[str, str], body: object) -> AsyncGenerator[str, None]:
    """POST a body as JSON over a connection of its own; yield the data of each event of the stream
    that answers (server-sent events, a whole one a chunk), up to ``[DONE]``. Raises
    :class:`Refused`.
    """
    parts = urlsplit(url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        closing = {**headers, "Connection": "close"}
        writer.write(_post(url, closing, json.dumps(body).encode()))
        head = await reader.readuntil(b"\r\n\r\n")
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            raise Refused((head + await reader.read(500)).decode(errors="replace"))
        async for line in reader:
            data = line.removeprefix(b"data: ")
            if data.strip() == b"[DONE]":
                return
            if data != line:
                yield data.decode()
    finally:
        writer.close()


async def first_word(
    url: str, headers: Mapping[str, str], body: object, is_word: Callable[[str], bool]
) -> float:
    """POST a body as :func:`told` does; return the seconds until the first event that ``is_word``,
    having read the answer to its end. Raises :class:`Refused`, also where no event is.
    """
    started, first = perf_counter(), None
    async for data in told(url, headers, body):
        if first is None and is_word(data):
            first = perf_counter() - started
    if first is None:
        raise Refused("the answer ended without a word")
    return first


async def _answer(reader: asyncio.StreamReader) -> bytes:
    head = await reader.readuntil(b"\r\n\r\n")
    lengths = [
        int(line[len(_LENGTH) :])
        for line in head.split(b"\r\n")
        if line[: len(_LENGTH)].lower() == _LENGTH
    ]
    body = await reader.readexactly(lengths[0])
    if not head.split(b" ", 2)[1].startswith(b"2"):
        raise Refused((head + body)[:500].decode(errors="replace"))
    return body
