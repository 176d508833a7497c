from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from core.blobs import DiskBlobs
from core.errors import NotFound, PayloadTooLarge


async def _pieces(*pieces: bytes) -> AsyncIterator[bytes]:
    for piece in pieces:
        yield piece


async def _all(stream: AsyncIterator[bytes]) -> bytes:
    return b"".join([piece async for piece in stream])


async def test_what_is_written_is_read_whole_and_in_part(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    stored = await blobs.put(_pieces(b"hello ", b"world"), limit=100)
    assert (stored.size, stored.checksum) == (11, hashlib.sha256(b"hello world").hexdigest())
    assert await _all(blobs.read(stored.key)) == b"hello world"
    assert await _all(blobs.read(stored.key, 6, 9)) == b"wor"
    async with blobs.local_file(stored.key) as path:
        assert path.read_bytes() == b"hello world"


async def test_too_much_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(PayloadTooLarge):
        await DiskBlobs(tmp_path).put(_pieces(b"12345", b"67890"), limit=9)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_broken_upload_leaves_nothing_behind(tmp_path: Path) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"some"
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await DiskBlobs(tmp_path).put(broken(), limit=100)
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


async def test_a_deleted_blob_is_gone_and_may_be_deleted_again(tmp_path: Path) -> None:
    blobs = DiskBlobs(tmp_path)
    stored = await blobs.put(_pieces(b"x"), limit=10)
    await blobs.delete(stored.key)
    await blobs.delete(stored.key)
    with pytest.raises(NotFound):
        await _all(blobs.read(stored.key))


@pytest.mark.parametrize("key", ["../secret.key", "blob_../../x", "blob_", "/etc/passwd", ""])
async def test_a_key_is_no_path(tmp_path: Path, key: str) -> None:
    with pytest.raises(NotFound):
        await _all(DiskBlobs(tmp_path / "blobs").read(key))
