"""``python -m core.models.local.server``: the process that holds the weights for all others.

It speaks OpenAI's chat completions, streamed only, on the loopback interface and to whoever has
the key. The port is open before the weights are loaded; callers wait by turns until then.
"""

from __future__ import annotations

import asyncio
import hmac
import json
import os
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any, Final

from core.config import get_settings
from core.errors import NuxaError
from core.fair_limiter import FairLimiter, QueueFull
from core.models.local.engine import CONTEXT_TOKENS, Engine, LlamaEngine
from core.models.local.weights import weights_of

MOST_WAITING: Final = 32
_LARGEST_BODY: Final = 4 << 20
_PARAMETERS: Final = frozenset(
    {"messages", "temperature", "max_tokens", "response_format", "tools", "tool_choice", "stream"}
    | {"stream_options", "seed", "stop", "top_p"}
)

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]


class Refused(Exception):
    """A request that is answered with an error of OpenAI's form."""

    def __init__(self, status: int, message: str, code: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class LocalModel:
    """The ASGI application. ``engine`` comes when it is loaded."""

    def __init__(self, key: str, engine: Awaitable[Engine], most_waiting: int = MOST_WAITING):
        self._key, self._engine = key, asyncio.ensure_future(engine)
        self._slots = FairLimiter(1, max_waiting=most_waiting)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            await self._answer(scope, receive, send)
        except Refused as refused:
            error = {"message": str(refused), "type": "invalid_request_error", "param": None}
            await _send_json(send, refused.status, {"error": {**error, "code": refused.code}})

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        asked = scope["method"], scope["path"]
        if asked == ("GET", "/health"):
            await _send_json(send, 200, {"status": "ok" if self._is_loaded else "loading"})
            return
        sent = dict(scope["headers"]).get(b"authorization", b"")
        if not hmac.compare_digest(sent, f"Bearer {self._key}".encode()):
            raise Refused(401, "Incorrect API key provided.", "invalid_api_key")
        if asked == ("GET", "/v1/models"):
            models = [{"id": "local", "object": "model", "owned_by": "local"}]
            await _send_json(send, 200, {"object": "list", "data": models})
            return
        if asked != ("POST", "/v1/chat/completions"):
            raise Refused(404, f"Unknown request URL: {asked[0]} {asked[1]}.", "unknown_url")
        await self._complete(await _body(receive), receive, send)

    @property
    def _is_loaded(self) -> bool:
        return self._engine.done()

    async def _complete(self, body: dict[str, Any], receive: Receive, send: Send) -> None:
        """Answer in the asker's turn; give it up, or never take it, when he goes away."""
        work = asyncio.create_task(self._in_line(body, send))
        gone = asyncio.create_task(_until_gone(receive))
        try:
            await asyncio.wait({work, gone}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            gone.cancel()
            if not work.done():
                work.cancel()
        with suppress(asyncio.CancelledError):
            await work

    async def _in_line(self, body: dict[str, Any], send: Send) -> None:
        try:
            async with self._slots.slot(str(body.get("user", ""))):
                engine = await asyncio.shield(self._engine)
                wanted = {name: body[name] for name in _PARAMETERS & body.keys()}
                async with aclosing(engine.stream(wanted)) as chunks:
                    await _send_stream(send, chunks)
        except QueueFull:
            message = "The local model has as many questions as it can hold; try again later."
            raise Refused(429, message, "rate_limit_exceeded") from None


async def _send_stream(send: Send, chunks: AsyncGenerator[dict[str, Any], None]) -> None:
    is_begun = False
    async for chunk in chunks:
        if "error" in chunk and not is_begun:
            raise _refusal(chunk["error"])
        if not is_begun:
            await send(_start(200, b"text/event-stream"))
            is_begun = True
        line = f"data: {json.dumps(chunk, ensure_ascii=False)}\n\n".encode()
        await send({"type": "http.response.body", "body": line, "more_body": True})
    await send({"type": "http.response.body", "body": b"data: [DONE]\n\n"})


def _refusal(error: dict[str, Any]) -> Refused:
    """Return the engine's error as OpenAI's API words it, which clients know."""
    if error.get("type") == "exceed_context_size_error":
        message = f"This model's maximum context length is {CONTEXT_TOKENS} tokens."
        return Refused(400, message, "context_length_exceeded")
    return Refused(int(error.get("code", 500)), str(error.get("message", "")), "engine_error")


async def _body(receive: Receive) -> dict[str, Any]:
    data, is_more = b"", True
    while is_more:
        event = await receive()
        data += event.get("body", b"")
        is_more = event.get("more_body", False)
        if len(data) > _LARGEST_BODY:
            raise Refused(413, "The request is too large.", "too_large")
    try:
        body = json.loads(data)
    except ValueError:
        body = None
    if not isinstance(body, dict) or not isinstance(body.get("messages"), list):
        raise Refused(400, "'messages' must be a non-empty array.", "invalid_body")
    if body.get("stream") is not True:
        raise Refused(400, "Only streamed answers are given here: set 'stream'.", "not_streamed")
    return body


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _start(status: int, content_type: bytes) -> dict[str, Any]:
    headers = [(b"content-type", content_type)]
    return {"type": "http.response.start", "status": status, "headers": headers}


async def _send_json(send: Send, status: int, body: dict[str, Any]) -> None:
    await send(_start(status, b"application/json"))
    await send({"type": "http.response.body", "body": json.dumps(body).encode()})


async def serve(home: Path, model: str) -> None:
    """Serve with the key and at the port that lie in ``home``; a failure to load ends it."""
    import uvicorn

    settings = get_settings()
    weights = weights_of(model, settings)
    loading = asyncio.ensure_future(asyncio.to_thread(LlamaEngine, weights, settings.chat_threads))
    key, port = (home / "key").read_text().strip(), int((home / "port").read_text())
    app = LocalModel(key, loading)
    config = uvicorn.Config(app, host="127.0.0.1", port=port, log_level="warning", lifespan="off")
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server.serve())
    await asyncio.wait({loading, serving}, return_when=asyncio.FIRST_COMPLETED)
    if loading.done() and loading.exception():
        sys.stderr.write(f"{weights} could not be loaded: {loading.exception()}\n")
        os._exit(1)  # the library's threads would hold the process
    await serving
    os._exit(0)


def main() -> None:
    """Run with two arguments: the directory of key and port, and the model's name."""
    try:
        asyncio.run(serve(Path(sys.argv[1]), sys.argv[2]))
    except NuxaError as error:
        raise SystemExit(error.message) from error


if __name__ == "__main__":
    main()
