"""The worker that reads a base's documents again is killed: each is whole, old or new."""

from __future__ import annotations

import pytest

from core.services import Services
from core.store.rechunkings import DocumentCounts
from tests.conftest import Owner
from tests.faults.conftest import Crew, until
from tests.faults.shelf import Shelf
from tests.ingest import making

DOCUMENTS = 12


async def _counts(shelf: Shelf) -> DocumentCounts:
    async with shelf.services.store.unit(shelf.base.workspace_id) as unit:
        base = await unit.bases.get(shelf.base.id)
        assert base is not None
        return await unit.rechunkings.count_documents(base)


async def _change(shelf: Shelf) -> None:
    async with shelf.services.store.unit(shelf.base.workspace_id) as unit:
        base = await unit.bases.lock(shelf.base.id)
        assert base is not None
        before = base.chunking_key
        base.chunking = {"maxTokens": 60}
        await unit.flush()
        assert await unit.rechunkings.begin(base, before) is not None


@pytest.mark.slow
async def test_killed_rechunking_leaves_whole_documents_and_goes_on(
    crew: Crew, services: Services, owner: Owner
) -> None:
    shelf = await Shelf.make(services, owner.workspace_id)
    contents = {
        f"{n:02}.txt": making.prose(f"Mooring {n} has a ring, a rope and a lamp", 30).encode()
        for n in range(DOCUMENTS)
    }
    for name, content in contents.items():
        await shelf.add(name, content)
    crew.start_worker("upkeep")
    worker = crew.start_worker("documents")
    await until(shelf.has_ended)
    old = {(row.name, row.chunk_index): row.content for row in await shelf.chunks()}

    await _change(shelf)

    async def is_under_way() -> bool:
        return 0 < (await _counts(shelf)).done < DOCUMENTS - 1

    await until(is_under_way)
    crew.kill(worker)
    counts = await _counts(shelf)
    assert counts.done < DOCUMENTS, "it is too short to be caught"
    mixed: dict[str, dict[int, str]] = {}
    for row in await shelf.chunks():
        mixed.setdefault(row.name, {})[row.chunk_index] = row.content
    assert set(mixed) == set(contents)
    kept = {
        name
        for name, chunks in mixed.items()
        if chunks == {at: text for (of, at), text in old.items() if of == name}
    }
    assert len(kept) == DOCUMENTS - counts.done
    await shelf.check_counts()

    crew.start_worker("documents")

    async def has_ended() -> bool:
        async with services.store.unit(owner.workspace_id) as unit:
            return not await unit.rechunkings.latest([shelf.base.id])

    await until(has_ended)
    undisturbed = await Shelf.make(services, owner.workspace_id)
    async with services.store.unit(owner.workspace_id) as unit:
        base = await unit.bases.get(undisturbed.base.id)
        assert base is not None
        base.chunking = {"maxTokens": 60}
    for name, content in contents.items():
        await undisturbed.add(name, content)
    await until(undisturbed.has_ended)
    assert await shelf.chunks() == await undisturbed.chunks()
    await shelf.check_counts()
