"""Blobs that a crash left without a row."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

from core.ids import new_id
from core.removal import sweep_blobs
from core.services import Services
from core.store.files import File
from tests.conftest import Owner

_DAY = timedelta(days=1)


async def _piece() -> AsyncIterator[bytes]:
    yield b"bytes"


def _age(services: Services, key: str) -> Path:
    """Have a blob be two days old."""
    (path,) = (services.settings.data_dir / "blobs").rglob(key)
    then = time.time() - 2 * _DAY.total_seconds()
    os.utime(path, (then, then))
    return path


async def test_only_old_blobs_without_a_row_go(services: Services, owner: Owner) -> None:
    keys = [(await services.blobs.put(_piece(), 10)).key for _ in range(4)]
    named, text, orphan, fresh = keys
    async with services.store.unit(owner.workspace_id) as unit:
        unit.files.add(
            File(
                id=new_id("file"),
                name="a",
                size=5,
                mime_type="text/plain",
                checksum="c",
                blob_key=named,
                text_key=text,
            )
        )
    paths = {key: _age(services, key) for key in (named, text, orphan)}
    assert await sweep_blobs(services, _DAY) == 1
    assert [path.exists() for path in paths.values()] == [True, True, False]
    assert b"".join([piece async for piece in services.blobs.read(fresh)]) == b"bytes"
    assert await sweep_blobs(services, _DAY) == 0


async def test_an_upload_in_progress_stays_and_one_that_broke_goes(services: Services) -> None:
    async def slow() -> AsyncIterator[bytes]:
        yield b"one"
        assert await sweep_blobs(services, _DAY) == 0
        yield b"two"

    stored = await services.blobs.put(slow(), 10)
    assert b"".join([piece async for piece in services.blobs.read(stored.key)]) == b"onetwo"
    (path,) = (services.settings.data_dir / "blobs").rglob(stored.key)
    partial = path.with_suffix(".partial")
    path.rename(partial)
    _age(services, partial.name)
    assert await sweep_blobs(services, _DAY) == 0
    assert not partial.exists()
