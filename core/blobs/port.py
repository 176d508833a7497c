"""What storage of bytes is, wherever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Stored:
    """A written blob: its key, its size in bytes and its SHA-256 in hexadecimal."""

    key: str
    size: int
    checksum: str


class Blobs(Protocol):
    """What both kinds of storage do; a blob never changes once it is written."""

    async def put(self, chunks: AsyncIterator[bytes], limit: int, key: str | None = None) -> Stored:
        """Write a new blob; raises ``PayloadTooLarge`` past ``limit`` bytes and leaves nothing.

        ``key`` is that of a blob that comes back from a backup.
        """
        ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncIterator[bytes]:
        """Yield the bytes of ``[start, end)``; raises ``NotFound`` for an unknown key."""
        ...

    def local_file(self, key: str) -> AbstractAsyncContextManager[Path]:
        """Give the blob as a file to read, for programs that take only files."""
        ...

    def keys_before(self, moment: datetime) -> AsyncIterator[str]:
        """Yield the keys of blobs that were written before a moment; what a broken upload left
        behind from before it is deleted on the way."""
        ...

    async def delete(self, key: str) -> None:
        """Delete a blob; an unknown key is no error."""
        ...


def is_key(key: str) -> bool:
    """Return whether a key is one that storage gave out: never a path."""
    return key.startswith("blob_") and key.removeprefix("blob_").isalnum()
