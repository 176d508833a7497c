"""multipart/form-data read as it comes, in a bounded amount of memory."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final, Protocol

from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Event, Field, File, MultipartDecoder, NeedData

from core.errors import PayloadTooLarge, TimedOut, ValidationFailed

_STEP: Final = 256 * 1024
_BUFFER: Final = 1 << 20  # bytes of headers, or of anything without a boundary
_MOST_PARTS: Final = 50
_LONGEST_FIELD: Final = 64 * 1024
_SILENCE_SECONDS: Final = 60


class Digest(Protocol):
    """A checksum that grows, as hashlib's do."""

    def update(self, data: bytes, /) -> None: ...

    def hexdigest(self) -> str: ...


@dataclass(frozen=True)
class FieldPart:
    """A plain form field."""

    name: str
    value: str


@dataclass(frozen=True)
class FilePart:
    """A file; read its ``pieces`` to the end before the next part is asked for."""

    name: str
    filename: str
    pieces: AsyncIterator[bytes]


async def read_parts(
    headers: Headers, body: AsyncIterator[bytes], digest: Digest | None = None
) -> AsyncGenerator[FieldPart | FilePart, None]:
    """Yield the parts of a form in order; raises ``ValidationFailed`` for a malformed form.

    ``digest`` is fed what the form says, which no boundary changes.
    """
    async with aclosing(_events(_boundary(headers), body)) as events:
        async for event in events:
            if isinstance(event, File):
                _feed(digest, "file", event.name, event.filename)
                pieces = _data(events)
                yield FilePart(
                    event.name or "", event.filename, _fed(digest, pieces) if digest else pieces
                )
            elif isinstance(event, Field):
                value = await _value(event, _data(events))
                _feed(digest, "field", event.name, value)
                yield FieldPart(event.name or "", value)


async def update_digest(
    headers: Headers, body: AsyncIterator[bytes], digest: Digest, limit: int
) -> None:
    """Feed a digest a whole form, of which nothing is kept.

    Raises ``PayloadTooLarge`` for more than ``limit`` bytes of files.
    """
    size = 0
    async with aclosing(read_parts(headers, body, digest)) as parts:
        async for part in parts:
            if isinstance(part, FilePart):
                async for piece in part.pieces:
                    size += len(piece)
                    if size > limit:
                        raise PayloadTooLarge(f"The file is larger than {limit} bytes.")


def _feed(digest: Digest | None, *texts: str | None) -> None:
    if digest is not None:
        digest.update(json.dumps(texts).encode())


async def _fed(digest: Digest, pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    size = 0
    async for piece in pieces:
        digest.update(piece)
        size += len(piece)
        yield piece
    _feed(digest, "end", str(size))


def _boundary(headers: Headers) -> bytes:
    _, options = parse_options_header(headers.get("Content-Type", ""))
    boundary = options.get("boundary", "")
    if not boundary:
        raise ValidationFailed("The form's Content-Type names no boundary.")
    return boundary.encode("utf-8", "replace")


async def _events(boundary: bytes, body: AsyncIterator[bytes]) -> AsyncGenerator[Event, None]:
    decoder = MultipartDecoder(boundary, _BUFFER, max_parts=_MOST_PARTS)
    try:
        async for piece in _not_silent(body):
            for start in range(0, len(piece), _STEP):
                decoder.receive_data(piece[start : start + _STEP])
                while not isinstance(event := decoder.next_event(), NeedData | Epilogue):
                    yield event
        decoder.receive_data(None)
        while not isinstance(event := decoder.next_event(), Epilogue):
            yield event
    except ValueError as error:
        raise ValidationFailed("The form is cut off or no multipart/form-data.") from error


async def _not_silent(body: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    pieces = aiter(body)
    while True:
        try:
            async with asyncio.timeout(_SILENCE_SECONDS):
                piece = await anext(pieces)
        except StopAsyncIteration:
            return
        except TimeoutError as error:
            raise TimedOut("The upload stopped arriving; send it again.") from error
        yield piece


async def _data(events: AsyncGenerator[Event, None]) -> AsyncIterator[bytes]:
    async for event in events:
        if isinstance(event, Data):
            if event.data:
                yield event.data
            if not event.more_data:
                return


async def _value(field: Field, pieces: AsyncIterator[bytes]) -> str:
    value = bytearray()
    async for piece in pieces:
        value += piece
        if len(value) > _LONGEST_FIELD:
            raise PayloadTooLarge(f"The form field {field.name} is longer than {_LONGEST_FIELD}.")
    return value.decode()
