"""Searches of a base whose postings are packed, against the same by rows."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from sqlalchemy import text

import pipelines.search as searching
from core.store.knowledge_bases import KnowledgeBase
from core.store.packing import tend
from core.store.unit import Store
from pipelines.search import Hit, SearchQuery, candidates, search
from pipelines.search.query import Mode
from tests.conftest import Owner
from tests.knowledge import WordEmbedder, add_document, make_base

MODES: tuple[Mode, ...] = ("hybrid", "vector", "keyword")
_QUESTIONS = ("the annual report of animal 3", "where does the walrus sleep on ice?", "unknown")


@pytest.fixture(autouse=True)
def few_words_find(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the model, and have some words only lift what others found."""
    monkeypatch.setattr(searching, "get_embedder", lambda _name: WordEmbedder())
    monkeypatch.setattr(candidates, "_FEWEST_POSTINGS", 5)
    monkeypatch.setattr(candidates, "_MOST_POSTINGS", 10)


async def _base(store: Store, owner: Owner) -> KnowledgeBase:
    """Return a base with long documents, whose openings say what they are."""
    base = await make_base(store, owner.workspace_id)
    for animal in range(6):
        texts = ["annual report", f"of animal {animal}"]
        texts += [f"the walrus {'sleeps ' * (n % 3)} on ice number {n}" for n in range(14)]
        await add_document(store, base, texts, metadata={"animal": animal})
    return base


async def _found(store: Store, base: KnowledgeBase, query: SearchQuery) -> list[Hit]:
    return (await search(store, base.workspace_id, [base.id], query)).results


@asynccontextmanager
async def _packed(store: Store) -> AsyncIterator[None]:
    assert await tend(store, large=1, common=2)
    yield
    async with store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM packings"))


@pytest.mark.parametrize("listed", [10_000, 100])
@pytest.mark.parametrize("mode", MODES)
async def test_results_are_the_same(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch, mode: Mode, listed: int
) -> None:
    monkeypatch.setattr(candidates, "_MOST_LISTED", listed)  # of 100 some words stay rows
    base = await _base(store, owner)
    queries = [
        SearchQuery(question, mode=mode, top_k=20, filter=condition, group_by=group)
        for question in _QUESTIONS
        for condition in (None, {"animal": {"lt": 4}})
        for group in ("chunk", "document")
    ]
    plain = [await _found(store, base, query) for query in queries]
    async with _packed(store):
        packed = [await _found(store, base, query) for query in queries]
    for before, after in zip(plain, packed, strict=True):
        assert [hit.id for hit in before] == [hit.id for hit in after]
        assert [hit.score for hit in before] == pytest.approx([hit.score for hit in after])
    assert any(plain)


async def test_beside_others_a_search_measures_in_fewer_statements_what_it_does_alone(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = await _base(store, owner)
    queries = [SearchQuery(question, top_k=20) for question in _QUESTIONS]
    async with _packed(store):
        alone = [await _found(store, base, query) for query in queries]
        monkeypatch.setattr(WordEmbedder, "is_crowded", True)
        crowded = [await _found(store, base, query) for query in queries]
    assert alone[0]
    assert alone == crowded


@pytest.mark.parametrize("mode", MODES)
async def test_what_is_deleted_or_disabled_is_gone_at_once(
    store: Store, owner: Owner, mode: Mode
) -> None:
    base = await _base(store, owner)
    deleted = await add_document(store, base, ["a walrus of the zoo"])
    disabled = await add_document(store, base, ["a walrus of the zoo, too"])
    query = SearchQuery("walrus zoo", mode=mode, top_k=100)
    async with _packed(store):
        found = {hit.document_id for hit in await _found(store, base, query)}
        assert {deleted, disabled} <= found
        async with store.engine.begin() as connection:
            disable = text("UPDATE documents SET enabled = false WHERE id = :id")
            await connection.execute(disable, {"id": disabled})
        async with store.unit(owner.workspace_id) as unit:
            await unit.chunks.delete_of_document(base, deleted)
        added = await add_document(store, base, ["a walrus of another zoo"])
        found = {hit.document_id for hit in await _found(store, base, query)}
    assert added in found
    assert not {deleted, disabled} & found
