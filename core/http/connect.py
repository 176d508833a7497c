"""Opening connections only to addresses that were checked, and to no other."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Final, TypeAlias

import httpcore
import httpx

from core.http.address import Allowed, parse_address
from core.http.errors import AddressForbidden, HostUnreachable

LookUp: TypeAlias = Callable[[str, int], Awaitable[list[str]]]
_MAX_CONNECTIONS: Final = 200
_IDLE_SECONDS: Final = 5.0
# Threads of their own: a name server that is slow on purpose must not hold up files and passwords.
_LOOK_UPS: Final = ThreadPoolExecutor(max_workers=32, thread_name_prefix="look-up")


async def look_up(host: str, port: int) -> list[str]:
    """Return every address of a name, as the system resolves it."""
    ask = partial(socket.getaddrinfo, host, port, type=socket.SOCK_STREAM)
    try:
        found = await asyncio.get_running_loop().run_in_executor(_LOOK_UPS, ask)
    except (socket.gaierror, UnicodeError) as error:
        raise HostUnreachable(
            f"The host {host} is unknown; check how it is written.", {"host": host}
        ) from error
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


async def resolve_allowed(allowed: Allowed, resolve: LookUp, host: str, port: int) -> list[str]:
    """Return the addresses of a host; raises ``AddressForbidden`` unless all may be reached."""
    literal = parse_address(host)
    addresses = [host] if literal else await resolve(host, port)
    for text in addresses:
        address = parse_address(text)
        if address is None or not allowed.permits(host, port, address):
            raise AddressForbidden(host)
    return addresses


class GuardedBackend(httpcore.AsyncNetworkBackend):
    """Resolves a host once, checks every address, and connects to the checked address itself.

    TLS and the ``Host`` header keep the name: httpcore takes them from the URL, not from here.
    """

    def __init__(
        self, allowed: Allowed, resolve: LookUp, inner: httpcore.AsyncNetworkBackend
    ) -> None:
        self._allowed, self._resolve, self._inner = allowed, resolve, inner

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's signature
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        failure: Exception | None = None
        for address in await resolve_allowed(self._allowed, self._resolve, host, port):
            try:
                return await self._inner.connect_tcp(
                    address, port, timeout, local_address, socket_options
                )
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                failure = error
        raise HostUnreachable(
            f"No connection to {host}:{port}; check that it is running.", {"host": host}
        ) from failure

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ARG002, ASYNC109 - httpcore's signature
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,  # noqa: ARG002
    ) -> httpcore.AsyncNetworkStream:
        raise AddressForbidden(path)

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


class _Stream(httpx.AsyncByteStream):
    def __init__(self, stream: AsyncIterable[bytes], response: httpcore.Response) -> None:
        self._stream, self._response = stream, response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._stream:
            yield piece

    async def aclose(self) -> None:
        await self._response.aclose()


class GuardedTransport(httpx.AsyncBaseTransport):
    """One pool of connections under one list of allowed addresses.

    Not httpx's client: that keeps cookies between calls, follows redirects and reads proxies from
    the environment. Errors are httpcore's.
    """

    def __init__(self, backend: GuardedBackend, tls: ssl.SSLContext) -> None:
        self._pool = httpcore.AsyncConnectionPool(
            ssl_context=tls,
            max_connections=_MAX_CONNECTIONS,
            keepalive_expiry=_IDLE_SECONDS,
            network_backend=backend,
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = request.url
        response = await self._pool.handle_async_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        stream = response.stream
        if not isinstance(stream, AsyncIterable):
            raise TypeError("httpcore's asynchronous pool gave a synchronous stream")
        return httpx.Response(
            response.status, headers=response.headers, stream=_Stream(stream, response)
        )

    async def aclose(self) -> None:
        await self._pool.aclose()
