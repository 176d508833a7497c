"""What comes back from a call: read whole or in pieces, within its limits of size and time."""

from __future__ import annotations

import asyncio
import base64
import json
import zlib
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from typing import Final

import httpx
from pydantic import JsonValue

from core.http.errors import AnswerTooLarge, AnswerUnreadable, explained

_PIECE: Final = 256 * 1024
_ZLIB_OR_GZIP: Final = 47  # zlib's window bits for "either, by its header"
_TEXT_TYPES: Final = ("text/", "application/xml", "application/javascript", "application/x-www")


@dataclass(frozen=True)
class Answer:
    """A whole answer: its status, headers, unpacked body and the URL it came from at last."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: str

    @property
    def is_success(self) -> bool:
        return 200 <= self.status < 300

    @property
    def content_type(self) -> str:
        """The media type without its parameters, lower-case; empty if none was sent."""
        whole: str = self.headers.get("content-type", "")
        return whole.partition(";")[0].strip().lower()

    @property
    def text(self) -> str:
        """The body in the charset it names, else UTF-8; what does not fit is replaced."""
        named = httpx.Response(200, headers=self.headers).charset_encoding or "utf-8"
        try:
            return self.body.decode(named, errors="replace")
        except LookupError:
            return self.body.decode("utf-8", errors="replace")

    def json(self) -> JsonValue:
        """Return the body read as JSON; raises :class:`AnswerUnreadable` when it is none."""
        try:
            value: JsonValue = json.loads(self.body)
        except (ValueError, RecursionError) as error:
            raise AnswerUnreadable(
                f"{httpx.URL(self.url).host} did not answer with JSON; check that the URL is its "
                "API's.",
                {"status": self.status},
            ) from error
        return value

    def data(self) -> JsonValue:
        """Return the body as JSON where it is JSON, else as text, else in base64."""
        if self.content_type.startswith("application/json") or self.content_type.endswith("+json"):
            try:
                return self.json() if self.body else None
            except AnswerUnreadable:
                return self.text
        if self.content_type.startswith(_TEXT_TYPES) or not self.content_type:
            return self.text
        return base64.b64encode(self.body).decode()


@dataclass(frozen=True)
class StreamedAnswer:
    """An answer whose body is read as it comes; ``deadline`` is in the event loop's time."""

    response: httpx.Response
    url: str
    deadline: float
    max_bytes: int

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def headers(self) -> httpx.Headers:
        return self.response.headers

    async def pieces(self) -> AsyncIterator[bytes]:
        """Yield the unpacked body; raises ``AnswerTooLarge``, ``NoAnswerInTime``, …"""
        unpack = _unpacker(self.headers.get("content-encoding", ""))
        total = 0
        async for packed in self._packed():
            for piece in unpack.feed(packed):
                total += len(piece)
                if total > self.max_bytes:
                    raise self._too_large()
                yield piece
        unpack.finish()

    async def whole(self) -> Answer:
        """Read the body to its end."""
        said = self.headers.get("content-length", "")
        if self.response.request.method != "HEAD" and said.isdigit() and int(said) > self.max_bytes:
            raise self._too_large()
        body = b"".join([piece async for piece in self.pieces()])
        return Answer(self.status, self.headers, body, self.url)

    async def _packed(self) -> AsyncIterator[bytes]:
        pieces = aiter(self.response.stream)  # type: ignore[arg-type] # ours is asynchronous
        while True:
            try:
                with explained(httpx.URL(self.url).host):
                    async with asyncio.timeout_at(self.deadline):
                        piece = await anext(pieces)
            except StopAsyncIteration:
                return
            yield piece

    def _too_large(self) -> AnswerTooLarge:
        return AnswerTooLarge(
            f"The answer of {httpx.URL(self.url).host} is larger than {self.max_bytes} bytes; ask "
            "it for less.",
            {"maxBytes": self.max_bytes},
        )


class _Plain:
    def feed(self, packed: bytes) -> Iterator[bytes]:
        yield packed

    def finish(self) -> None:
        """A plain body's length is checked by the protocol."""


class _Zipped:
    """Unpacks in pieces of bounded size, so that a bomb is noticed before it fills memory."""

    def __init__(self) -> None:
        self._member = zlib.decompressobj(_ZLIB_OR_GZIP)
        self._is_empty = True

    def feed(self, packed: bytes) -> Iterator[bytes]:
        self._is_empty = self._is_empty and not packed
        is_drained = not packed
        while not is_drained:
            if self._member.eof:
                self._member = zlib.decompressobj(_ZLIB_OR_GZIP)
            try:
                piece = self._member.decompress(packed, _PIECE)
            except zlib.error as error:
                raise _unreadable() from error
            packed = self._member.unused_data or self._member.unconsumed_tail
            # zlib may hold back output though it has taken in all of its input
            is_drained = not packed and (self._member.eof or len(piece) < _PIECE)
            if piece:
                yield piece

    def finish(self) -> None:
        if not self._member.eof and not self._is_empty:
            raise _unreadable()


def _unpacker(encoding: str) -> _Plain | _Zipped:
    name = encoding.strip().lower()
    if name in ("", "identity"):
        return _Plain()
    if name in ("gzip", "x-gzip", "deflate"):
        return _Zipped()
    raise AnswerUnreadable(f"The answer is packed as {name[:40]}, which was not asked for.")


def _unreadable() -> AnswerUnreadable:
    return AnswerUnreadable("The packed answer is damaged or cut off; try again.")
