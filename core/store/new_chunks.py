"""Chunks that are not written yet."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from core.store.knowledge_bases import KnowledgeBase
from core.store.postings import MOST_COUNTED


@dataclass(frozen=True)
class NewChunk:
    """A chunk to be written; its place in the document is its place in the sequence."""

    content: str
    token_count: int
    start_offset: int  # code points in the document's text
    end_offset: int
    embedding: NDArray[np.float32]  # unit length, of the base's dimensions
    words: Mapping[str, int]  # what keyword search finds it by: term and frequency
    page: int | None = None  # from 1
    bbox: Sequence[float] | None = None  # x0 y0 x1 y1, 0 to 1
    heading_path: Sequence[str] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)


INSERT: Final = """
    INSERT INTO chunks (no, id, workspace_id, base_id, document_id, chunk_index, content,
        token_count, page, bbox, heading_path, start_offset, end_offset, metadata, enabled, terms,
        frequencies)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)
"""


def row_of(
    base: KnowledgeBase, document_id: str, no: int, id_: str, index: int, chunk: NewChunk
) -> tuple[Any, ...]:
    """Return the values of ``INSERT`` for a chunk of a document."""
    return (
        no,
        id_,
        base.workspace_id,
        base.id,
        document_id,
        index,
        chunk.content,
        chunk.token_count,
        chunk.page,
        None if chunk.bbox is None else list(chunk.bbox),
        list(chunk.heading_path),
        chunk.start_offset,
        chunk.end_offset,
        json.dumps(dict(chunk.meta)),
        True,
        list(chunk.words),
        [min(frequency, MOST_COUNTED) for frequency in chunk.words.values()],
    )


def word_count(chunk: NewChunk) -> int:
    """Count the words that keyword search finds it by, each as often as it stands there."""
    return sum(min(frequency, MOST_COUNTED) for frequency in chunk.words.values())
