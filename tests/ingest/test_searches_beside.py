"""A thousand searches beside a change of embedding model: each is answered by one of both."""

from __future__ import annotations

import asyncio

import pytest

from core.services import Services
from core.store.knowledge_bases import KnowledgeBase
from ingest import document_walk, reembed_walk
from ingest.process import Processor
from pipelines import search as searching
from pipelines.search import SearchQuery, search
from tests.conftest import Owner
from tests.ingest.two_models import OTHER_DIMENSIONS, Models
from tests.knowledge import add_document, make_base

_PASSAGES, _BATCH, _SEARCHES = 200, 4, 1000
Answer = tuple[tuple[str, float], ...]


@pytest.fixture
def models(monkeypatch: pytest.MonkeyPatch) -> Models:
    models = Models()
    for module in (document_walk, reembed_walk, searching):
        monkeypatch.setattr(module, "get_embedder", models.get)
    monkeypatch.setattr(reembed_walk, "_BATCH", _BATCH)
    monkeypatch.setattr(reembed_walk, "_TURN_SECONDS", 600.0)
    return models


async def _answer(services: Services, base: KnowledgeBase) -> Answer:
    """Return passages and scores; those of two models are never alike."""
    query = SearchQuery("berth number5", mode="vector", top_k=50)
    found = await search(services.store, base.workspace_id, [base.id], query)
    return tuple((hit.id, round(hit.score, 6)) for hit in found.results)


@pytest.mark.slow
@pytest.mark.timeout(600)
async def test_a_thousand_searches_answer_from_one_model_each(
    services: Services, owner: Owner, models: Models, processor: Processor
) -> None:
    base = await make_base(services.store, owner.workspace_id)
    texts = [f"berth number{n} at quay{n % 7}" for n in range(_PASSAGES)]
    await add_document(services.store, base, texts)
    old = await _answer(services, base)
    seen: list[Answer] = []
    batches = 0

    async def pace() -> None:
        """Hold each batch until its share of the searches was answered."""
        nonlocal batches
        batches += 1
        while len(seen) < _SEARCHES * batches * _BATCH / _PASSAGES:
            await asyncio.sleep(0.005)

    models.before = pace
    async with services.store.unit(base.workspace_id) as unit:
        await unit.reembeddings.begin(base, "other", OTHER_DIMENSIONS)
    work = asyncio.create_task(processor.drain())

    async def look() -> None:
        while not work.done() or seen[-1] == old:
            seen.append(await _answer(services, base))

    await asyncio.gather(work, *(look() for _ in range(8)))
    new = await _answer(services, base)
    assert new != old
    assert len(old) == len(new) == 50
    assert len(seen) >= _SEARCHES
    assert set(seen) <= {old, new}
    print(f"{len(seen)} searches: {seen.count(old)} by the old model, {seen.count(new)} by the new")
    assert seen.count(old) >= _SEARCHES * 0.9
    assert new in seen
