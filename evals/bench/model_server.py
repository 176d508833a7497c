"""A stand-in for a chat model: speaks OpenAI's streaming format, begins after a fixed time.

Its own time to first token is subtracted to tell what the service adds to a chat.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

FIRST_TOKEN_SECONDS: Final = 0.05
SLOWLY: Final = "take your time"  # in a question: the answer takes SLOW_SECONDS
SLOW_SECONDS: Final = 2.0
_WORDS: Final = "The documents say that the matter was settled in good order .".split()
_USAGE: Final = {"prompt_tokens": 1000, "completion_tokens": 12, "total_tokens": 1012}


@asynccontextmanager
async def model_server() -> AsyncIterator[str]:
    """Serve on a free port of the loopback; yields the base URL (ending in ``/v1``)."""
    server = await asyncio.start_server(_serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    async with server:
        yield f"http://127.0.0.1:{port}/v1"


async def _serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while await _answer(reader, writer):
            pass
    except (asyncio.IncompleteReadError, ConnectionError):
        pass  # the client hung up, as clients do
    finally:
        writer.close()


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    head = await reader.readuntil(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    if head.startswith(b"GET "):
        return await _list_models(writer)
    asked = json.loads(await reader.readexactly(length))
    writer.write(
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    await writer.drain()
    await asyncio.sleep(FIRST_TOKEN_SECONDS)
    is_slow = SLOWLY in json.dumps(asked["messages"][-1])
    pause = (SLOW_SECONDS - FIRST_TOKEN_SECONDS) / len(_WORDS) if is_slow else 0
    for word in _WORDS:
        _send(writer, json.dumps(_delta({"content": f"{word} "}, None)))
        await writer.drain()
        await asyncio.sleep(pause)
    _send(writer, json.dumps(_delta({}, "stop")))
    if asked.get("stream_options", {}).get("include_usage"):
        _send(writer, json.dumps({**_chunk([]), "usage": _USAGE}))
    _send(writer, "[DONE]")
    writer.write(b"0\r\n\r\n")
    await writer.drain()
    return True


async def _list_models(writer: asyncio.StreamWriter) -> bool:
    """Name the one model, for clients that ask which there are."""
    body = json.dumps({"object": "list", "data": [{"id": "bench", "object": "model"}]}).encode()
    head = (
        f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    writer.write(head.encode() + body)
    await writer.drain()
    return True


def _send(writer: asyncio.StreamWriter, data: str) -> None:
    body = f"data: {data}\n\n".encode()
    writer.write(f"{len(body):x}\r\n".encode() + body + b"\r\n")


def _delta(delta: dict[str, str], finish: str | None) -> dict[str, object]:
    return _chunk([{"index": 0, "delta": delta, "finish_reason": finish}])


def _chunk(choices: list[dict[str, object]]) -> dict[str, object]:
    return {
        "id": "chatcmpl-bench",
        "object": "chat.completion.chunk",
        "created": 0,
        "model": "bench",
        "choices": choices,
    }
