from __future__ import annotations

import numpy as np
import pytest
from sqlalchemy import text

from core.store import hits
from core.store.filters import parse_filter
from core.store.knowledge_bases import KnowledgeBase
from core.store.measures import Asked
from core.store.nearest import Nearest
from core.store.scoring import Sought
from core.store.unit import Store
from core.store.vector_indexes import tend
from tests.conftest import Owner
from tests.knowledge import DIMENSIONS, add_document, embedded, make_base

_MANY = 20_000
_FILL = """
    WITH new AS (
        INSERT INTO chunks (id, workspace_id, base_id, document_id, chunk_index, content,
            token_count, heading_path, start_offset, end_offset, metadata, enabled, terms,
            frequencies)
        SELECT 'chk_' || n, :workspace, :base, :document, n, 'text', 1, '{}', 0, 4, '{}', true,
            ARRAY['common', 'word' || n % 500], '{1,1}'
        FROM generate_series(10, :many) n RETURNING no, terms
    ), placed AS (
        INSERT INTO vectors SELECT :base_no, no, (
            SELECT array_agg(random() - 0.5 + 0 * new.no * dimension)
            FROM generate_series(1, :dimensions) dimension
        )::real[]::halfvec FROM new
    ), counted AS (
        INSERT INTO postings
        SELECT :base_no, term, no, 1, 2 FROM new, unnest(terms) term RETURNING term
    )
    INSERT INTO terms SELECT :base_no, term, count(*) FROM counted GROUP BY term
"""


async def _fresh(store: Store, base: KnowledgeBase) -> KnowledgeBase:
    async with store.unit(base.workspace_id) as unit:
        found = await unit.bases.get(base.id)
    assert found is not None
    return found


async def test_an_index_comes_with_size_and_goes_with_the_base(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, [f"text number{number}" for number in range(40)])
    assert await tend(store, large=41) == []
    (name,) = await tend(store, large=40)
    assert (await _fresh(store, base)).has_vector_index
    assert await tend(store, large=40) == []
    async with store.unit(owner.workspace_id) as unit:
        near = await unit.vectors.nearest([await _fresh(store, base)], embedded("number7"), 1)
        chunks = await unit.hits.get(near)
        assert [chunk.content for chunk in chunks.values()] == ["text number7"]
        found = await unit.bases.get(base.id)
        assert found is not None
        await unit.chunks.delete_of_base(found)
        await unit.bases.delete(found)
    assert await tend(store, large=40) == [name]


async def test_under_a_filter_for_many_an_index_goes_on_until_there_are_enough(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hits, "MOST", 5)  # chunks that are listed
    base = await make_base(store, owner.workspace_id)
    for kind in ("a", "b"):
        texts = [f"text number{number}" for number in range(30)]
        await add_document(store, base, texts, f"{kind}.txt", {"kind": kind})
    assert len(await tend(store, large=60)) == 1
    indexed = await _fresh(store, base)
    async with store.unit(owner.workspace_id) as unit:
        allowed = await unit.hits.allowed([base.id], parse_filter({"kind": "b"}))
        assert allowed.nos is None
        every = await unit.vectors.nearest([indexed], embedded("x"), 100, allowed, is_exact=True)
        assert len(every) == 30
        for limit in (10, 40):  # 40 are more than there are: looked for exactly in the end
            nearest = Nearest([indexed], embedded("number7"), limit, allowed)
            found = await unit.vectors.nearest([indexed], nearest.vector, limit, allowed)
            asked = Asked([indexed], Sought({}, {}, (1.0, 1.0)), nearest=nearest)
            measured = await unit.measures.measure(asked)
            assert len(found) == len(measured.nos) == min(limit, 30)
            assert {*found, *measured.nos} <= set(every)


@pytest.mark.slow
async def test_real_amounts_use_the_indexes_and_keep_recall(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    document = await add_document(store, base, ["rare gem"])
    values = {
        "workspace": owner.workspace_id,
        "base": base.id,
        "base_no": base.no,
        "document": document,
        "many": _MANY + 9,
        "dimensions": DIMENSIONS,
    }
    async with store.engine.begin() as connection:
        await connection.execute(text(_FILL), values)
        await connection.execute(
            text("UPDATE knowledge_bases SET chunk_count = :n, word_count = 2 * :n"), {"n": _MANY}
        )
    async with store.engine.execution_options(isolation_level="AUTOCOMMIT").connect() as connection:
        await connection.execute(text("VACUUM ANALYZE vectors, postings, chunks, terms"))
    exact_base = await _fresh(store, base)
    assert len(await tend(store, large=_MANY)) == 1
    indexed_base = await _fresh(store, base)
    rng = np.random.default_rng(7)
    shares = []
    async with store.unit(owner.workspace_id) as unit:
        for _ in range(20):
            asked = rng.standard_normal(DIMENSIONS).astype(np.float32)
            exact = await unit.vectors.nearest([exact_base], asked, 100)
            near = await unit.vectors.nearest([indexed_base], asked, 100)
            shares.append(len(set(exact) & set(near)) / 100)
    assert np.mean(shares) >= 0.9  # random vectors are the hardest there are
    plan = await _plan(
        store,
        f"SELECT chunk_no FROM vectors WHERE base_no = {base.no} ORDER BY "
        f"embedding::halfvec({DIMENSIONS}) <=> "
        f"(ARRAY(SELECT 0.1 FROM generate_series(1, {DIMENSIONS}))::real[])"
        f"::halfvec({DIMENSIONS}) LIMIT 100",
    )
    assert f"ix_vectors_hnsw_{base.no}" in plan
    plan = await _plan(
        store,
        f"SELECT chunk_no, frequency, length FROM postings WHERE base_no = {base.no}"
        " AND term = ANY(ARRAY['word3', 'word4'])",
    )
    assert "Index Only Scan using pk_postings" in plan


async def _plan(store: Store, query: str) -> str:
    async with store.engine.connect() as connection:
        return "\n".join(await connection.scalars(text(f"EXPLAIN {query}")))
