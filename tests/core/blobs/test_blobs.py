"""The contract of storage, kept by both kinds."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from core.blobs import Blobs, DiskBlobs
from core.blobs.s3 import S3Blobs
from core.blobs.text import put_text, read_text
from core.errors import NotFound, PayloadTooLarge
from core.store.base import now
from tests.core.blobs.moto_server import s3_server


@dataclass
class Storage:
    """Storage under test; ``leftovers`` counts all that lies in it, finished or not."""

    blobs: Blobs
    leftovers: Callable[[], int]


@pytest.fixture(params=["disk", "s3"])
def storage(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Storage]:
    if request.param == "disk":
        root = tmp_path / "blobs"
        yield Storage(DiskBlobs(root), lambda: sum(p.is_file() for p in root.rglob("*")))
        return
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    with s3_server() as (url, bucket, leftovers):
        yield Storage(S3Blobs(f"s3://{bucket}/some/prefix", url), leftovers)


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _all(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


async def test_what_is_written_is_read_whole_and_in_part(storage: Storage) -> None:
    blobs = storage.blobs
    stored = await blobs.put(_pieces(b"hello ", b"world"), limit=100)
    assert (stored.size, stored.checksum) == (11, hashlib.sha256(b"hello world").hexdigest())
    assert await _all(blobs.read(stored.key)) == b"hello world"
    assert await _all(blobs.read(stored.key, 6, 9)) == b"wor"
    assert await _all(blobs.read(stored.key, 6)) == b"world"
    assert await _all(blobs.read(stored.key, 6, 6)) == b""
    async with blobs.local_file(stored.key) as path:
        assert path.read_bytes() == b"hello world"


async def test_much_comes_back_as_it_went(storage: Storage) -> None:
    piece = bytes(range(256)) * 4096  # 1 MiB
    stored = await storage.blobs.put(_pieces(*[piece] * 19, b"end"), limit=1 << 30)
    content = await _all(storage.blobs.read(stored.key))
    assert (len(content), content[-3:]) == (stored.size, b"end")
    assert hashlib.sha256(content).hexdigest() == stored.checksum


async def test_ranges_of_many_parts_come_from_where_they_are(storage: Storage) -> None:
    size = 17 << 20
    content = bytes(range(251)) * (size // 251)
    stored = await storage.blobs.put(_pieces(content), limit=1 << 30)
    for start, end in ((0, 1), ((8 << 20) - 3, (8 << 20) + 3), (stored.size - 5, stored.size)):
        assert await _all(storage.blobs.read(stored.key, start, end)) == content[start:end]
    assert await _all(storage.blobs.read(stored.key, stored.size - 5)) == content[-5:]


async def test_text_is_found_by_code_point(storage: Storage) -> None:
    stored = await put_text(storage.blobs, "a\u00e9\U0001f98a\ud800b" * 1000)
    part = [piece async for piece in read_text(storage.blobs, stored.key, 2501, 2507)]
    assert "".join(part) == "\u00e9\U0001f98a?ba\u00e9"


async def test_nothing_at_all_is_a_blob_too(storage: Storage) -> None:
    stored = await storage.blobs.put(_pieces(), limit=100)
    assert (stored.size, await _all(storage.blobs.read(stored.key))) == (0, b"")


@pytest.mark.parametrize("size", [100, 9 << 20])
async def test_too_much_leaves_nothing_behind(storage: Storage, size: int) -> None:
    with pytest.raises(PayloadTooLarge):
        await storage.blobs.put(_pieces(b"x" * size, b"too much"), limit=size)
    assert storage.leftovers() == 0


@pytest.mark.parametrize("size", [100, 9 << 20])
async def test_a_broken_upload_leaves_nothing_behind(storage: Storage, size: int) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"x" * size
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await storage.blobs.put(broken(), limit=1 << 30)
    assert storage.leftovers() == 0


@pytest.mark.parametrize(
    ("operation", "size"),
    [
        ("put_object", 100),
        ("create_multipart_upload", 9 << 20),
        ("upload_part", 9 << 20),
        ("complete_multipart_upload", 9 << 20),
    ],
)
async def test_an_upload_cancelled_while_storage_works_leaves_nothing_behind(
    storage: Storage, operation: str, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A call of S3 that is under way goes on in its thread, and stores what it stores."""
    if not isinstance(storage.blobs, S3Blobs):
        pytest.skip("a file on disk has no calls that go on")
    client, begun = storage.blobs._client, threading.Event()
    real = getattr(client, operation)

    def slow(**options: object) -> object:
        begun.set()
        time.sleep(0.2)  # the caller goes away meanwhile
        return real(**options)

    monkeypatch.setattr(client, operation, slow)
    putting = asyncio.create_task(storage.blobs.put(_pieces(b"x" * size), limit=1 << 30))
    await asyncio.to_thread(begun.wait)
    putting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await putting
    await asyncio.sleep(0.4)  # whatever still went on has ended
    assert storage.leftovers() == 0


async def test_a_deleted_blob_is_gone_and_may_be_deleted_again(storage: Storage) -> None:
    stored = await storage.blobs.put(_pieces(b"x"), limit=10)
    await storage.blobs.delete(stored.key)
    await storage.blobs.delete(stored.key)
    assert storage.leftovers() == 0
    with pytest.raises(NotFound):
        await _all(storage.blobs.read(stored.key))


@pytest.mark.parametrize("key", ["../secret.key", "blob_../../x", "blob_", "/etc/passwd", ""])
async def test_a_key_is_no_path(storage: Storage, key: str) -> None:
    with pytest.raises(NotFound):
        await _all(storage.blobs.read(key))


async def test_old_keys_are_listed_and_new_ones_are_not(storage: Storage) -> None:
    kept = [(await storage.blobs.put(_pieces(b"x"), 10)).key for _ in range(3)]
    assert [key async for key in storage.blobs.keys_before(now() - timedelta(hours=1))] == []
    found = [key async for key in storage.blobs.keys_before(now() + timedelta(hours=1))]
    assert sorted(found) == sorted(kept)
