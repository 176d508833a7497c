"""Limits on connections that uvicorn has no settings for.

The one module that builds on a class of uvicorn's: its HTTP protocol, with a time limit for a
request's head and a cap on the connections of one address.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from api.client_address import address_block


class BoundedHttpProtocol(HttpToolsProtocol):
    head_seconds: float
    per_address: int
    is_exempt: Callable[[str], bool]
    _head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        if self._is_beyond_cap():
            transport.abort()
            return
        self._await_head()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        is_between = self.cycle is None or self.cycle.response_complete
        # An upgraded connection has left the set.
        if is_between and self in self.connections and not self.transport.is_closing():
            self._await_head()

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        super().on_headers_complete()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        super().connection_lost(exc)

    def _await_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_seconds, self.transport.abort)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _is_beyond_cap(self) -> bool:
        if len(self.connections) <= self.per_address or self.client is None:
            return False
        if self.is_exempt(self.client[0]):
            return False
        block = address_block(self.client[0])
        clients = (getattr(each, "client", None) for each in self.connections)
        same = sum(address_block(each[0]) == block for each in clients if each)
        return same > self.per_address


def make_http_protocol(
    head_seconds: float, per_address: int, is_exempt: Callable[[str], bool]
) -> type[HttpToolsProtocol]:
    """Return a protocol for uvicorn's ``http``; exempt addresses have no cap."""
    limits = {
        "head_seconds": head_seconds,
        "per_address": per_address,
        "is_exempt": staticmethod(is_exempt),
    }
    return type("HttpProtocol", (BoundedHttpProtocol,), limits)
