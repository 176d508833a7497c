"""What Quart lacks: a request body that makes its sender wait, and answers that may take long.

And what it does for each request beyond what is needed here: three tasks more than the server's
own, and two events for a body that is whole.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from typing import Any, Final

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart.asgi import ASGIHTTPConnection
from quart.utils import encode_headers
from quart.wrappers import Request
from quart.wrappers.request import Body
from quart.wrappers.response import DataBody

from core.errors import TimedOut

_ROOM: Final = 1 << 20
BODY_GRACE_SECONDS: float = 30
_MIN_BYTES_PER_SECOND: Final = 1024


class WaitingBody(Body):
    """A body read in pieces; Quart's own takes in all that arrives, however slowly it is read."""

    def __init__(self, expected: int | None, limit: int | None) -> None:
        super().__init__(expected, limit)
        self._room = asyncio.Event()
        self._room.set()
        self._received, self._waited = 0, 0.0
        self.is_whole = False

    def set_complete(self) -> None:
        super().set_complete()
        self.is_whole = True

    def append(self, data: bytes) -> None:
        super().append(data)
        if len(self._data) >= _ROOM:
            self._room.clear()

    async def __anext__(self) -> bytes:
        """Return the next piece; raises ``TimedOut`` for a sender below the minimum rate."""
        began = time.monotonic()
        allowed = BODY_GRACE_SECONDS + self._received / _MIN_BYTES_PER_SECOND
        try:
            async with asyncio.timeout(max(0.0, allowed - self._waited)):
                piece = await super().__anext__()
        except TimeoutError as error:
            raise TimedOut("The body arrives too slowly; send it again.") from error
        self._waited += time.monotonic() - began
        self._received += len(piece)
        self._room.set()
        return piece

    async def wait_for_room(self) -> None:
        """Return when less than a mebibyte waits to be read."""
        await self._room.wait()


class StreamedRequest(Request):
    body_class: type[Body] = WaitingBody


class StreamedConnection(ASGIHTTPConnection):
    """Takes the next piece of a body only when the last ones were read.

    The server's own task handles the request. One beside it listens to the client, and when that
    is gone before the answer is out, the handling is cancelled.
    """

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        request = self._create_request_from_scope(send)
        handling = asyncio.current_task()
        assert handling is not None
        listening = asyncio.create_task(self.handle_messages(request, receive))
        listening.add_done_callback(lambda task: task.cancelled() or handling.cancel())
        try:
            await self.handle_request(request, send)
        except asyncio.CancelledError:
            if not listening.done():
                raise  # the server ends
            handling.uncancel()
            listening.result()  # raises what went wrong while it listened
        finally:
            listening.cancel()

    async def handle_request(self, request: Request, send: ASGISendCallable) -> None:
        response: Any = await self.app.handle_request(request)
        seconds = response.timeout
        if seconds is Ellipsis:
            seconds = self.app.config["RESPONSE_TIMEOUT"]
        with suppress(TimeoutError):  # who reads so slowly is cut off
            async with asyncio.timeout(seconds):
                await self._send_response(send, response)

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

    async def _send_response(self, send: ASGISendCallable, response: Any) -> None:
        if not isinstance(response.response, DataBody):
            await super()._send_response(send, response)
            return
        whole = response.response
        head = encode_headers(response.headers)
        await send({"type": "http.response.start", "status": response.status_code, "headers": head})
        body = whole.data[whole.begin : whole.end]
        await send({"type": "http.response.body", "body": body, "more_body": False})
