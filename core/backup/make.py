"""Making a backup, while the service runs or not."""

from __future__ import annotations

import asyncio
import io
import json
import os
import tarfile
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from core.backup import database
from core.blobs import Blobs, open_blobs
from core.config import Settings
from core.errors import Conflict, NotFound
from core.security import Sealer
from core.services import seal_keys
from core.store.base import now

FORMAT: Final = 1
PROBE: Final = "nuxa"  # sealed into the manifest, so that a restore can tell the right key


@dataclass(frozen=True)
class Summary:
    """What a backup holds."""

    blobs: int
    size: int  # bytes of the file
    has_key: bool


async def backup(settings: Settings, database_url: str, file: Path) -> Summary:
    """Write everything into a new ``file``, which only its owner may read.

    The database is as it was at one moment; blobs, which never change, are those its rows named
    shortly before or after. Raises ``Conflict`` when the file exists.
    """
    if await asyncio.to_thread(file.exists):
        raise Conflict(f"{file} exists; give a new name, so that no older backup is lost.")
    partial = file.with_name(f"{file.name}.partial")
    try:
        with tempfile.TemporaryDirectory(prefix="nuxa-backup-", dir=file.parent) as folder:
            summary = await _write(settings, database_url, partial, Path(folder))
        partial.rename(file)
    finally:
        partial.unlink(missing_ok=True)
    return summary


async def _write(settings: Settings, database_url: str, target: Path, folder: Path) -> Summary:
    dump = folder / "database.dump"
    keys = await database.blob_keys(database_url)
    await database.run("pg_dump", database_url, "--format=custom", f"--file={dump}")
    keys |= await database.blob_keys(database_url)
    probe = Sealer(seal_keys(settings)).seal(PROBE)  # makes the key if nobody needed one yet
    has_key = settings.secret_key is None
    key_file = settings.data_dir / "secret.key"
    manifest = {"format": FORMAT, "madeAt": now().isoformat(), "probe": probe}
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw, tarfile.open(fileobj=raw, mode="w") as archive:
        await asyncio.to_thread(_add_bytes, archive, "manifest.json", json.dumps(manifest).encode())
        await asyncio.to_thread(archive.add, dump, "database.dump")
        if has_key:
            await asyncio.to_thread(archive.add, key_file, "secret.key")
        count = await _add_blobs(archive, open_blobs(settings), sorted(keys))
    return Summary(count, (await asyncio.to_thread(target.stat)).st_size, has_key)


async def _add_blobs(archive: tarfile.TarFile, blobs: Blobs, keys: list[str]) -> int:
    """Add the blobs that are there and return how many; others were deleted meanwhile."""
    count = 0
    for key in keys:
        try:
            async with blobs.local_file(key) as path:
                await asyncio.to_thread(archive.add, path, f"blobs/{key}")
        except NotFound:
            continue
        count += 1
    return count


def _add_bytes(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size, entry.mode = len(content), 0o600
    archive.addfile(entry, io.BytesIO(content))
