"""What Quart lacks: a request body that makes its sender wait, and answers that may take long."""

from __future__ import annotations

import asyncio
from typing import Final

from hypercorn.typing import ASGIReceiveCallable
from quart.asgi import ASGIHTTPConnection
from quart.wrappers import Request
from quart.wrappers.request import Body

_ROOM: Final = 1 << 20


class WaitingBody(Body):
    """A body read in pieces; Quart's own takes in all that arrives, however slowly it is read."""

    def __init__(self, expected: int | None, limit: int | None) -> None:
        super().__init__(expected, limit)
        self._room = asyncio.Event()
        self._room.set()

    def append(self, data: bytes) -> None:
        super().append(data)
        if len(self._data) >= _ROOM:
            self._room.clear()

    async def __anext__(self) -> bytes:
        piece = await super().__anext__()
        self._room.set()
        return piece

    async def wait_for_room(self) -> None:
        """Return when less than a mebibyte waits to be read."""
        await self._room.wait()


class StreamedRequest(Request):
    body_class: type[Body] = WaitingBody


class StreamedConnection(ASGIHTTPConnection):
    """Takes the next piece of a body only when the last ones were read."""

    async def handle_messages(self, request: Request, receive: ASGIReceiveCallable) -> None:
        while True:
            message = await receive()
            if message["type"] == "http.disconnect":
                return
            if message["type"] == "http.request":
                request.body.append(message.get("body", b""))
                if not message.get("more_body", False):
                    request.body.set_complete()
                elif isinstance(request.body, WaitingBody):
                    await request.body.wait_for_room()
