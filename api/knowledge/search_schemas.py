"""Bodies and answers of a search."""

from __future__ import annotations

import json
from typing import Annotated, Any, Final, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from api.wire import Wire

MAX_QUERY_CHARS: Final = 8_000


def _from_text(value: object) -> object:
    """Read a filter that came in a query string."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except (ValueError, RecursionError) as error:
        raise ValueError("must be a JSON object") from error


class SearchFields(Wire):
    query: Annotated[str, StringConstraints(min_length=1, max_length=MAX_QUERY_CHARS)]
    top_k: int = Field(10, ge=1, le=200)
    group_by: Literal["chunk", "document"] = "chunk"
    mode: Literal["hybrid", "vector", "keyword"] = "hybrid"
    rerank: bool = False
    rewrite: bool = False
    min_score: float | None = Field(None, allow_inf_nan=False)
    filter: Annotated[dict[str, Any] | None, BeforeValidator(_from_text)] = None
    highlight: bool = False
    expand: bool = False


class ScoreParts(Wire):
    """Cosine, BM25, and a reranker's score; null where it was not asked."""

    vector: float | None
    keyword: float | None
    rerank: float | None


class Place(Wire):
    """Where a result stands; offsets count code points, pages start at 1."""

    page: int | None
    bbox: list[float] | None
    start_offset: int
    end_offset: int
    heading_path: list[str]


class DuplicateResult(Wire):
    """A chunk that says the same as a result and was collapsed into it."""

    id: str
    document_id: str
    document_name: str


class SearchResult(Wire):
    id: str
    document_id: str
    document_name: str
    content: str
    score: float
    scores: ScoreParts
    chunk_index: int
    metadata: dict[str, Any]
    highlights: list[str]
    citation: Place


class CollapsedResult(SearchResult):
    """A result for which others were left out, since they say the same."""

    duplicates: list[DuplicateResult]


class SearchReply(Wire):
    """Results, best first; timings in milliseconds; ``rewrites`` are the other wordings that were
    searched as well."""

    results: list[CollapsedResult | SearchResult]
    query: str
    top_k: int
    mode: str
    total_results: int
    timings: dict[str, float]
    rewrites: list[str]
