"""Request bodies that make their sender wait, which Quart has no setting for.

Quart stores all that arrives, however slowly it is read. So the body is read from the server's ASGI
channel here, and Quart is told that there is none.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from core.errors import TimedOut

if TYPE_CHECKING:
    from starlette.types import Message, Receive, Scope, Send

App = Callable[[Any, Any, Any], Awaitable[None]]  # ASGI

BODY_GRACE_SECONDS: float = 30
_MIN_BYTES_PER_SECOND: Final = 1024
_MAX_BUFFERED_BYTES: Final = 1 << 20
_SCOPE_KEY: Final = "nuxa.body"


class RequestBody(AsyncIterator[bytes]):
    """The pieces of a body as they arrive; at most a mebibyte waits to be read."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._buffer = bytearray()
        self._arrival, self._room = asyncio.Event(), asyncio.Event()
        self._received, self._waited_seconds = 0, 0.0
        self._is_announced = False
        self._tasks: set[asyncio.Task[Any] | None] = set()
        self.is_whole = False

    async def listen(self) -> Message:
        """Return what Quart receives: an empty body, then that the client has disconnected."""
        if not self._is_announced:
            self._is_announced = True
            return {"type": "http.request", "body": b"", "more_body": False}
        self.add_task(asyncio.current_task())
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                return message
            self._buffer += message.get("body", b"")
            self.is_whole = not message.get("more_body", False)
            self._arrival.set()
            if len(self._buffer) >= _MAX_BUFFERED_BYTES:
                self._room.clear()
                await self._room.wait()

    async def __anext__(self) -> bytes:
        """Return the next piece; raises ``TimedOut`` for a sender below the minimum rate."""
        if not self._buffer and not self.is_whole:
            await self._wait_for_arrival()
        if not self._buffer:
            raise StopAsyncIteration
        piece = bytes(self._buffer)
        self._buffer.clear()
        self._received += len(piece)
        self._room.set()
        return piece

    async def _wait_for_arrival(self) -> None:
        began = time.monotonic()
        allowed = BODY_GRACE_SECONDS + self._received / _MIN_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(max(0.0, allowed - self._waited_seconds)):
                while not self._buffer and not self.is_whole:
                    self._arrival.clear()
                    await self._arrival.wait()
        except TimeoutError as error:
            raise TimedOut("The body arrives too slowly; send it again.") from error
        self._waited_seconds += time.monotonic() - began

    def add_task(self, task: asyncio.Task[Any] | None) -> None:
        """Have one of the request's own tasks cancelled with it."""
        self._tasks.add(task)

    def cancel_tasks(self) -> None:
        """End the request's own tasks."""
        for task in self._tasks:
            if task is not None:
                task.cancel()


async def serve_with_body(app: App, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve a request by Quart, its body in the scope."""
    body = RequestBody(receive)
    try:
        await app({**scope, _SCOPE_KEY: body}, body.listen, send)
    except asyncio.CancelledError:
        body.cancel_tasks()  # Quart leaves those that it made
        raise


def get_body(scope: Mapping[str, Any]) -> RequestBody:
    """Return the body of a request that is served by :func:`serve_with_body`."""
    body: RequestBody = scope[_SCOPE_KEY]
    return body
