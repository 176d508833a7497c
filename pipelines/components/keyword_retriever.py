"""Keyword search in a knowledge base."""

from __future__ import annotations

from haystack import component

from pipelines.components.search_retriever import SearchRetriever


@component
class KeywordRetriever(SearchRetriever):
    """Retrieve documents by the words of the query alone, scored by BM25."""

    mode = "keyword"
