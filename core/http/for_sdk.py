"""The guarded client under the MCP SDK, which makes its calls by ``httpx2``.

Every request of the SDK's, a redirect that it follows too, is a call of ours: addresses checked,
time and size limited, no cookies kept.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Final

import httpx2

from core.errors import NuxaError
from core.http.answer import StreamedAnswer
from core.http.client import HttpClient, Outgoing
from core.http.hop import OURS

_UNPACKED: Final = frozenset({"content-encoding", "content-length", "transfer-encoding"})


class SdkTransport(httpx2.AsyncBaseTransport):
    """``seconds`` is the time for each request; ``refusal`` is what the last one failed with, for
    the SDK tells of no cause."""

    def __init__(self, http: HttpClient, seconds: float) -> None:
        self._http, self._seconds = http, seconds
        self.refusal: NuxaError | None = None
        self.status: int | None = None  # of the last answer that was no success

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        headers = {name: value for name, value in request.headers.items() if name not in OURS}
        call = Outgoing(
            request.method,
            str(request.url),
            headers,
            await request.aread(),
            seconds=self._seconds,
            redirects=0,
        )
        held = AsyncExitStack()
        try:
            answer = await held.enter_async_context(self._http.stream(call))
        except NuxaError as error:
            self.refusal = error
            raise httpx2.ConnectError(error.message) from error
        if answer.status >= 400:
            self.status = answer.status
        kept = [(n, v) for n, v in answer.headers.items() if n.lower() not in _UNPACKED]
        return httpx2.Response(answer.status, headers=kept, stream=_Body(self, answer, held))


class _Body(httpx2.AsyncByteStream):
    def __init__(
        self, transport: SdkTransport, answer: StreamedAnswer, held: AsyncExitStack
    ) -> None:
        self._transport, self._answer, self._held = transport, answer, held

    async def __aiter__(self) -> AsyncIterator[bytes]:
        try:
            async for piece in self._answer.pieces():
                yield piece
        except NuxaError as error:
            self._transport.refusal = error
            raise httpx2.ReadError(error.message) from error

    async def aclose(self) -> None:
        await self._held.aclose()
