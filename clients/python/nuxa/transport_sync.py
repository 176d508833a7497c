"""The way to the service for programs that wait."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any, TypeVar

import httpx

from nuxa.errors import ConnectionFailed, NuxaError, error_of
from nuxa.exchange import Reading, Tries, arguments, read, row
from nuxa.requests import Event, Listing, Request, Stream

T = TypeVar("T")


class SyncTransport:
    """Sends requests one after the other."""

    def __init__(self, http: httpx.Client, max_retries: int) -> None:
        self.http = http
        self._max_retries = max_retries

    def send(self, request: Request[T]) -> T:
        tries = Tries(request, self._max_retries)
        while True:
            try:
                answer: T = self._once(request)
                return answer
            except NuxaError as error:
                wait = tries.wait(error)
            time.sleep(wait)

    def rows(self, listing: Listing[T]) -> Iterator[T]:
        cursor: str | None = None
        while True:
            page = self.send(listing.page(cursor))
            for data in page["data"]:
                yield row(listing.item, data)
            cursor = page.get("nextCursor")
            if cursor is None:
                return

    def events(self, stream: Stream) -> Iterator[Event]:
        reading = Reading(stream, self._max_retries)
        while not reading.is_done:
            try:
                yield from self._read_events(reading)
            except NuxaError as error:
                wait = reading.go_on(error)
                time.sleep(wait)

    def _read_events(self, reading: Reading) -> Iterator[Event]:
        try:
            with self.http.stream(**arguments(reading.request, ExitStack())) as response:
                if response.status_code >= 400:
                    raise error_of(response.status_code, response.headers, response.read())
                for line in response.iter_lines():
                    event = reading.take(line)
                    if event is not None:
                        yield event
                    if reading.is_done:
                        return
        except httpx.TransportError as error:
            raise ConnectionFailed(f"The stream broke: {error!r}") from error
        raise ConnectionFailed("The stream ended before its end.")

    def _once(self, request: Request[Any]) -> Any:
        try:
            with ExitStack() as files:
                given = arguments(request, files)
                if request.save_to is not None:
                    return self._save(given, request.save_to)
                return read(request, self.http.request(**given))
        except httpx.TransportError as error:
            raise ConnectionFailed(f"The service was not reached: {error!r}") from error

    def _save(self, given: dict[str, Any], path: Path) -> Path:
        with self.http.stream(**given) as response:
            if response.status_code >= 400:
                raise error_of(response.status_code, response.headers, response.read())
            with path.open("wb") as target:
                for piece in response.iter_bytes():
                    target.write(piece)
        return path
