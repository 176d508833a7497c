"""What both transports do alike, without doing any I/O: ask, read, wait, go on."""

from __future__ import annotations

import json
import random
from contextlib import ExitStack
from functools import lru_cache
from typing import Any

import httpx
from pydantic import TypeAdapter

from nuxa.errors import NuxaError, error_of
from nuxa.requests import Event, Request, Stream

RETRIED = frozenset({429, 502, 503, 504})
LONGEST_WAIT = 60.0  # seconds; who is to wait longer is told so instead


@lru_cache(maxsize=256)
def _reader(answer: Any) -> TypeAdapter[Any]:
    return TypeAdapter(answer)


def arguments(request: Request[Any], files: ExitStack) -> dict[str, Any]:
    """Return a request as httpx takes it; a file is opened in ``files`` and read as it is sent."""
    query = {name: value for name, value in request.query.items() if value is not None}
    given: dict[str, Any] = {
        "method": request.method,
        "url": request.path,
        "params": query,
        "headers": dict(request.headers),
    }
    if request.file is not None:
        handle = files.enter_context(request.file.open("rb"))
        given["files"] = {"file": (request.file.name, handle)}
        given["data"] = dict(request.form)
    elif request.json is not None:
        given["json"] = dict(request.json)
    return given


def read(request: Request[Any], response: httpx.Response) -> Any:
    """Return what a whole answer says, as the request's type; raises the error it tells of."""
    if response.status_code >= 400:
        raise error_of(response.status_code, response.headers, response.content)
    if request.answer is None:
        return None
    if request.answer is bytes:
        return response.content
    return _reader(request.answer).validate_json(response.content)


def row(item: Any, data: Any) -> Any:
    """Return one row of a list as its type."""
    return _reader(item).validate_python(data)


class Tries:
    """How often a request is sent, and how long is waited in between."""

    def __init__(self, request: Request[Any], most: int) -> None:
        self._left = most if request.may_repeat else 0
        self._wait = 0.5

    def wait(self, error: NuxaError) -> float:
        """Return the seconds until the next try; raises the error when there is none."""
        is_passing = error.status is None or error.status in RETRIED
        asked = error.retry_after or 0.0
        if not is_passing or self._left <= 0 or asked > LONGEST_WAIT:
            raise error
        self._left -= 1
        self._wait *= 2
        return max(asked, self._wait * random.uniform(0.5, 1.0))  # noqa: S311 - no secret


class Reading:
    """How far a stream has been read."""

    def __init__(self, stream: Stream, most_cuts: int) -> None:
        self.request: Request[Any] = stream.begin
        self.is_done = False
        self._stream = stream
        self._most_cuts = self._cuts_left = most_cuts
        self._number: str | None = None
        self._last: Event | None = None

    def take(self, line: str) -> Event | None:
        """Take one line; return the event that it is."""
        if line.startswith("id:"):
            self._number = line[3:].strip()
        if not line.startswith("data:"):
            return None
        data = line[5:].strip()
        if data == "[DONE]":
            self.is_done = True
            return None
        event: Event = json.loads(data)
        self._last, self._cuts_left = event, self._most_cuts
        return event

    def go_on(self, error: NuxaError) -> float:
        """Prepare the request that goes on after a cut; return the seconds to wait before it."""
        request = self._stream.resume(self._last) if self._last else None
        if request is None and self._last is None and self.request.may_repeat:
            request = self.request
        if request is None or self._cuts_left <= 0:
            raise error
        self._cuts_left -= 1
        headers = {"Last-Event-ID": self._number} if self._number else {}
        self.request = Request(request.method, request.path, request.answer, headers=headers)
        return error.retry_after or 0.5
