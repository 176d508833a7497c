"""Documents that are written together are all written, or none is."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

import pytest
from sqlalchemy import text

from core.errors import NotFound
from core.store.chunks import ModelChanged
from core.store.documents import Document
from core.store.first_chunks import Indexed, NotHeld
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import Store
from tests.conftest import Owner
from tests.knowledge import make_base, new_chunk

_OWNER = "worker"


async def _held(store: Store, base: KnowledgeBase, count: int = 3) -> list[Indexed]:
    """Return documents in work, and what is to be written of them."""
    held = []
    for at in range(count):
        new = Document(
            id=f"doc_{base.no}_{at}", base_id=base.id, name=f"{at}.txt", mime_type="text/plain",
            size=1, checksum=str(at), blob_key="b", meta={},
        )  # fmt: skip
        async with store.unit(base.workspace_id) as unit:
            await unit.documents.add_unless_known(new)
        async with store.system() as unit:
            assert await unit.document_jobs.claim(_OWNER, timedelta(seconds=600))
        chunks = [new_chunk(f"green plum {at}"), new_chunk(f"blue pear {at}")]
        held.append(Indexed(new.id, new.name, {"warnings": []}, chunks))
    return held


async def _change(store: Store, sql: str, **values: object) -> None:
    async with store.engine.begin() as connection:
        await connection.execute(text(sql), values)


async def _written(store: Store, base: KnowledgeBase) -> list[int]:
    """Return how many chunks, vectors, words and ended documents there are; the base's count."""
    sql = """
        SELECT (SELECT count(*) FROM chunks), (SELECT count(*) FROM vectors),
            (SELECT count(*) FROM postings), (SELECT coalesce(sum(chunk_count), 0) FROM terms),
            (SELECT count(*) FROM documents WHERE status = 'completed'),
            (SELECT chunk_count FROM knowledge_bases WHERE id = :id)
    """
    async with store.engine.connect() as connection:
        (row,) = await connection.execute(text(sql), {"id": base.id})
    return list(row)


async def test_all_are_written_counted_and_ended(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    documents = await _held(store, base)
    async with store.unit(base.workspace_id) as unit:
        await unit.first_chunks.write(base, _OWNER, documents)
    words = sum(len(chunk.words) for each in documents for chunk in each.chunks)
    assert await _written(store, base) == [6, 6, words, words, 3, 6]
    async with store.unit(base.workspace_id) as unit:
        row = await unit.documents.get(documents[1].document_id)
    assert row is not None
    assert (row.chunk_count, row.indexed_name, row.lease_owner) == (2, "1.txt", None)


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE documents SET cancel_requested = true WHERE id = :document",
        "UPDATE documents SET lease_owner = 'another' WHERE id = :document",
        "UPDATE documents SET status = 'cancelled' WHERE id = :document",
        "DELETE FROM documents WHERE id = :document",
    ],
)
async def test_one_that_is_not_held_keeps_all_from_being_written(
    store: Store, owner: Owner, change: str
) -> None:
    base = await make_base(store, owner.workspace_id)
    documents = await _held(store, base)
    await _change(store, change, document=documents[1].document_id)
    with pytest.raises(NotHeld):
        async with store.unit(base.workspace_id) as unit:
            await unit.first_chunks.write(base, _OWNER, documents)
    assert await _written(store, base) == [0] * 6


async def test_nothing_is_written_with_the_vectors_of_another_model(
    store: Store, owner: Owner
) -> None:
    base = await make_base(store, owner.workspace_id)
    documents = await _held(store, base)
    await _change(
        store, "UPDATE knowledge_bases SET vector_set_no = 999 WHERE id = :id", id=base.id
    )
    with pytest.raises(ModelChanged):
        async with store.unit(base.workspace_id) as unit:
            await unit.first_chunks.write(base, _OWNER, documents)
    assert await _written(store, base) == [0] * 6


async def test_another_workspaces_base_is_not_found(
    store: Store, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    owner, stranger = await make_owner(), await make_owner()
    base = await make_base(store, owner.workspace_id)
    documents = await _held(store, base)
    with pytest.raises(NotFound):
        async with store.unit(stranger.workspace_id) as unit:
            await unit.first_chunks.write(base, _OWNER, documents)
    assert await _written(store, base) == [0] * 6
