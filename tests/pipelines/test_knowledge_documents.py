"""What Haystack writes into a knowledge base is found, counted and removed as everything there."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import reduce
from typing import Any

import pytest
from haystack import Document
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.errors import FilterError

from core import intake
from core.config import Settings
from core.errors import Conflict
from core.services import Services
from core.store.chunks import Chunk
from core.store.documents import Document as DocumentRow
from core.store.knowledge_bases import KnowledgeBase
from core.store.pages import PageRequest
from core.store.unit import Store
from pipelines.document_store import KnowledgeDocumentStore
from pipelines.search import SearchQuery, search
from tests.conftest import Owner
from tests.haystack_store import SearchEmbedder, add_base, open_document_store
from tests.knowledge import DIMENSIONS, add_document


def _get_embedder(model: str, bulk: bool = False) -> SearchEmbedder:
    return SearchEmbedder(DIMENSIONS) if model == "words" else SearchEmbedder()


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("pipelines.knowledge_documents", "pipelines.search"):
        monkeypatch.setattr(f"{module}.get_embedder", _get_embedder)


@pytest.fixture
async def documents(store: Store, settings: Settings, owner: Owner) -> KnowledgeDocumentStore:
    base_id = await add_base(store, owner.workspace_id)
    return open_document_store(settings, owner.workspace_id, base_id, store)


async def _read(
    store: Store, owner: Owner, base_id: str
) -> tuple[KnowledgeBase, list[DocumentRow]]:
    async with store.unit(owner.workspace_id) as unit:
        base = await unit.bases.get(base_id)
        assert base is not None
        return base, list((await unit.documents.page(base_id, PageRequest(50))).rows)


async def _read_chunks(store: Store, owner: Owner, document_id: str) -> list[Chunk]:
    async with store.unit(owner.workspace_id) as unit:
        return list((await unit.chunks.page(document_id, PageRequest(50))).rows)


def _part(number: int, text: str, **meta: Any) -> Document:
    return Document(id=str(number), content=text, meta={"source_id": "s", **meta})


async def test_write_documents_of_one_source_makes_one_document_that_search_finds(
    store: Store, owner: Owner, documents: KnowledgeDocumentStore
) -> None:
    parts = [_part(1, "the walrus", page_number=3), _part(2, "the carpenter wept")]
    await documents.write_documents_async([*parts, Document(content="alone", meta={"a": 1})])
    base, rows = await _read(store, owner, documents.base)
    assert (base.document_count, base.chunk_count, base.token_count) == (2, 3, 6)
    assert sorted((row.chunk_count, row.token_count) for row in rows) == [(1, 1), (2, 5)]
    assert {row.status for row in rows} == {"completed"}

    answer = await search(
        store, owner.workspace_id, [documents.base], SearchQuery("walrus", top_k=1)
    )
    (hit,) = answer.results
    assert (hit.content, hit.page, hit.metadata["source_id"]) == ("the walrus", 3, "s")
    (found,) = await documents.search_async("walrus", top_k=1)
    assert (found.id, found.meta, found.score) == ("1", parts[0].meta, hit.score)
    (nearest,) = await documents.find_nearest_async(
        (await SearchEmbedder().embed_query("carpenter wept")).tolist(), top_k=1
    )
    assert nearest.id == "2" and nearest.score is not None and nearest.score > 0.5


async def test_delete_documents_in_the_middle_keeps_numbers_and_counts_true(
    store: Store, owner: Owner, documents: KnowledgeDocumentStore
) -> None:
    await documents.write_documents_async([_part(n, f"walrus {n}") for n in range(4)])
    await documents.delete_documents_async(["1", "2", "unknown"])
    await documents.write_documents_async([_part(9, "walrus anew")])
    base, (row,) = await _read(store, owner, documents.base)
    chunks = await _read_chunks(store, owner, row.id)
    assert [(each.index, each.content) for each in chunks] == [
        (0, "walrus 0"),
        (1, "walrus 3"),
        (2, "walrus anew"),
    ]
    assert (base.chunk_count, row.chunk_count) == (3, 3)
    assert base.word_count == row.word_count == sum(sum(each.frequencies) for each in chunks)
    async with store.unit(owner.workspace_id) as unit:
        assert await unit.postings.document_frequencies([base.no], ["walrus"]) == {"walrus": 3}

    await documents.delete_documents_async(["0", "3", "9"])
    base, rows = await _read(store, owner, documents.base)
    assert (rows, base.document_count, base.chunk_count, base.word_count) == ([], 0, 0, 0)


async def test_write_documents_with_duplicates_follows_policy(
    documents: KnowledgeDocumentStore,
) -> None:
    first, second = _part(1, "old"), _part(2, "other")
    await documents.write_documents_async([first, second])
    again = [_part(2, "new"), _part(3, "third")]
    with pytest.raises(DuplicateDocumentError):
        await documents.write_documents_async(again, DuplicatePolicy.FAIL)
    assert await documents.count_documents_async() == 2
    assert await documents.write_documents_async(again, DuplicatePolicy.SKIP) == 1
    twice = [_part(2, "newer"), _part(2, "newest")]
    with pytest.raises(DuplicateDocumentError):
        await documents.write_documents_async([_part(7, "a"), _part(7, "b")])
    assert await documents.write_documents_async(twice, DuplicatePolicy.OVERWRITE) == 2
    contents = [each.content for each in await documents.filter_documents_async()]
    assert contents == ["old", "third", "newest"]


async def test_ingested_chunks_are_documents_that_tell_where_they_are_from(
    store: Store, settings: Settings, owner: Owner
) -> None:
    base_id = await add_base(store, owner.workspace_id, DIMENSIONS, "words")
    documents = open_document_store(settings, owner.workspace_id, base_id, store)
    base, _ = await _read(store, owner, base_id)
    document_id = await add_document(
        store, base, ["the walrus", "the carpenter"], "poem.txt", {"year": 1871}, page=4
    )
    place = {"documentId": document_id, "documentName": "poem.txt", "page": 4}
    found = await documents.filter_documents_async(
        {"field": "meta.documentId", "operator": "==", "value": document_id}
    )
    assert [each.content for each in found] == ["the walrus", "the carpenter"]
    assert found[0].meta == {"year": 1871, **place} and found[0].embedding is None
    of_poem = {"field": "meta.documentName", "operator": "==", "value": "poem.txt"}
    (hit,) = await documents.search_async("walrus", "keyword", of_poem)
    assert hit.id == found[0].id

    found[0].meta["seen"] = True
    assert await documents.write_documents_async(found[:1], DuplicatePolicy.OVERWRITE) == 1
    _, (row,) = await _read(store, owner, base_id)
    assert (row.id, row.chunk_count) == (document_id, 2)
    assert {each.id for each in await documents.filter_documents_async()} == {
        each.id for each in found
    }
    await documents.delete_all_documents_async()
    base, rows = await _read(store, owner, base_id)
    assert (rows, base.document_count, base.chunk_count) == ([], 0, 0)


async def test_disabled_chunks_are_no_documents(
    store: Store, owner: Owner, documents: KnowledgeDocumentStore
) -> None:
    await documents.write_documents_async([Document(id="1", content="walrus", meta={"a": 1})])
    async with store.unit(owner.workspace_id) as unit:
        (row,) = (await unit.documents.page(documents.base, PageRequest(5))).rows
        row.enabled = False
    assert await documents.filter_documents_async() == []
    assert await documents.count_documents_async() == 0
    assert await documents.get_metadata_fields_info_async() == {}
    with pytest.raises(DuplicateDocumentError):
        await documents.write_documents_async([Document(id="1", content="walrus")])


@pytest.mark.parametrize(
    ("document", "message"),
    [
        (Document(meta={"a": 1}), "has no text"),
        (Document(content="a\0"), "U\\+0000"),
        (Document(content="a", meta={"b": "\0"}), "U\\+0000"),
        (Document(content="a", meta={"b": float("nan")}), "JSON"),
        (Document(content="a", meta={"b": object()}), "JSON"),
        (Document(content="a", meta={"b": "\ud800"}), "JSON"),
        (Document(content="a", id="x" * 600), "at most 512"),
        (Document(content="a", embedding=[1.0, 2.0]), "dimensions"),
        (Document(content="a", embedding=[0.0] * 768), "finite"),
        (Document(content="a", embedding=[float("inf")] * 768), "finite"),
    ],
)
async def test_write_documents_that_cannot_be_kept_writes_none(
    documents: KnowledgeDocumentStore, document: Document, message: str
) -> None:
    with pytest.raises(ValueError, match=message):
        await documents.write_documents_async([Document(content="fine"), document])
    assert await documents.count_documents_async() == 0


@pytest.mark.parametrize(
    "filters",
    [
        {"field": "meta.a", "operator": "~", "value": 1},
        {"field": "meta.a", "operator": "==", "value": object()},
        {"field": "meta.a", "operator": "==", "value": "\0"},
        {"field": "meta.a", "operator": "==", "value": float("nan")},
        {"field": "meta.a", "operator": ">", "value": True},
        {"field": 1, "operator": "==", "value": 1},
        {"operator": "XOR", "conditions": []},
        {"operator": "AND", "conditions": {}},
        {"operator": "AND", "conditions": [1]},
        {"operator": "OR", "conditions": [{"field": "a", "operator": "==", "value": 1}] * 1_000},
        reduce(lambda part, _: {"operator": "NOT", "conditions": [part]}, range(5_000), {}),
    ],
)
async def test_filter_documents_with_wrong_filter_raises_filter_error(
    documents: KnowledgeDocumentStore, filters: Mapping[str, Any]
) -> None:
    with pytest.raises(FilterError):
        await documents.filter_documents_async(filters)
    with pytest.raises(FilterError):
        await documents.search_async("walrus", filters=filters)


async def test_delete_and_update_without_filter_raise_filter_error(
    documents: KnowledgeDocumentStore,
) -> None:
    for change in (
        documents.delete_by_filter_async({}),
        documents.update_by_filter_async({}, {"a": 1}),
    ):
        with pytest.raises(FilterError):
            await change


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"field": "meta.at", "operator": ">", "value": "2026-01-01"}, ["2", "3"]),
        ({"field": "meta.at", "operator": "<=", "value": "2026-05-01T10:00:00Z"}, ["1", "2"]),
        ({"field": "meta.who.name", "operator": "==", "value": "Ada"}, ["2"]),
        ({"field": "meta.tags", "operator": "==", "value": ["a", "b"]}, ["1"]),
        ({"field": "id", "operator": "in", "value": ["3", "4"]}, ["3"]),
        ({"field": "content", "operator": "!=", "value": "text 1"}, ["2", "3"]),
        ({"operator": "NOT", "conditions": []}, []),
        ({"operator": "OR", "conditions": []}, []),
    ],
)
async def test_filter_documents_by_field_returns_matching(
    documents: KnowledgeDocumentStore, filters: Mapping[str, Any], expected: list[str]
) -> None:
    metas: list[dict[str, Any]] = [
        {"at": "2025-12-31T23:59:59", "tags": ["a", "b"]},
        {"at": "2026-05-01T12:00:00+02:00", "who": {"name": "Ada"}},
        {"at": "2026-05-01T10:00:00.5+00:00", "who": "nobody"},
    ]
    await documents.write_documents_async(
        [Document(id=str(n), content=f"text {n}", meta=meta) for n, meta in enumerate(metas, 1)]
    )
    found = await documents.filter_documents_async(filters)
    assert [each.id for each in found] == expected


async def test_reprocess_document_without_file_is_conflict(
    services: Services, owner: Owner, documents: KnowledgeDocumentStore
) -> None:
    await documents.write_documents_async([Document(content="walrus")])
    _, (row,) = await _read(services.store, owner, documents.base)
    async with services.store.unit(owner.workspace_id) as unit:
        with pytest.raises(Conflict):
            await intake.again(unit, row, services.queue)
    assert await documents.count_documents_async() == 1


async def test_write_documents_from_many_threads_keeps_counts_true(
    store: Store, owner: Owner, documents: KnowledgeDocumentStore
) -> None:
    def write(number: int) -> int:
        own = [_part(100 * number + at, f"walrus {number} {at}") for at in range(5)]
        shared = [_part(7_000 + at, f"oyster {at}") for at in range(5)]
        return documents.write_documents([*own, *shared], DuplicatePolicy.SKIP)

    written = await asyncio.gather(*(asyncio.to_thread(write, n) for n in range(1, 7)))
    assert sum(written) == 6 * 5 + 5
    base, (row,) = await _read(store, owner, documents.base)
    assert (base.document_count, base.chunk_count, row.chunk_count) == (1, 35, 35)
    chunks = await _read_chunks(store, owner, row.id)
    assert [chunk.index for chunk in chunks] == list(range(35))
    assert base.word_count == sum(sum(chunk.frequencies) for chunk in chunks)
