"""The guarded HTTP client: the one door for every outgoing call."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode

import httpcore
import httpx
from pydantic import JsonValue

from core.config import Settings
from core.http.address import Allowed, parse_address
from core.http.answer import Answer, StreamedAnswer
from core.http.connect import GuardedBackend, GuardedTransport, LookUp, look_up
from core.http.errors import AddressForbidden, RedirectRefused, explained
from core.http.hop import Hop, first_hop
from core.http.url import Origin, origin, read_url

MOST_REDIRECTS: Final = 5
_CONNECT_SECONDS: Final = 10.0


@dataclass(frozen=True)
class Outgoing:
    """One call to the outside.

    ``seconds`` is the time for all of it, redirects and body included; ``max_bytes`` limits the
    unpacked body; both default to the settings. ``redirects`` of 0 returns a redirect as it is.
    ``trusting`` is a URL out of the operator's settings (never of a caller): its host and port may
    be private for this call.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    seconds: float | None = None
    max_bytes: int | None = None
    redirects: int = MOST_REDIRECTS
    trusting: str | None = None


def json_body(value: JsonValue) -> bytes:
    """Return a value as a JSON body in UTF-8."""
    return httpx.Request("POST", "http://_", json=value).content


def form_body(fields: Mapping[str, str]) -> bytes:
    """Return fields as a body of ``application/x-www-form-urlencoded``."""
    return urlencode(fields).encode()


class HttpClient:
    """Makes outgoing calls; one a process and event loop. Cancelling a call closes its connection.

    ``resolve``, ``network`` and ``tls`` are replaced in tests only.
    """

    def __init__(
        self,
        settings: Settings,
        resolve: LookUp = look_up,
        network: httpcore.AsyncNetworkBackend | None = None,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._allowed = Allowed.parse(settings.outgoing_allow)
        self._seconds = settings.outgoing_timeout_seconds
        self._max_bytes = settings.outgoing_max_bytes
        self._resolve = resolve
        self._network = network or httpcore.AnyIOBackend()
        self._tls = tls
        self._transports: dict[Origin | None, GuardedTransport] = {}

    async def request(self, call: Outgoing) -> Answer:
        """Make the call and read its answer, whatever the status.

        Raises ``UrlMalformed``, ``AddressForbidden``, ``HeaderRefused`` before anything is sent,
        and ``HostUnreachable``, ``NoAnswerInTime``, ``AnswerTooLarge``, ``AnswerUnreadable`` or
        ``RedirectRefused`` after. Nothing is tried twice.
        """
        async with self.stream(call) as answer:
            return await answer.whole()

    def checked(self, text: str) -> str:
        """Return a URL as it will be called later; raises ``UrlMalformed`` or ``AddressForbidden``
        for one that never is. A name is looked up, and its addresses checked, by the call."""
        url = read_url(text)
        _, host, port = origin(url)
        address = parse_address(host)
        if address is not None and not self._allowed.permits(host, port, address):
            raise AddressForbidden(host)
        return str(url)

    @asynccontextmanager
    async def stream(self, call: Outgoing) -> AsyncIterator[StreamedAnswer]:
        """Make the call and hand out its answer as soon as the headers are there."""
        transport = await self._transport(call.trusting)
        seconds = self._seconds if call.seconds is None else call.seconds
        deadline = asyncio.get_running_loop().time() + seconds
        max_bytes = self._max_bytes if call.max_bytes is None else call.max_bytes
        hop = first_hop(call.method, call.url, call.headers, call.body)
        for _ in range(call.redirects + 1):
            response = await _send(transport, hop, deadline)
            try:
                following = hop.following(response) if call.redirects else None
                if following is None:
                    yield StreamedAnswer(response, str(hop.url), deadline, max_bytes)
                    return
            finally:
                await response.aclose()
            hop = following
        raise RedirectRefused(
            f"{read_url(call.url).host} redirects more than {call.redirects} times; call the last "
            "URL."
        )

    async def _transport(self, trusting: str | None) -> GuardedTransport:
        """Return the pool for a call; a trusted origin has its own, shared with no other call."""
        trusted = origin(read_url(trusting)) if trusting else None
        if trusted not in self._transports:
            allowed = self._allowed.with_name(*trusted[1:]) if trusted else self._allowed
            backend = GuardedBackend(allowed, self._resolve, self._network)
            if self._tls is None:
                self._tls = await asyncio.to_thread(httpx.create_ssl_context)
            self._transports.setdefault(trusted, GuardedTransport(backend, self._tls))
        return self._transports[trusted]

    async def close(self) -> None:
        """Close every connection."""
        for transport in self._transports.values():
            await transport.aclose()


async def _send(transport: GuardedTransport, hop: Hop, deadline: float) -> httpx.Response:
    timeouts = {"connect": _CONNECT_SECONDS, "read": None, "write": None, "pool": None}
    request = httpx.Request(
        hop.method,
        hop.url,
        headers=hop.headers,
        content=hop.body or None,
        extensions={"timeout": timeouts},
    )
    with explained(hop.url.host):
        async with asyncio.timeout_at(deadline):
            response = await transport.handle_async_request(request)
    response.request = request
    return response
