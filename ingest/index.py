"""Give passages their vectors and words, and write them to the base."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence

import numpy as np

from core.models.embed import Embedder, Vectors
from core.store.new_chunks import NewChunk
from core.text import analyze
from ingest.document import Chunk
from ingest.split import embedding_text, indexed_text

_BATCH = 64  # passages between two reports of progress


async def embed(
    chunks: Sequence[Chunk], document_name: str, embedder: Embedder, report: Callable[[int], None]
) -> Vectors:
    """Return the passages' unit vectors, shape ``(len(chunks), dimensions)``.

    ``report`` is called with the number of passages done.
    """
    found = []
    for start in range(0, len(chunks), _BATCH):
        texts = [embedding_text(c, document_name) for c in chunks[start : start + _BATCH]]
        found.append(await embedder.embed_documents(texts))
        report(start + len(texts))
    return np.concatenate(found)


async def rows(
    chunks: Sequence[Chunk], document_name: str, language: str, vectors: Vectors
) -> list[NewChunk]:
    """Return what is written of each passage; its words are those of ``indexed_text``."""
    words = await asyncio.to_thread(_words, chunks, document_name, language)
    return [
        NewChunk(
            content=chunk.text,
            token_count=chunk.token_count,
            start_offset=chunk.start,
            end_offset=chunk.end,
            embedding=vector,
            words=found,
            page=chunk.page,
            bbox=chunk.bbox,
            heading_path=chunk.heading_path,
            meta={"tableHeader": chunk.context} if chunk.context else {},
        )
        for chunk, vector, found in zip(chunks, vectors, words, strict=True)
    ]


def _words(chunks: Sequence[Chunk], document_name: str, language: str) -> list[Counter[str]]:
    return [Counter(analyze(indexed_text(c, document_name), language)) for c in chunks]
