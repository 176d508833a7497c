from __future__ import annotations

import asyncio

import pytest
from sqlalchemy import text

from core.errors import NotFound
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import Store
from tests.conftest import Owner
from tests.knowledge import add_document, make_base, new_chunk


async def _rows(store: Store, table: str) -> int:
    async with store.engine.connect() as connection:
        return int(await connection.scalar(text(f"SELECT count(*) FROM {table}")) or 0)


async def _term_counts(store: Store, base: KnowledgeBase) -> dict[str, int]:
    async with store.engine.connect() as connection:
        rows = await connection.execute(
            text("SELECT term, chunk_count FROM terms WHERE base_no = :no"), {"no": base.no}
        )
        return dict(rows.all())


async def _counts(store: Store, base: KnowledgeBase) -> tuple[int, int, int]:
    async with store.unit(base.workspace_id) as unit:
        found = await unit.bases.get(base.id)
        assert found is not None
        return found.chunk_count, found.token_count, found.word_count


async def test_writing_fills_index_and_counts(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    document_id = await add_document(store, base, ["green apple apple", "green pear"], "x.txt")
    assert await _term_counts(store, base) == {"x": 2, "green": 2, "appl": 1, "pear": 1}
    assert await _counts(store, base) == (2, 5, 7)
    async with store.unit(owner.workspace_id) as unit:
        document = await unit.documents.get(document_id)
    assert document is not None
    assert (document.chunk_count, document.token_count, document.word_count) == (2, 5, 7)


async def test_writing_again_replaces(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    document_id = await add_document(store, base, ["green apple", "green pear", "red plum"])
    for _ in range(2):
        async with store.unit(owner.workspace_id) as unit:
            await unit.chunks.write_chunks(base, document_id, [new_chunk("blue plum")])
    assert await _term_counts(store, base) == {"blue": 1, "plum": 1}
    assert await _counts(store, base) == (1, 2, 2)
    assert await _rows(store, "vectors") == 1
    assert await _rows(store, "postings") == 2


async def test_a_failed_transaction_leaves_the_old_chunks(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    document_id = await add_document(store, base, ["green apple"], "x.txt")
    with pytest.raises(RuntimeError):
        async with store.unit(owner.workspace_id) as unit:
            await unit.chunks.write_chunks(base, document_id, [new_chunk("blue plum")])
            raise RuntimeError
    assert await _term_counts(store, base) == {"x": 1, "green": 1, "appl": 1}


async def test_deleting_leaves_nothing_but_the_others(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    gone = await add_document(store, base, ["green apple", "zanzibar"], "x.txt")
    await add_document(store, base, ["green pear"], "x.txt")
    async with store.unit(owner.workspace_id) as unit:
        assert await unit.chunks.delete_of_document(base, gone) == 2
    assert await _term_counts(store, base) == {"x": 1, "green": 1, "pear": 1}
    assert await _counts(store, base) == (1, 2, 3)
    async with store.unit(owner.workspace_id) as unit:
        await unit.chunks.delete_of_base(base)
    for table in ("chunks", "vectors", "postings", "terms"):
        assert await _rows(store, table) == 0


async def test_a_document_deleted_meanwhile_is_not_written(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    with pytest.raises(NotFound):
        async with store.unit(owner.workspace_id) as unit:
            await unit.chunks.write_chunks(base, "doc_gone", [new_chunk("blue plum")])
    assert await _rows(store, "postings") == 0


async def test_another_workspace_cannot_write(store: Store, make_owner) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = await make_owner(), await make_owner()
    base = await make_base(store, mine.workspace_id)
    document_id = await add_document(store, base, ["green apple"])
    with pytest.raises(NotFound):
        async with store.unit(theirs.workspace_id) as unit:
            await unit.chunks.delete_of_document(base, document_id)


async def test_writers_of_one_base_do_not_deadlock(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    words = [f"word{number}" for number in range(60)]
    texts = [" ".join(words[::step] or words) for step in (1, -1, 2, -2, 3, -3, 1, -1)]
    await asyncio.gather(*(add_document(store, base, [text], "x.txt") for text in texts))
    counts = await _term_counts(store, base)
    assert counts["x"] == len(texts)
    assert counts["word0"] == sum("word0 " in f"{text} " for text in texts)
