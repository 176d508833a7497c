from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta

from sqlalchemy import text

from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from core.store.unit import Store
from tests.conftest import Owner
from tests.knowledge import add_document, make_base

_LEASE = timedelta(seconds=30)


async def _waiting(store: Store, base: KnowledgeBase, count: int) -> list[str]:
    ids = [await add_document(store, base, ["plum"], f"{at}.txt") for at in range(count)]
    async with store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE documents SET status = 'pending' WHERE id = ANY(:ids)"), {"ids": ids}
        )
    return ids


async def _claim(store: Store, lease: timedelta = _LEASE) -> Document | None:
    async with store.system() as unit:
        return await unit.document_jobs.claim("worker", lease)


async def _claimed(store: Store, lease: timedelta = _LEASE) -> str | None:
    document = await _claim(store, lease)
    return document and document.id


async def test_the_workspace_with_the_fewest_in_work_comes_first(
    store: Store, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    crowded, quiet = [await make_base(store, (await make_owner()).workspace_id) for _ in range(2)]
    first, second, third = await _waiting(store, crowded, 3)
    (late,) = await _waiting(store, quiet, 1)
    assert [await _claimed(store) for _ in range(5)] == [first, late, second, third, None]


async def test_a_row_whose_lease_ran_out_is_taken_again(store: Store, owner: Owner) -> None:
    (row_id,) = await _waiting(store, await make_base(store, owner.workspace_id), 1)
    assert await _claimed(store, timedelta(seconds=-1)) == row_id
    again = await _claim(store)
    assert again is not None
    assert (again.id, again.attempts, again.status) == (row_id, 2, "processing")
    assert await _claimed(store) is None


async def test_a_row_that_someone_holds_is_passed_over(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    held, free = await _waiting(store, base, 2)
    lock = text("SELECT id FROM documents WHERE id = :id FOR UPDATE")
    async with store.engine.begin() as connection:
        await connection.execute(lock, {"id": held})
        assert [await _claimed(store) for _ in range(2)] == [free, None]
    assert await _claimed(store) == held


async def test_what_is_claimed_has_left_its_session(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await _waiting(store, base, 1)
    document = await _claim(store)
    assert document is not None
    assert (document.base_id, document.meta, document.lease_owner) == (base.id, {}, "worker")


async def _rows_read(store: Store) -> int:
    """Return how many rows of the table this store's one idle connection made PostgreSQL read."""
    async with store.engine.connect() as connection:
        await connection.execute(text("SELECT pg_stat_force_next_flush()"))
        await connection.commit()
        return int(await connection.scalar(text(_READ)) or 0)


async def test_a_claim_does_not_look_at_all_that_waits(store: Store, owner: Owner) -> None:
    rows = 2_000
    base = await make_base(store, owner.workspace_id)
    await _waiting(store, base, 1)
    columns = "workspace_id, base_id, name, mime_type, size, blob_key, metadata, status"
    async with store.engine.begin() as connection:
        await connection.execute(
            text(f"""
                INSERT INTO documents (id, checksum, enabled, chunk_count, token_count, word_count,
                    progress, pages_done, attempts, cancel_requested, created_at, {columns})
                SELECT 'doc_' || g, g::text, true, 0, 0, 0, 0, 0, 0, false,
                    now() + g * interval '1 ms', {columns}
                FROM documents, generate_series(1, :rows) AS g
            """),
            {"rows": rows},
        )
        await connection.execute(text("ANALYZE documents"))
    before = await _rows_read(store)
    assert await _claimed(store) is not None
    after = await _rows_read(store)
    assert after - before < rows / 4


_READ = """
    SELECT seq_tup_read + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
    WHERE relname = 'documents'
"""
