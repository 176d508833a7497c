"""Bringing a backup back, into a service that nobody uses."""

from __future__ import annotations

import asyncio
import json
import sys
import tarfile
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import IO, Any, Final

from core.backup import database
from core.backup.make import FORMAT, PROBE
from core.blobs import Blobs, open_blobs
from core.config import Settings
from core.errors import Conflict, ValidationFailed
from core.migrations import migrate
from core.security import SealBroken, Sealer
from core.services import seal_keys
from core.store.unit import async_url

_PIECE: Final = 1 << 20


class NotEmpty(Conflict):
    """The service has users already."""


class NotRestorable(ValidationFailed):
    """The file is no backup, or its secrets cannot be opened with the key at hand."""


async def restore(
    settings: Settings, database_url: str, file: Path, is_replacing: bool = False
) -> int:
    """Bring everything back from ``file`` and return the number of blobs; no process may use the
    service meanwhile. An older backup is brought to this version's schema.

    Raises :class:`NotRestorable` and, unless ``is_replacing``, :class:`NotEmpty`, with nothing
    changed.
    """
    try:
        archive = tarfile.open(file)  # noqa: SIM115 - closed below
    except (tarfile.TarError, OSError) as error:
        raise NotRestorable(f"{file} cannot be read as a backup: {error}.") from error
    with archive:
        manifest, key = _read(archive, "manifest.json"), _read(archive, "secret.key")
        _check(settings, json.loads(manifest or b"{}"), key)
        await asyncio.to_thread(migrate, async_url(database_url))
        if not is_replacing and await database.has_users(database_url):
            raise NotEmpty("The service has users: say --replace to have the backup replace all.")
        await _restore_database(database_url, archive)
        if key is not None and settings.secret_key is None:
            _keep_key(settings.data_dir / "secret.key", key)
        return await _restore_blobs(archive, open_blobs(settings))


def _check(settings: Settings, manifest: dict[str, Any], key: bytes | None) -> None:
    if manifest.get("format") != FORMAT:
        raise NotRestorable("The file is no backup of this service, or of a later version of it.")
    is_own = key is not None and settings.secret_key is None
    keys = [key.decode().strip()] if is_own and key else seal_keys(settings)
    try:
        opened = Sealer(keys).open(manifest["probe"])
    except SealBroken:
        opened = None
    if opened != PROBE:
        raise NotRestorable(
            "The backup's secrets were sealed with another key: set NUXA_SECRET_KEY to the one "
            "that was in use when it was made."
        )


async def _restore_database(database_url: str, archive: tarfile.TarFile) -> None:
    with tempfile.TemporaryDirectory(prefix="nuxa-restore-") as folder:
        await asyncio.to_thread(archive.extract, "database.dump", folder, filter="data")
        dump = str(Path(folder) / "database.dump")
        await database.empty(database_url)
        # --clean is for the schema itself, which a dump may or may not make.
        whole = ("--clean", "--if-exists", "--no-owner", "--no-privileges", "--exit-on-error")
        await database.run(
            "pg_restore", database_url, *whole, "--single-transaction", "--dbname=", dump
        )
    await asyncio.to_thread(migrate, async_url(database_url))


def _keep_key(path: Path, key: bytes) -> None:
    if path.exists() and path.read_bytes() != key:
        path.rename(path.with_name("secret.key.before-restore"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(key)


async def _restore_blobs(archive: tarfile.TarFile, blobs: Blobs) -> int:
    count = 0
    for entry in archive:
        folder, _, key = entry.name.partition("/")
        content = archive.extractfile(entry) if folder == "blobs" else None
        if content is not None:
            await blobs.delete(key)
            await blobs.put(_pieces(content), sys.maxsize, key)
            count += 1
    return count


async def _pieces(content: IO[bytes]) -> AsyncIterator[bytes]:
    while piece := await asyncio.to_thread(content.read, _PIECE):
        yield piece


def _read(archive: tarfile.TarFile, name: str) -> bytes | None:
    try:
        content = archive.extractfile(name)
    except KeyError:
        return None
    return content.read() if content else None
