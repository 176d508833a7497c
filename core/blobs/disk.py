"""Blobs as files under a folder."""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path
from typing import BinaryIO

from core.blobs.port import Stored, is_key
from core.errors import NotFound, PayloadTooLarge
from core.ids import new_id


class DiskBlobs:
    """Written beside their place and moved in whole."""

    _piece = 1 << 20

    def __init__(self, root: Path) -> None:
        self._root = root
        root.mkdir(parents=True, exist_ok=True)
        root.chmod(0o700)

    async def put(self, chunks: AsyncIterator[bytes], limit: int, key: str | None = None) -> Stored:
        key = key or new_id("blob")
        path = self._path(key)
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        digest, size = hashlib.sha256(), 0
        held, holds = [], 0  # a thread is asked for whole pieces: for most contents once
        try:
            with partial.open("wb") as file:
                async for chunk in chunks:
                    size += len(chunk)
                    if size > limit:
                        raise PayloadTooLarge(f"The file is larger than {limit} bytes.")
                    digest.update(chunk)
                    held.append(chunk)
                    holds += len(chunk)
                    if holds >= self._piece:
                        await asyncio.to_thread(file.writelines, held)
                        held, holds = [], 0
                await asyncio.to_thread(_end, file, held)
            partial.rename(path)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return Stored(key, size, digest.hexdigest())

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        path = self._existing(key)
        left = (path.stat().st_size if end is None else end) - start
        with path.open("rb") as file:
            file.seek(start)
            while left > 0:
                piece = await asyncio.to_thread(file.read, min(self._piece, left))
                if not piece:
                    return
                left -= len(piece)
                yield piece

    @asynccontextmanager
    async def local_file(self, key: str) -> AsyncIterator[Path]:
        yield self._existing(key)

    async def keys_before(self, moment: datetime) -> AsyncIterator[str]:
        for folder in await asyncio.to_thread(lambda: sorted(self._root.iterdir())):
            for key in await asyncio.to_thread(_old_keys, folder, moment.timestamp()):
                yield key

    async def delete(self, key: str) -> None:
        self._path(key).unlink(missing_ok=True)

    def _existing(self, key: str) -> Path:
        path = self._path(key)
        if not path.is_file():
            raise NotFound("The stored content is gone; upload it again.")
        return path

    def _path(self, key: str) -> Path:
        if not is_key(key):
            raise NotFound("There is no such stored content.")
        return self._root / key[-2:] / key


def _old_keys(folder: Path, before: float) -> list[str]:
    found = []
    for path in folder.iterdir():
        try:
            is_old = path.stat().st_mtime < before
        except FileNotFoundError:
            continue  # deleted, or moved to its place, just now
        if is_old and path.suffix == ".partial":
            path.unlink(missing_ok=True)
        elif is_old and is_key(path.name):
            found.append(path.name)
    return found


def _end(file: BinaryIO, rest: list[bytes]) -> None:
    """Write the rest of a file and have the disk keep it all."""
    file.writelines(rest)
    file.flush()
    os.fsync(file.fileno())
