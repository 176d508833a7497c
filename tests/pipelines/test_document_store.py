from __future__ import annotations

import pytest

import pipelines.search as searching
from core.errors import ValidationFailed
from core.store.unit import Store
from pipelines.document_store import KnowledgeDocumentStore, knowledge_retriever, translated
from tests.conftest import Owner
from tests.knowledge import WordEmbedder, add_document, make_base


async def test_a_pipeline_retrieves(
    store: Store, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    from haystack import Pipeline

    monkeypatch.setattr(searching, "get_embedder", lambda _name: WordEmbedder())
    base = await make_base(store, owner.workspace_id)
    await add_document(store, base, ["the walrus", "the carpenter"], metadata={"year": 1871})
    await add_document(store, base, ["the walrus again"], metadata={"year": 1900})
    documents = KnowledgeDocumentStore(store, owner.workspace_id, base.id)
    assert await documents.count_documents_async() == 3

    before = {"field": "meta.year", "operator": "<", "value": 1880}
    found = await documents.filter_documents_async(before)
    assert [document.content for document in found] == ["the walrus", "the carpenter"]

    pipeline = Pipeline()
    pipeline.add_component("retriever", knowledge_retriever(documents, top_k=1))
    output = await pipeline.run_async({"retriever": {"query": "walrus", "filters": before}})
    (document,) = output["retriever"]["documents"]
    assert document.content == "the walrus"
    assert document.meta["year"] == 1871


def test_filters_are_translated() -> None:
    comparison = {"field": "meta.a", "operator": "not in", "value": [1]}
    assert translated({"operator": "NOT", "conditions": [comparison]}) == {
        "not": {"and": [{"field": "metadata.a", "op": "nin", "value": [1]}]}
    }
    with pytest.raises(ValidationFailed):
        translated({"operator": "XOR", "conditions": []})
