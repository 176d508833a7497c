"""Search in a knowledge base by an embedding."""

from __future__ import annotations

from typing import Any

from haystack import Document, component

from pipelines.document_store import KnowledgeDocumentStore


@component
class EmbeddingRetriever:
    """Retrieve the documents nearest to an embedding of the knowledge base's own model."""

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
        self,
        query_embedding: list[float],
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
    ) -> dict[str, list[Document]]:
        """Return the nearest documents; ``filters`` and ``top_k`` replace the own ones."""
        documents = self.document_store.find_nearest(
            query_embedding, filters or self.filters, top_k or self.top_k
        )
        return {"documents": documents}

    @component.output_types(documents=list[Document])
    async def run_async(
        self,
        query_embedding: list[float],
        filters: dict[str, Any] | None = None,
        top_k: int | None = None,
    ) -> dict[str, list[Document]]:
        """Return the nearest documents; ``filters`` and ``top_k`` replace the own ones."""
        documents = await self.document_store.find_nearest_async(
            query_embedding, filters or self.filters, top_k or self.top_k
        )
        return {"documents": documents}
