"""Deleting what has bytes in storage: rows first, their blobs once that is committed."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from functools import partial
from typing import Final

from core.blobs import Blobs
from core.services import Services
from core.store.base import now
from core.store.files import File
from core.store.knowledge_bases import KnowledgeBase
from core.store.pages import PageRequest
from core.store.unit import Unit

_SWEPT_AT_ONCE: Final = 500
_RECORDINGS_AT_ONCE: Final = 20


async def remove_base(unit: Unit, blobs: Blobs, base: KnowledgeBase) -> None:
    """Delete a base with all that is in it."""
    await unit.chunks.delete_of_base(base)
    blob_keys = await unit.documents.blob_keys(base.id)
    await unit.bases.delete(base)
    await forget_blobs(unit, blobs, blob_keys)


async def remove_file(unit: Unit, blobs: Blobs, file: File) -> None:
    """Delete an uploaded file; its bytes stay while a document was made from them."""
    await unit.files.delete(file)
    await forget_blobs(unit, blobs, [file.blob_key, file.text_key])


async def remove_workspace(services: Services, workspace_id: str) -> None:
    """Delete a workspace: each base in a transaction of its own, for they may be large, then it."""
    while True:
        async with services.store.unit(workspace_id) as unit:
            page = await unit.bases.page(PageRequest(1))
            for base in page.rows:
                await remove_base(unit, services.blobs, base)
            if not page.rows:
                blob_keys = [
                    *await unit.files.all_blob_keys(),
                    *await unit.artifacts.all_blob_keys(),
                    *await unit.voice_recordings.all_blob_keys(),
                ]
                break
    async with services.store.system() as system:
        await system.workspaces.delete(await system.workspaces.load(workspace_id))
    for key in blob_keys:
        await services.blobs.delete(key)


async def remove_old_recordings(services: Services) -> int:
    """Delete recordings of conversations that were kept long enough; return how many."""
    removed = 0
    while True:
        async with services.store.system() as system:
            count, blob_keys = await system.voice_recordings.take_expired(_RECORDINGS_AT_ONCE)
        for key in blob_keys:
            await services.blobs.delete(key)
        removed += count
        if not count:
            return removed


async def sweep_blobs(services: Services, unused_for: timedelta) -> int:
    """Delete blobs that no row names, written longer ago; return how many.

    A row is committed moments after its blob was written, or never: a crash in between is what
    leaves such blobs. ``unused_for`` must be longer than any request or job lasts.
    """
    swept, batch = 0, list[str]()
    async for key in services.blobs.keys_before(now() - unused_for):
        batch.append(key)
        if len(batch) == _SWEPT_AT_ONCE:
            swept += await _delete_unnamed(services, batch)
            batch = []
    return swept + await _delete_unnamed(services, batch)


async def _delete_unnamed(services: Services, keys: list[str]) -> int:
    if not keys:
        return 0
    async with services.store.system() as system:
        unnamed = await system.blob_keys.unnamed(keys)
    for key in unnamed:
        await services.blobs.delete(key)
    return len(unnamed)


async def forget_blobs(unit: Unit, blobs: Blobs, keys: Iterable[str | None]) -> None:
    """Delete those bytes, after the commit, that no file and no document names any more."""
    await unit.flush()
    for key in await unit.files.unused_blobs([key for key in keys if key]):
        unit.after_commit(partial(blobs.delete, key))
