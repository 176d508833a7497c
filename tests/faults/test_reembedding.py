"""The worker that embeds a base anew is killed: the base keeps its model until all is done."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import text

from core.config import Settings
from core.models import export
from core.models.embed import Embedder
from core.services import Services
from core.store.reembeddings import Reembedding
from tests.conftest import Owner
from tests.faults.conftest import Crew, until
from tests.faults.shelf import Shelf
from tests.ingest import making
from tests.tiny_model import make_tiny_model

_UNLIKE = """
    SELECT count(*) FROM chunks c JOIN knowledge_bases b ON b.id = c.base_id
    LEFT JOIN vectors v ON v.base_no = b.vector_set_no AND v.chunk_no = c.no
    WHERE b.id = :id AND vector_dims(v.embedding) IS DISTINCT FROM b.embedding_dimensions
"""


@pytest.mark.slow
async def test_a_killed_worker_leaves_the_old_model_and_the_next_goes_on(
    crew: Crew,
    services: Services,
    owner: Owner,
    settings: Settings,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    model = str(await asyncio.to_thread(make_tiny_model, tmp_path / "model", 8))
    roots = export.roots(settings)
    monkeypatch.setattr(
        export, "roots", lambda _: (roots[-1], roots[-1])
    )  # nothing beside the packages
    dimensions = await asyncio.to_thread(lambda: Embedder(model, settings).dimensions)

    shelf = await Shelf.make(services, owner.workspace_id)
    prose = making.prose("Each mooring has a ring, a rope and a lamp of its own", 300)
    await shelf.add("long.txt", prose.encode())
    crew.start_worker("upkeep")
    worker = crew.start_worker("documents")
    await until(shelf.has_ended)
    # As many passages as take a second at least, without waiting for so many to be read.
    async with services.store.engine.begin() as connection:
        await connection.execute(text(_COPIES), {"id": shelf.base.id})
        count = await connection.scalar(
            text("SELECT count(*) FROM chunks WHERE base_id = :id"), {"id": shelf.base.id}
        )
        await connection.execute(
            text("UPDATE knowledge_bases SET chunk_count = :n WHERE id = :id"),
            {"n": count, "id": shelf.base.id},
        )

    async def change() -> Reembedding | None:
        async with services.store.unit(owner.workspace_id) as unit:
            return (await unit.reembeddings.latest([shelf.base.id])).get(shelf.base.id)

    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.reembeddings.begin(shelf.base, model, dimensions)

    async def done() -> int:
        async with services.store.unit(owner.workspace_id) as unit:
            return await unit.reembeddings.count_done(row)

    async def is_under_way() -> bool:
        return 0 < await done() < count

    await until(is_under_way)
    crew.kill(worker)
    kept = await done()
    found = await change()
    assert found is not None and found.status == "processing", "it is too short to be caught"
    async with services.store.unit(owner.workspace_id) as unit:
        (before,) = await unit.hits.bases([shelf.base.id])
    assert before.embedding_model == shelf.base.embedding_model
    assert kept < count

    crew.start_worker("documents")

    async def has_ended() -> bool:
        return await change() is None

    await until(has_ended)
    async with services.store.unit(owner.workspace_id) as unit:
        (after,) = await unit.hits.bases([shelf.base.id])
    assert (after.embedding_model, after.embedding_dimensions) == (model, 8)
    async with services.store.engine.connect() as connection:
        assert await connection.scalar(text(_UNLIKE), {"id": shelf.base.id}) == 0


_COPIES = """
    INSERT INTO chunks (id, workspace_id, base_id, document_id, chunk_index, content, token_count,
        heading_path, start_offset, end_offset, metadata, enabled, terms, frequencies)
    SELECT c.id || n, c.workspace_id, c.base_id, c.document_id, 1000 * n + c.chunk_index, c.content,
        c.token_count, c.heading_path, c.start_offset, c.end_offset, c.metadata, true, '{}', '{}'
    FROM chunks c, generate_series(1, 100) AS n WHERE c.base_id = :id
"""
