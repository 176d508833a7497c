"""What is asked of a search, and what it answers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

from core.errors import ValidationFailed

Mode = Literal["hybrid", "vector", "keyword"]
GroupBy = Literal["chunk", "document"]

MOST_RESULTS: Final = 200
_LONGEST_TEXT: Final = 20_000  # characters


@dataclass(frozen=True)
class SearchQuery:
    """A question to knowledge bases.

    ``mode`` decides what ``score`` is: in ``hybrid`` the fused score, relative to the best of the
    answer's candidates (0 to about 1); in ``vector`` the cosine (-1 to 1); in ``keyword`` BM25
    (from 0, unbounded). ``min_score`` drops what scores lower. With ``group_by="document"`` a
    document stands for its best chunk. ``expand`` widens each content to the base's parent window,
    by default by the chunks before and after. ``rerank`` has a cross-encoder reorder the best.

    Raises :class:`ValidationFailed` for an empty or overlong text, a ``top_k`` outside 1 to 200,
    and unknown modes or groups.
    """

    text: str
    top_k: int = 10
    mode: Mode = "hybrid"
    group_by: GroupBy = "chunk"
    filter: Mapping[str, Any] | None = None  # see core.store.filters
    min_score: float | None = None
    rerank: bool = False
    highlight: bool = False
    expand: bool = False

    def __post_init__(self) -> None:
        if not self.text.strip():
            raise _wrong("query", "Give a question or some words to look for.")
        if len(self.text) > _LONGEST_TEXT:
            raise _wrong("query", f"A query has at most {_LONGEST_TEXT} characters.")
        if not 1 <= self.top_k <= MOST_RESULTS:
            raise _wrong("topK", f"Ask for 1 to {MOST_RESULTS} results.")
        if self.mode not in get_args(Mode):
            raise _wrong("mode", f"Use one of {', '.join(get_args(Mode))}.")
        if self.group_by not in get_args(GroupBy):
            raise _wrong("groupBy", f"Use one of {', '.join(get_args(GroupBy))}.")


@dataclass(frozen=True)
class Scores:
    """The parts of a score: cosine, BM25, and a reranker's; ``None`` where it was not asked."""

    vector: float | None = None
    keyword: float | None = None
    rerank: float | None = None


@dataclass(frozen=True)
class Duplicate:
    """A chunk that says the same as a result."""

    id: str
    document_id: str
    document_name: str


@dataclass(frozen=True)
class Hit:
    """One result; offsets count code points of the document's text, pages start at 1.

    Offsets are ``None`` where somebody changed the passage and the text does not occur there.
    """

    id: str
    document_id: str
    document_name: str
    content: str
    score: float
    scores: Scores
    chunk_index: int
    metadata: dict[str, Any]
    page: int | None
    bbox: list[float] | None  # x0 y0 x1 y1, 0 to 1 from the top left
    start_offset: int | None
    end_offset: int | None
    heading_path: list[str]
    highlights: list[str] = field(default_factory=list)  # HTML, words found in <mark>
    duplicates: list[Duplicate] = field(default_factory=list)  # found too, collapsed into this one
    base_id: str = ""
    edited: bool = False  # by somebody: the document may not say it so

    def to_json(self) -> dict[str, Any]:
        """Return the result as the API writes it; ``duplicates`` only where there are any."""
        same = [
            {"id": o.id, "documentId": o.document_id, "documentName": o.document_name}
            for o in self.duplicates
        ]
        return self._plain() | ({"duplicates": same} if same else {})

    def _plain(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "documentId": self.document_id,
            "documentName": self.document_name,
            "content": self.content,
            "score": self.score,
            "scores": {
                "vector": self.scores.vector,
                "keyword": self.scores.keyword,
                "rerank": self.scores.rerank,
            },
            "chunkIndex": self.chunk_index,
            "metadata": self.metadata,
            "highlights": self.highlights,
            "citation": {
                "page": self.page,
                "bbox": self.bbox,
                "startOffset": self.start_offset,
                "endOffset": self.end_offset,
                "headingPath": self.heading_path,
                **({"edited": True} if self.edited else {}),
            },
        }


@dataclass(frozen=True)
class SearchAnswer:
    """Results, best first; ``timings`` in milliseconds."""

    results: list[Hit]
    timings: dict[str, float]
    total: int


def _wrong(path: str, message: str) -> ValidationFailed:
    return ValidationFailed.at(path, message, sentence=f"{path}: {message}")
