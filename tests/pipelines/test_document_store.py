"""Haystack's own tests of document stores, on a knowledge base: sync and async."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import NamedTuple

import pytest
from haystack import Document
from haystack.document_stores.errors import DuplicateDocumentError
from haystack.document_stores.types import DuplicatePolicy
from haystack.testing.document_store import (
    CountDocumentsByFilterTest,
    CountUniqueMetadataByFilterTest,
    DocumentStoreBaseExtendedTests,
    GetMetadataFieldMinMaxTest,
    GetMetadataFieldsInfoTest,
    GetMetadataFieldUniqueValuesTest,
)
from haystack.testing.document_store_async import (
    CountDocumentsAsyncTest,
    CountDocumentsByFilterAsyncTest,
    CountUniqueMetadataByFilterAsyncTest,
    DeleteAllAsyncTest,
    DeleteByFilterAsyncTest,
    DeleteDocumentsAsyncTest,
    FilterDocumentsAsyncTest,
    GetMetadataFieldMinMaxAsyncTest,
    GetMetadataFieldsInfoAsyncTest,
    GetMetadataFieldUniqueValuesAsyncTest,
    UpdateByFilterAsyncTest,
    WriteDocumentsAsyncTest,
)

from core.config import Settings
from core.store.unit import Store, open_store
from pipelines.document_store import KnowledgeDocumentStore
from tests.haystack_store import (
    FakeEmbedder,
    add_base,
    add_workspace,
    assert_documents_are_equal,
    open_document_store,
)


class OpenWorkspace(NamedTuple):
    settings: Settings
    store: Store
    workspace_id: str


@pytest.fixture(scope="module")
async def workspace(database_url: str) -> AsyncIterator[OpenWorkspace]:
    """One workspace for all tests of the module; each has a knowledge base of its own."""
    settings = Settings(_env_file=None, database_url=database_url)
    store = open_store(database_url, settings)
    workspace_id = await add_workspace(store)
    yield OpenWorkspace(settings, store, workspace_id)
    async with store.system() as unit:
        await unit.workspaces.delete(await unit.workspaces.load(workspace_id))
    await store.close()


@pytest.fixture(autouse=True)
def embedder(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "pipelines.knowledge_documents.get_embedder", lambda _model, bulk: FakeEmbedder()
    )


class TestSync(
    DocumentStoreBaseExtendedTests,
    CountDocumentsByFilterTest,
    CountUniqueMetadataByFilterTest,
    GetMetadataFieldsInfoTest,
    GetMetadataFieldMinMaxTest,
    GetMetadataFieldUniqueValuesTest,
):
    @pytest.fixture
    async def document_store(self, workspace: OpenWorkspace) -> KnowledgeDocumentStore:
        base_id = await add_base(workspace.store, workspace.workspace_id)
        return open_document_store(workspace.settings, workspace.workspace_id, base_id)

    assert_documents_are_equal = staticmethod(assert_documents_are_equal)

    def test_write_documents(self, document_store: KnowledgeDocumentStore) -> None:
        documents = [Document(content="a"), Document(content="b")]
        assert document_store.write_documents(documents) == 2
        with pytest.raises(DuplicateDocumentError):
            document_store.write_documents(documents[:1])
        self.assert_documents_are_equal(document_store.filter_documents(), documents)


class TestAsync(
    CountDocumentsAsyncTest,
    CountDocumentsByFilterAsyncTest,
    CountUniqueMetadataByFilterAsyncTest,
    DeleteAllAsyncTest,
    DeleteByFilterAsyncTest,
    DeleteDocumentsAsyncTest,
    FilterDocumentsAsyncTest,
    GetMetadataFieldMinMaxAsyncTest,
    GetMetadataFieldsInfoAsyncTest,
    GetMetadataFieldUniqueValuesAsyncTest,
    UpdateByFilterAsyncTest,
    WriteDocumentsAsyncTest,
):
    @pytest.fixture
    async def document_store(self, workspace: OpenWorkspace) -> KnowledgeDocumentStore:
        base_id = await add_base(workspace.store, workspace.workspace_id)
        return open_document_store(
            workspace.settings, workspace.workspace_id, base_id, workspace.store
        )

    assert_documents_are_equal = staticmethod(assert_documents_are_equal)

    async def test_write_documents_async(self, document_store: KnowledgeDocumentStore) -> None:
        documents = [Document(content="a"), Document(content="b")]
        assert await document_store.write_documents_async(documents) == 2
        with pytest.raises(DuplicateDocumentError):
            await document_store.write_documents_async(documents[:1], DuplicatePolicy.NONE)
        found = await document_store.filter_documents_async()
        self.assert_documents_are_equal(found, documents)
