"""Chunks that are not written yet, and their writing with all that they are found by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, Literal

import numpy as np
import pydantic_core
from numpy.typing import NDArray
from sqlalchemy.ext.asyncio import AsyncSession

from core.ids import new_id
from core.store.driver import fetch
from core.store.knowledge_bases import KnowledgeBase
from core.store.postings import MOST_COUNTED

# As it was read, changed by somebody, or written by somebody and in no file.
Origin = Literal["document", "edited", "added"]


@dataclass(frozen=True)
class NewChunk:
    """A chunk to be written; its place in the document is its place in the sequence.

    Offsets are ``None`` where ``content`` does not occur in the document's text.
    """

    content: str
    token_count: int
    start_offset: int | None  # code points in the document's text
    end_offset: int | None
    embedding: NDArray[np.float32]  # unit length, of the base's dimensions
    words: Mapping[str, int]  # what keyword search finds it by: term and frequency
    page: int | None = None  # from 1
    bbox: Sequence[float] | None = None  # x0 y0 x1 y1, 0 to 1
    heading_path: Sequence[str] = ()
    meta: Mapping[str, Any] = field(default_factory=dict)
    origin: Origin = "document"
    enabled: bool = True


# Everything that a passage is found by, in one round trip; the sequence gives numbers in the order
# of the passages, and foreign keys are looked at when the whole statement has ended.
_INSERT: Final = """
    WITH given AS MATERIALIZED (
        SELECT nextval(pg_get_serial_sequence('chunks', 'no')) AS no, x.*
        FROM json_to_recordset($1::json) AS x (id text, document_id text, chunk_index integer,
            content text, token_count integer, page integer, bbox float8[], heading_path text[],
            start_offset integer, end_offset integer, metadata jsonb, origin text,
            enabled boolean, terms text[],
            frequencies smallint[], length integer, embedding json)
    ), new_chunks AS (
        INSERT INTO chunks (no, id, workspace_id, base_id, document_id, chunk_index, content,
            token_count, page, bbox, heading_path, start_offset, end_offset, metadata, origin,
            enabled, terms, frequencies)
        SELECT no, id, $2, $3, document_id, chunk_index, content, token_count, page, bbox,
            heading_path, start_offset, end_offset, metadata, origin, enabled, terms, frequencies
        FROM given
    ), new_vectors AS (
        INSERT INTO vectors (base_no, chunk_no, embedding)
        SELECT $4::bigint, no, CAST(CAST(embedding AS text) AS halfvec) FROM given
    ), words AS MATERIALIZED (
        SELECT no, length, term, frequency
        FROM given CROSS JOIN LATERAL unnest(terms, frequencies) AS w (term, frequency)
    ), new_postings AS (
        INSERT INTO postings (base_no, term, chunk_no, frequency, length)
        SELECT $5::bigint, term, no, frequency, length FROM words
    )
    INSERT INTO terms (base_no, term, chunk_count)
    SELECT $5::bigint, term, count(*) FROM words GROUP BY term
    ON CONFLICT (base_no, term)
    DO UPDATE SET chunk_count = terms.chunk_count + excluded.chunk_count
"""
_TOGETHER: Final = 256  # passages a statement: a long document's are no text of many megabytes


async def insert_chunks(
    session: AsyncSession,
    base: KnowledgeBase,
    documents: Sequence[tuple[str, Sequence[NewChunk]]],
    first_index: int = 0,
) -> list[str]:
    """Write chunks of documents (their ids), of a base whose row is locked; return the chunks' ids.

    Each document's come in order from ``first_index`` on, where it has none.
    """
    rows = [
        _row(document_id, at, chunk)
        for document_id, chunks in documents
        for at, chunk in enumerate(chunks, first_index)
    ]
    places = (base.workspace_id, base.id, base.vector_set, base.no)
    for start in range(0, len(rows), _TOGETHER):
        given = pydantic_core.to_json(rows[start : start + _TOGETHER]).decode()
        await fetch(session, _INSERT, given, *places)
    return [row["id"] for row in rows]


def _row(document_id: str, index: int, chunk: NewChunk) -> dict[str, Any]:
    frequencies = [min(frequency, MOST_COUNTED) for frequency in chunk.words.values()]
    return {
        "id": new_id("chunk"),
        "document_id": document_id,
        "chunk_index": index,
        "content": chunk.content,
        "token_count": chunk.token_count,
        "page": chunk.page,
        "bbox": None if chunk.bbox is None else list(chunk.bbox),
        "heading_path": list(chunk.heading_path),
        "start_offset": chunk.start_offset,
        "end_offset": chunk.end_offset,
        "metadata": dict(chunk.meta),
        "origin": chunk.origin,
        "enabled": chunk.enabled,
        "terms": list(chunk.words),
        "frequencies": frequencies,
        "length": sum(chunk.words.values()),
        "embedding": chunk.embedding.tolist(),
    }


def word_count(chunk: NewChunk) -> int:
    """Count the words that keyword search finds it by, each as often as it stands there."""
    return sum(min(frequency, MOST_COUNTED) for frequency in chunk.words.values())
