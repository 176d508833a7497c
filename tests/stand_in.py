"""A local HTTP server that stands in for another service and remembers what it was asked."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request as it came over the wire; header names are lower-case."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def query(self) -> dict[str, list[str]]:
        return parse_qs(urlsplit(self.target).query)

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Says:
    """What the server answers; ``raw`` replaces it all, byte for byte."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    raw: bytes | None = None
    hangs: bool = False

    @classmethod
    def json(cls, value: Any, status: int = 200, **headers: str) -> Says:
        names = {name.replace("_", "-"): text for name, text in headers.items()}
        return cls(
            status, {"Content-Type": "application/json", **names}, json.dumps(value).encode()
        )

    @classmethod
    def moved(cls, location: str, status: int = 302) -> Says:
        return cls(status, {"Location": location})


Answerer = Callable[[Asked], Says]


class StandIn:
    """Answers every request by ``answer``, which tests replace."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.answer: Answerer = lambda asked: Says(body=b"hello")
        self.connections = 0
        self.hung_up = asyncio.Event()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while asked := await _read(reader):
                self.asked.append(asked)
                says = self.answer(asked)
                writer.write(says.raw if says.raw is not None else _wire(says, asked))
                await writer.drain()
                if says.hangs:
                    await reader.read()
                    self.hung_up.set()
                    return
                if says.raw is not None:
                    return
        except ConnectionError:
            self.hung_up.set()
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Asked | None:
    try:
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.strip().split("\r\n")
    method, target, _ = first.split(" ")
    pairs = (line.split(":", 1) for line in lines)
    headers = {name.lower(): value.strip() for name, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Asked(method, target, headers, body)


def _wire(says: Says, asked: Asked) -> bytes:
    headers = {"Content-Length": str(len(says.body)), **says.headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    body = b"" if asked.method == "HEAD" else says.body
    return f"HTTP/1.1 {says.status} .\r\n{lines}\r\n".encode() + body


@asynccontextmanager
async def standing_in(tls: ssl.SSLContext | None = None) -> AsyncIterator[StandIn]:
    """Serve on a free port of loopback until the end of the block."""
    stand_in = StandIn()
    open_now: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        open_now[task] = writer
        await stand_in.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=tls)
    stand_in.port = server.sockets[0].getsockname()[1]
    try:
        yield stand_in
    finally:
        server.close()
        for writer in open_now.values():
            writer.transport.abort()
        await asyncio.gather(*open_now, return_exceptions=True)
