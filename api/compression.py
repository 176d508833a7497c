"""Compression of JSON answers for clients that accept gzip."""

from __future__ import annotations

import asyncio
import gzip
from functools import partial
from typing import Final

from quart import Request, Response

MIN_BYTES: Final = 1_024  # smaller answers fit a packet as they are
_OFF_LOOP_BYTES: Final = 64 * 1_024
_LEVEL: Final = 1  # a higher one costs several times the time and saves a tenth of the size
_compress: Final = partial(gzip.compress, compresslevel=_LEVEL, mtime=0)


async def compress_json(asked: Request, response: Response) -> None:
    """Compress the body of a whole JSON answer in place.

    Streams, files and answers with credentials in them (`no-store`) stay as they are.
    """
    is_stream = response.timeout is None
    if is_stream or not _is_compressible(response):
        return
    if (response.content_length or 0) < MIN_BYTES:
        return
    response.headers.add("Vary", "Accept-Encoding")
    if asked.accept_encodings.quality("gzip") <= 0:
        return
    data = await response.get_data(as_text=False)
    if len(data) < _OFF_LOOP_BYTES:
        data = _compress(data)
    else:
        data = await asyncio.to_thread(_compress, data)
    response.set_data(data)
    response.headers["Content-Encoding"] = "gzip"


def _is_compressible(response: Response) -> bool:
    headers = response.headers
    return (
        response.mimetype == "application/json"
        and response.status_code != 206
        and "Content-Encoding" not in headers
        and "ETag" not in headers
        and "no-store" not in headers.get("Cache-Control", "")
    )
