"""A client that breaks off in the middle of an upload leaves no bytes and no row."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import pytest
from sqlalchemy import text

from core.services import Services
from tests.api.conftest import Member

_HEAD: Final = b"--cut\r\n"
_FIELD: Final = b'Content-Disposition: form-data; name="metadata"\r\n\r\n{}\r\n--cut\r\n'
_FILE: Final = b'Content-Disposition: form-data; name="file"; filename="long.txt"\r\n\r\n'
_LINE: Final = b"The quick brown fox jumps over the lazy dog.\n"
_END: Final = b"\r\n--cut--\r\n"
_TABLES: Final = ("files", "documents", "workflows")
# What has been sent when the client goes, and how many bytes of the file are then in storage.
_POINTS: Final = {
    "nothing of the body": b"",
    "half a boundary": _HEAD[:3],
    "half the headers of the file": _HEAD + _FILE[:30],
    "no byte of the file": _HEAD + _FILE,
    "a little of the file": _HEAD + _FILE + _LINE * 10,
    "much of the file": _HEAD + _FILE + _LINE * 100_000,
    "all of the file but not its end": _HEAD + _FILE + _LINE * 50_000 + _END[:6],
    "half of what follows the file": _HEAD
    + _FILE
    + _LINE * 50_000
    + _END[:-4]
    + b"\r\n"
    + _FIELD[:40],
}


async def _break_off(member: Member, path: str, kind: str, sent: bytes, is_reset: bool) -> None:
    """Send the beginning of a larger body, and go once the server had time to take it in."""
    url = urlsplit(str(member.program.base_url))
    reader, writer = await asyncio.open_connection(url.hostname, url.port)
    head = [
        f"POST {path} HTTP/1.1",
        f"Host: {url.netloc}",
        f"X-Api-Key: {member.program.headers['x-api-key']}",
        f"Content-Type: {kind}",
        f"Content-Length: {len(sent) + 10_000}",
    ]
    writer.write("\r\n".join([*head, "", ""]).encode() + sent)
    await writer.drain()
    with pytest.raises(TimeoutError):  # it waits for the rest
        await asyncio.wait_for(reader.read(1), 0.2)
    if is_reset:  # as a process that was killed; else as one that closes properly
        raw: socket.socket = writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


def _stored(services: Services) -> list[Path]:
    blobs = services.settings.data_dir / "blobs"
    return [path for path in blobs.rglob("*") if path.is_file()]


async def _rows(services: Services) -> int:
    async with services.store.engine.connect() as connection:
        counts = [await connection.scalar(text(f"SELECT count(*) FROM {t}")) for t in _TABLES]
    return sum(count or 0 for count in counts)


async def _comes_true(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(120):  # a busy machine takes its time
        while not condition():
            await asyncio.sleep(0.01)


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
@pytest.mark.parametrize("point", _POINTS)
async def test_a_form_that_breaks_off(
    member: Member, services: Services, point: str, is_reset: bool
) -> None:
    made = await member.program.post("/api/knowledge", json={"name": "Cut"})
    documents = f"/api/knowledge/{made.json()['id']}/documents"
    paths, sent = ["/api/files/upload", documents], _POINTS[point]
    if len(sent) < 10_000:  # a workflow is not larger
        paths.append("/api/workflows/import")
    kind = "multipart/form-data; boundary=cut"
    breaking = [_break_off(member, path, kind, sent, is_reset) for path in paths]
    going = asyncio.gather(*breaking)
    if _LINE in sent:  # storage has begun: what goes afterwards was there
        await _comes_true(lambda: len(_stored(services)) == 2)
    await going
    await _comes_true(lambda: not _stored(services))
    await _same_upload_whole(member)
    assert await _rows(services) == 1
    assert len(_stored(services)) == 1


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
async def test_a_body_of_json_or_a_plain_form_that_breaks_off(
    member: Member, services: Services, is_reset: bool
) -> None:
    made = await member.program.post("/api/knowledge", json={"name": "Cut"})
    documents = f"/api/knowledge/{made.json()['id']}/documents"
    broken = (
        (documents, "application/json", b'{"text": "' + b"x" * 100_000),
        ("/api/workflows", "application/json", b'{"name": "Half a na'),
        ("/api/workflows/import", "application/json", b'{"definition": {"blocks": {'),
        ("/api/auth/token", "application/x-www-form-urlencoded", b"grant_type=refresh_to"),
    )
    await asyncio.gather(*(_break_off(member, *each, is_reset) for each in broken))
    await _same_upload_whole(member)
    assert await _rows(services) == 1
    assert len(_stored(services)) == 1


async def _same_upload_whole(member: Member) -> None:
    """The server goes on: the same upload is stored when it comes to its end."""
    whole = {"file": ("long.txt", _LINE * 10)}
    assert (await member.program.post("/api/files/upload", files=whole)).status_code == 201
