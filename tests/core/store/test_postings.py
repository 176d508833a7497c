from __future__ import annotations

import sqlalchemy as sa

from core.store.allowed import Allowed
from core.store.chunks import Chunk
from core.store.scoring import Sought
from core.store.unit import Store
from tests.conftest import Owner
from tests.knowledge import add_document, make_base

_LISTED = 2_000  # more than are sought among the listed alone


async def test_the_best_of_those_listed_by_a_filter_are_the_best(
    store: Store, owner: Owner
) -> None:
    base = await make_base(store, owner.workspace_id)
    texts = [f"apple {'apple ' * (number % 40)} number{number}" for number in range(120)]
    await add_document(store, base, texts)
    words = Sought({"appl": 1.0}, {}, (1.0, 0.1))
    async with store.unit(owner.workspace_id) as unit:
        every = await unit.postings.best([base.no], words, 200)
        listed = [*range(1, _LISTED), *(no for no, _ in every)]
        allowed = Allowed(sa.select(Chunk.no), listed)
        found = await unit.postings.best([base.no], words, 10, allowed)
    assert len(every) == 120
    assert found == every[:10]
