"""Hybrid search in a knowledge base."""

from __future__ import annotations

from haystack import component

from pipelines.components.search_retriever import SearchRetriever


@component
class HybridRetriever(SearchRetriever):
    """Retrieve documents by words and meaning together, as the service's own search does."""

    mode = "hybrid"
