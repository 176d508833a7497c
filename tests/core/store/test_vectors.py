from __future__ import annotations

import time

import numpy as np
from sqlalchemy import text

from core.store.unit import Store
from tests.conftest import Owner
from tests.knowledge import DIMENSIONS, add_document, make_base

_CHUNKS = 600
_SMALL_BASES = text("""
    INSERT INTO vectors
    SELECT -number, chunk_no, embedding FROM generate_series(1, 200) AS number,
        (SELECT chunk_no, embedding FROM vectors LIMIT 1) AS any_one
""")
_CALLS = 16  # PostgreSQL keeps one plan for all values from the sixth on


async def test_a_plan_that_is_kept_reads_the_question_once(store: Store, owner: Owner) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, [f"text number{number}" for number in range(_CHUNKS)])
    async with store.engine.begin() as connection:  # a large base among many small ones
        await connection.execute(_SMALL_BASES)
        await connection.execute(text("ANALYZE vectors"))
    asked = np.random.default_rng(1).standard_normal(DIMENSIONS).astype(np.float32)
    took = []
    async with store.unit(owner.workspace_id) as unit:
        for _ in range(_CALLS):
            began = time.perf_counter()
            assert len(await unit.vectors.nearest([base], asked, 10)) == 10
            took.append(time.perf_counter() - began)
    assert min(took[-6:]) < 3 * min(took[1:5])
