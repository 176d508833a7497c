"""Text as a blob: four bytes a code point, so that an offset in the text is a place in the blob."""

from __future__ import annotations

import codecs
import sys
from collections.abc import AsyncIterator
from typing import Final

from core.blobs.port import Blobs, Stored

WIDTH: Final = 4  # bytes of a code point
_ENCODING: Final = "utf-32-le"
_PIECE: Final = 1 << 18  # code points


async def put_text(blobs: Blobs, text: str) -> Stored:
    """Write a text; half surrogate pairs, which are no text, become question marks."""

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(text), _PIECE):
            yield text[start : start + _PIECE].encode(_ENCODING, "replace")

    return await blobs.put(pieces(), sys.maxsize)


async def read_text(blobs: Blobs, key: str, start: int, end: int) -> AsyncIterator[str]:
    """Yield the text from code point ``start`` up to ``end``; raises ``NotFound``."""
    decoder = codecs.getincrementaldecoder(_ENCODING)()
    async for piece in blobs.read(key, start * WIDTH, end * WIDTH):
        if text := decoder.decode(piece):
            yield text
