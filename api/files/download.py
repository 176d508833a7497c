"""HTTP's conditions and ranges over a stored file."""

from __future__ import annotations

from urllib.parse import quote

from werkzeug.datastructures import Headers
from werkzeug.http import parse_etags, parse_range_header

from api.call import Call, Reply
from core.errors import RangeNotSatisfiable
from core.store.files import File


def download_reply(call: Call, file: File) -> Reply:
    """Return the answer with the bytes that the request's headers ask for.

    Raises ``RangeNotSatisfiable`` for a range outside the file.
    """
    asked = call.request.headers
    tag = f'"{file.checksum}"'
    headers = {
        "ETag": tag,
        "Accept-Ranges": "bytes",
        "Content-Type": file.mime_type,
        "Content-Disposition": disposition(file.name),
        "Content-Security-Policy": "sandbox; default-src 'none'",
        "X-Content-Type-Options": "nosniff",
        "Cache-Control": "private, no-cache",
    }
    if parse_etags(asked.get("If-None-Match")).contains_weak(file.checksum):
        return Reply(status=304, headers=headers)
    part = _range(asked, tag, file.size)
    start, end = part or (0, file.size)
    if part is not None:
        headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    headers["Content-Length"] = str(end - start)
    content = call.services.blobs.read(file.blob_key, start, end)
    return Reply(status=206 if part else 200, headers=headers, stream=content)


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
