"""The way to the service for programs on an event loop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx

from nuxa.errors import ConnectionFailed, NuxaError, error_of
from nuxa.exchange import Reading, Tries, arguments, read, row
from nuxa.requests import Event, Listing, Request, Stream

T = TypeVar("T")


class AsyncTransport:
    """Sends as many requests side by side as are awaited."""

    def __init__(self, http: httpx.AsyncClient, max_retries: int) -> None:
        self.http = http
        self._max_retries = max_retries

    async def send(self, request: Request[T]) -> T:
        tries = Tries(request, self._max_retries)
        while True:
            try:
                answer: T = await self._once(request)
                return answer
            except NuxaError as error:
                wait = tries.wait(error)
            await asyncio.sleep(wait)

    async def rows(self, listing: Listing[T]) -> AsyncIterator[T]:
        cursor: str | None = None
        while True:
            page = await self.send(listing.page(cursor))
            for data in page["data"]:
                yield row(listing.item, data)
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    async def events(self, stream: Stream) -> AsyncIterator[Event]:
        reading = Reading(stream, self._max_retries)
        while not reading.is_done:
            try:
                async for event in self._read_events(reading):
                    yield event
            except NuxaError as error:
                wait = reading.go_on(error)
                await asyncio.sleep(wait)

    async def _read_events(self, reading: Reading) -> AsyncIterator[Event]:
        try:
            async with self.http.stream(**arguments(reading.request, ExitStack())) as response:
                if response.status_code >= 400:
                    raise error_of(response.status_code, response.headers, await response.aread())
                async for line in response.aiter_lines():
                    event = reading.take(line)
                    if event is not None:
                        yield event
                    if reading.is_done:
                        return
        except httpx.TransportError as error:
            raise ConnectionFailed(f"The stream broke: {error!r}") from error
        raise ConnectionFailed("The stream ended before its end.")

    async def _once(self, request: Request[Any]) -> Any:
        try:
            with ExitStack() as files:
                given = arguments(request, files)
                if request.save_to is not None:
                    return await self._save(given, request.save_to)
                return read(request, await self.http.request(**given))
        except httpx.TransportError as error:
            raise ConnectionFailed(f"The service was not reached: {error!r}") from error

    async def _save(self, given: dict[str, Any], path: Path) -> Path:
        async with self.http.stream(**given) as response:
            if response.status_code >= 400:
                raise error_of(response.status_code, response.headers, await response.aread())
            with path.open("wb") as target:
                async for piece in response.aiter_bytes():
                    target.write(piece)
        return path
