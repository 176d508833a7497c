"""Searches of small bases in memory, against the same that ask the database."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest
from sqlalchemy import text

import pipelines.search as searching
from core.store import kept_bases
from core.store.chunks import Chunk
from core.store.knowledge_bases import KnowledgeBase
from core.store.measures import Measures
from core.store.pages import PageRequest
from core.store.unit import Store
from pipelines.search import Hit, SearchQuery, candidates, search
from pipelines.search.query import Mode
from tests.conftest import Owner
from tests.knowledge import WordEmbedder, add_document, make_base, new_chunk

MODES: tuple[Mode, ...] = ("hybrid", "vector", "keyword")
_QUESTIONS = ("the annual report of animal 3", "where does the walrus sleep on ice?", "unknown")
_TWICE = 2  # a base is seen, read when it is seen again, and known from then on


@pytest.fixture(autouse=True)
def soon_calm(monkeypatch: pytest.MonkeyPatch) -> None:
    """Stand in for the model, have some words only lift what others found, and wait for no calm."""
    monkeypatch.setattr(searching, "get_embedder", lambda _name: WordEmbedder())
    monkeypatch.setattr(candidates, "_FEWEST_POSTINGS", 5)
    monkeypatch.setattr(candidates, "_MOST_POSTINGS", 10)
    monkeypatch.setattr(kept_bases, "_CALM_SECONDS", 0.0)


@pytest.fixture
def asked_rows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """One entry for each time that the database measures chunks."""
    asked: list[int] = []
    rows = Measures._rows

    async def noted(self: Measures, what):  # type: ignore[no-untyped-def]
        asked.append(1)
        return await rows(self, what)

    monkeypatch.setattr(Measures, "_rows", noted)
    return asked


async def _base(store: Store, owner: Owner, animals: int = 6) -> KnowledgeBase:
    """Return a base with long documents, whose openings say what they are, and a short one."""
    base = await make_base(store, owner.workspace_id)
    for animal in range(animals):
        texts = ["annual report", f"of animal {animal}"]
        texts += [f"the walrus {'sleeps ' * (n % 3)} on ice number {n}" for n in range(14)]
        await add_document(store, base, texts, f"animal {animal}.txt", metadata={"animal": animal})
    await add_document(store, base, ["a short note of the walrus"])
    return base


async def _found(store: Store, bases: Sequence[KnowledgeBase], query: SearchQuery) -> list[Hit]:
    ids = [base.id for base in bases]
    return (await search(store, bases[0].workspace_id, ids, query)).results


async def _unkept(
    store: Store, bases: Sequence[KnowledgeBase], query: SearchQuery, patch: pytest.MonkeyPatch
) -> list[Hit]:
    with patch.context() as patched:
        patched.setattr(kept_bases, "MOST_CHUNKS", 0)
        return await _found(store, bases, query)


async def _keep(store: Store, *bases: KnowledgeBase) -> None:
    for _ in range(_TWICE * len(bases)):
        await _found(store, bases, SearchQuery("walrus"))


def _assert_same(kept: Sequence[Hit], plain: Sequence[Hit]) -> None:
    assert [hit.id for hit in kept] == [hit.id for hit in plain]
    assert [hit.score for hit in kept] == pytest.approx([hit.score for hit in plain], abs=1e-6)
    assert [hit.scores.keyword for hit in kept] == pytest.approx(
        [hit.scores.keyword for hit in plain]
    )


@pytest.mark.parametrize("mode", MODES)
async def test_results_are_the_same(
    store: Store,
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
    asked_rows: list[int],
    mode: Mode,
) -> None:
    bases = [await _base(store, owner), await _base(store, owner, animals=2)]
    queries = [
        SearchQuery(question, mode=mode, top_k=20, filter=condition, group_by=group)
        for question in _QUESTIONS
        for condition in (None, {"animal": {"lt": 4}})
        for group in ("chunk", "document")
    ]
    for together in (bases[:1], bases):
        plain = [await _unkept(store, together, query, monkeypatch) for query in queries]
        await _keep(store, *together)
        asked_rows.clear()
        kept = [await _found(store, together, query) for query in queries if query.filter is None]
        assert not asked_rows  # it was in memory
        kept_all = [await _found(store, together, query) for query in queries]
        assert any(plain)
        for before, after in zip(plain, kept_all, strict=True):
            _assert_same(after, before)
        assert kept == [hits for hits, q in zip(kept_all, queries, strict=True) if q.filter is None]


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_changes_is_seen_by_the_next_search(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    chance = random.Random(seed)
    base = await _base(store, owner, animals=2)
    ids = [await add_document(store, base, [f"walrus note {n}"], f"n{n}.txt") for n in range(6)]

    async def change() -> None:
        kind = chance.choice(["add", "delete", "rewrite", "edit", "disable", "enable"])
        if kind == "add" or not ids:
            texts = [f"walrus addition {chance.random()}"] * chance.randint(1, 3)
            ids.append(await add_document(store, base, texts, "added.txt"))
            return
        document_id = chance.choice(ids)
        async with store.unit(owner.workspace_id) as unit:
            if kind == "delete":
                ids.remove(document_id)
                await unit.chunks.delete_of_document(base, document_id)
            elif kind == "rewrite":
                new = [new_chunk(f"walrus rewritten {chance.random()}")]
                await unit.chunks.write_chunks(base, document_id, new)
            elif kind == "edit":
                page = await unit.chunks.page(document_id, PageRequest(1))
                for row in page.rows:
                    assert isinstance(row, Chunk)
                    edited = new_chunk(f"walrus edited {chance.random()}")
                    await unit.chunk_edits.rewrite(base, row, edited)
            else:
                document = await unit.documents.get(document_id)
                assert document is not None
                document.enabled = kind == "enable"

    queries = [SearchQuery("walrus sleeps note", mode=mode, top_k=100) for mode in MODES]
    for _ in range(25):
        if chance.random() < 0.6:
            await _keep(store, base)
        await change()
        for query in queries:
            kept = await _found(store, [base], query)
            _assert_same(kept, await _unkept(store, [base], query, monkeypatch))


async def test_a_base_is_read_when_it_has_been_calm(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch, asked_rows: list[int]
) -> None:
    monkeypatch.setattr(kept_bases, "_CALM_SECONDS", 1000.0)
    base = await _base(store, owner)
    await _keep(store, base)
    asked_rows.clear()
    await _found(store, [base], SearchQuery("walrus"))
    assert asked_rows
    monkeypatch.setattr(kept_bases, "_CALM_SECONDS", 0.0)
    asked_rows.clear()
    await _found(store, [base], SearchQuery("walrus"))
    assert not asked_rows
    await add_document(store, base, ["another walrus"])
    await _found(store, [base], SearchQuery("walrus"))
    assert asked_rows  # its change is a moment ago


async def test_no_more_is_read_than_fits(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch, asked_rows: list[int]
) -> None:
    base = await _base(store, owner)
    async with store.unit(owner.workspace_id) as unit:
        (searched,) = await unit.hits.bases([base.id])
    monkeypatch.setattr(kept_bases, "MOST_CHUNKS", searched.chunk_count - 1)
    await _keep(store, base)
    asked_rows.clear()
    await _found(store, [base], SearchQuery("walrus"))
    assert asked_rows


async def test_nobody_else_has_it_from_memory(store: Store, make_owner) -> None:  # type: ignore[no-untyped-def]
    mine, theirs = await make_owner(), await make_owner()
    base = await _base(store, mine)
    await _keep(store, base)
    async with store.unit(mine.workspace_id) as unit:
        searched = await unit.hits.bases([base.id])
        assert len(await unit.kept_bases.all_of(searched)) == 1
    async with store.unit(theirs.workspace_id) as unit:
        for _ in range(3):
            assert await unit.kept_bases.all_of(searched) == []


async def test_a_base_without_words_is_kept_too(
    store: Store, owner: Owner, asked_rows: list[int]
) -> None:
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["?! ..."], name="")
    async with store.engine.begin() as connection:
        await connection.execute(text("DELETE FROM postings"))
    await _keep(store, base)
    asked_rows.clear()
    for mode in ("vector", "hybrid"):
        assert len(await _found(store, [base], SearchQuery("anything", mode=mode))) == 1
    assert not asked_rows
