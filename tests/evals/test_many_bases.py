"""The measurement of many bases fills them, asks each and leaves nothing out."""

from __future__ import annotations

from core.config import PACKAGED_EMBEDDING_MODEL
from core.store.knowledge_bases import KnowledgeBase
from core.store.pages import PageRequest
from core.store.unit import Store
from evals import many_bases
from tests.conftest import Owner
from tests.knowledge import make_base


async def test_every_base_is_filled_searched_and_listed(store: Store, owner: Owner) -> None:
    made: list[KnowledgeBase] = []
    model = {"embedding_model": PACKAGED_EMBEDDING_MODEL, "embedding_dimensions": 384}

    async def create() -> KnowledgeBase:
        made.append(await make_base(store, owner.workspace_id, **model))
        return made[-1]

    found = await many_bases.run(store, owner.workspace_id, create, 22, 10)
    assert len(made) == found["bases"] == 22
    assert found["passages"] == 220
    async with store.unit(owner.workspace_id) as unit:
        page = await unit.bases.page(PageRequest(100))
    assert {base.id for base in page.rows} == {base.id for base in made}
    assert all(base.chunk_count == 10 for base in page.rows)
    times = [found[key] for key in ("few", "many", "twentyTogether", "listed")]
    assert all(0 < each["p50"] <= each["p95"] for each in times)
