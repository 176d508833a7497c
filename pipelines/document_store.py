"""A knowledge base as a document store of Haystack.

Its documents are the chunks of the knowledge base: those that ingestion made of files, and those
that pipelines write, which search, chats and workflows of the service find as well.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from haystack import Document, default_from_dict, default_to_dict
from haystack.document_stores.types import DuplicatePolicy

from core.store.unit import Store
from pipelines.knowledge_documents import Filters, KnowledgeDocuments
from pipelines.search.query import Mode
from pipelines.workspace_access import check_access, get_access

T = TypeVar("T")
Work = Callable[[KnowledgeDocuments], Coroutine[Any, Any, T]]


class KnowledgeDocumentStore:
    """A document store over the knowledge base ``base`` of the workspace that is open here.

    Without a policy a duplicate ID is an error. A document without an embedding is embedded with
    the model of the knowledge base. Documents with the same ``documentId``, ``source_id`` or
    ``file_path`` in their metadata become one document of the knowledge base.
    """

    def __init__(self, base: str) -> None:
        """Raise ``Forbidden`` where no workspace is open."""
        self.base = base
        self._access = get_access()

    def to_dict(self) -> dict[str, Any]:
        """Return the store as data; the workspace is no part of it."""
        return default_to_dict(self, base=self.base)

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> KnowledgeDocumentStore:
        """Return the store that the data describes, in the workspace that is open here."""
        store: KnowledgeDocumentStore = default_from_dict(cls, data)
        return store

    async def search_async(
        self, query: str, mode: Mode = "hybrid", filters: Filters = None, top_k: int = 10
    ) -> list[Document]:
        """Return the documents that a search of the service finds, best first."""
        return await self._run(lambda documents: documents.search(query, mode, filters, top_k))

    def search(
        self, query: str, mode: Mode = "hybrid", filters: Filters = None, top_k: int = 10
    ) -> list[Document]:
        """Return the documents that a search of the service finds, best first."""
        return self._run_sync(lambda documents: documents.search(query, mode, filters, top_k))

    async def find_nearest_async(
        self, embedding: list[float], filters: Filters = None, top_k: int = 10
    ) -> list[Document]:
        """Return the documents nearest to an embedding by cosine, nearest first."""
        return await self._run(lambda documents: documents.find_nearest(embedding, filters, top_k))

    def find_nearest(
        self, embedding: list[float], filters: Filters = None, top_k: int = 10
    ) -> list[Document]:
        """Return the documents nearest to an embedding by cosine, nearest first."""
        return self._run_sync(lambda documents: documents.find_nearest(embedding, filters, top_k))

    async def count_documents_async(self) -> int:
        """Return how many documents there are."""
        return await self._run(lambda documents: documents.count())

    def count_documents(self) -> int:
        """Return how many documents there are."""
        return self._run_sync(lambda documents: documents.count())

    async def filter_documents_async(self, filters: Filters = None) -> list[Document]:
        """Return the documents that match, in the order of writing."""
        return await self._run(lambda documents: documents.filter(filters))

    def filter_documents(self, filters: Filters = None) -> list[Document]:
        """Return the documents that match, in the order of writing."""
        return self._run_sync(lambda documents: documents.filter(filters))

    async def write_documents_async(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Write documents; return how many were written."""
        return await self._run(lambda found: found.write(documents, policy))

    def write_documents(
        self, documents: list[Document], policy: DuplicatePolicy = DuplicatePolicy.NONE
    ) -> int:
        """Write documents; return how many were written."""
        return self._run_sync(lambda found: found.write(documents, policy))

    async def delete_documents_async(self, document_ids: list[str]) -> None:
        """Delete documents by ID; unknown IDs are ignored."""
        await self._run(lambda documents: documents.delete(document_ids))

    def delete_documents(self, document_ids: list[str]) -> None:
        """Delete documents by ID; unknown IDs are ignored."""
        self._run_sync(lambda documents: documents.delete(document_ids))

    async def delete_all_documents_async(self) -> None:
        """Delete everything that is in the knowledge base."""
        await self._run(lambda documents: documents.delete_all())

    def delete_all_documents(self) -> None:
        """Delete everything that is in the knowledge base."""
        self._run_sync(lambda documents: documents.delete_all())

    async def delete_by_filter_async(self, filters: dict[str, Any]) -> int:
        """Delete the documents that match; return how many."""
        return await self._run(lambda documents: documents.delete_by_filter(filters))

    def delete_by_filter(self, filters: dict[str, Any]) -> int:
        """Delete the documents that match; return how many."""
        return self._run_sync(lambda documents: documents.delete_by_filter(filters))

    async def update_by_filter_async(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """Merge metadata into that of the documents that match; return how many."""
        return await self._run(lambda documents: documents.update_by_filter(filters, meta))

    def update_by_filter(self, filters: dict[str, Any], meta: dict[str, Any]) -> int:
        """Merge metadata into that of the documents that match; return how many."""
        return self._run_sync(lambda documents: documents.update_by_filter(filters, meta))

    async def count_documents_by_filter_async(self, filters: dict[str, Any]) -> int:
        """Return how many documents match."""
        return await self._run(lambda documents: documents.count(filters))

    def count_documents_by_filter(self, filters: dict[str, Any]) -> int:
        """Return how many documents match."""
        return self._run_sync(lambda documents: documents.count(filters))

    async def count_unique_metadata_by_filter_async(
        self, filters: dict[str, Any], metadata_fields: list[str]
    ) -> dict[str, int]:
        """Return how many values each field has among the documents that match."""
        return await self._run(lambda documents: documents.count_unique(filters, metadata_fields))

    def count_unique_metadata_by_filter(
        self, filters: dict[str, Any], metadata_fields: list[str]
    ) -> dict[str, int]:
        """Return how many values each field has among the documents that match."""
        return self._run_sync(lambda documents: documents.count_unique(filters, metadata_fields))

    async def get_metadata_fields_info_async(self) -> dict[str, dict[str, str]]:
        """Return the metadata fields, each with its type: boolean, int, float or keyword."""
        return await self._run(lambda documents: documents.fields_info())

    def get_metadata_fields_info(self) -> dict[str, dict[str, str]]:
        """Return the metadata fields, each with its type: boolean, int, float or keyword."""
        return self._run_sync(lambda documents: documents.fields_info())

    async def get_metadata_field_min_max_async(self, metadata_field: str) -> dict[str, Any]:
        """Return ``min`` and ``max`` of a field's numbers or texts."""
        return await self._run(lambda documents: documents.min_max(metadata_field))

    def get_metadata_field_min_max(self, metadata_field: str) -> dict[str, Any]:
        """Return ``min`` and ``max`` of a field's numbers or texts."""
        return self._run_sync(lambda documents: documents.min_max(metadata_field))

    async def get_metadata_field_unique_values_async(
        self,
        metadata_field: str,
        search_term: str | None = None,
        from_: int = 0,
        size: int = 10,
        filters: dict[str, Any] | None = None,
    ) -> tuple[list[Any], int]:
        """Return a page of a field's values that contain the term, and how many there are."""
        return await self._run(
            lambda documents: documents.unique_values(
                metadata_field, search_term, from_, size, filters
            )
        )

    def get_metadata_field_unique_values(
        self,
        metadata_field: str,
        search_term: str | None = None,
        from_: int = 0,
        size: int = 10,
        filters: dict[str, Any] | None = None,
    ) -> tuple[list[Any], int]:
        """Return a page of a field's values that contain the term, and how many there are."""
        return self._run_sync(
            lambda documents: documents.unique_values(
                metadata_field, search_term, from_, size, filters
            )
        )

    async def _run(self, work: Work[T]) -> T:
        access = check_access(self._access)
        return await access.run(lambda store: work(self._documents(store)))

    def _run_sync(self, work: Work[T]) -> T:
        access = check_access(self._access)
        return access.run_sync(lambda store: work(self._documents(store)))

    def _documents(self, store: Store) -> KnowledgeDocuments:
        return KnowledgeDocuments(store, self._access, self.base)
