"""HTTP's conditions and ranges over a stored file."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from functools import partial
from typing import Final
from urllib.parse import quote

from werkzeug.datastructures import Headers
from werkzeug.http import parse_etags, parse_range_header

from api.call import Call, Reply
from api.endpoint import Media
from core.errors import RangeNotSatisfiable
from core.store.files import File

BYTES: Final = Media("*/*")
GIVEN: Final = ("Accept-Ranges", "Cache-Control", "Content-Disposition", "ETag")


@dataclass(frozen=True)
class Download:
    """What is given: ``version`` changes with its bytes, ``read`` yields those of [start, end)."""

    name: str
    mime_type: str
    version: str
    size: int
    read: Callable[[int, int], AsyncIterator[bytes]]


def download_reply(call: Call, file: File) -> Reply:
    """Return the answer with the bytes of a file that the request's headers ask for.

    Raises ``RangeNotSatisfiable`` for a range outside the file.
    """
    read = partial(call.services.blobs.read, file.blob_key)
    return ranged_reply(call, Download(file.name, file.mime_type, file.checksum, file.size, read))


def ranged_reply(call: Call, file: Download) -> Reply:
    """Return the answer with the bytes that the request's headers ask for.

    Raises ``RangeNotSatisfiable`` for a range outside.
    """
    asked = call.request.headers
    tag = f'"{file.version}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Type": file.mime_type,
        "Content-Disposition": disposition(file.name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    if parse_etags(asked.get("If-None-Match")).contains_weak(file.version):
        return Reply(status=304, headers=headers)
    part = _range(asked, tag, file.size)
    start, end = part or (0, file.size)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    return Reply(status=206 if part else 200, headers=headers, stream=file.read(start, end))


def _range(asked: Headers, tag: str, size: int) -> tuple[int, int] | None:
    """Return the bytes ``[start, end)`` asked for; several ranges at once get the whole file."""
    condition = asked.get("If-Range")
    wanted = parse_range_header(asked.get("Range"))
    if wanted is None or wanted.units != "bytes" or len(wanted.ranges) != 1:
        return None
    if condition is not None and condition != tag:
        return None
    start, end = wanted.ranges[0]
    if start < 0:  # so many of the last bytes
        start = max(0, size + start)
    if start >= size:
        raise RangeNotSatisfiable(
            f"The file has {size} bytes; ask for a range within.", {"size": size}
        )
    return start, size if end is None else min(end, size)


def disposition(name: str) -> str:
    """Return ``Content-Disposition`` for a name in any script (RFC 6266, RFC 5987)."""
    plain = name.encode("ascii", "replace").decode().replace("\\", "_").replace('"', "_")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
