"""What retrievers share that ask the service's own search."""

from __future__ import annotations

from typing import Any, ClassVar

from haystack import Document, component

from pipelines.document_store import KnowledgeDocumentStore
from pipelines.search.query import Mode


class SearchRetriever:
    """The base of retrievers by a query; each is a component and names its ``mode``."""

    mode: ClassVar[Mode]

    def __init__(
        self,
        document_store: KnowledgeDocumentStore,
        top_k: int = 10,
        filters: dict[str, Any] | None = None,
    ) -> None:
        self.document_store = document_store
        self.top_k = top_k
        self.filters = filters

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Return the best documents; ``filters`` and ``top_k`` replace the own ones."""
        documents = self.document_store.search(
            query, self.mode, filters or self.filters, top_k or self.top_k
        )
        return {"documents": documents}

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, filters: dict[str, Any] | None = None, top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Return the best documents; ``filters`` and ``top_k`` replace the own ones."""
        documents = await self.document_store.search_async(
            query, self.mode, filters or self.filters, top_k or self.top_k
        )
        return {"documents": documents}
