"""Give passages their vectors and words, and write them to the base."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from core.models.embed import Embedder
from core.models.loading import Vectors
from core.store.new_chunks import NewChunk
from core.store.vectors import Embedded
from core.text import analyze
from ingest.document import Chunk
from ingest.split import indexed_text, prefixed

Vector = NDArray[np.float32]

_BATCH = 64  # passages between two reports of progress


async def embed(
    texts: Sequence[str],
    embedder: Embedder,
    report: Callable[[int, int], None],
    workspace_id: str,
    known: Mapping[str, Vector] = MappingProxyType({}),
) -> Vectors:
    """Return unit vectors of what the model reads of passages, shape ``(len(texts), dimensions)``.

    What is among the ``known`` is not embedded again. ``report`` is called with the number of
    passages embedded, and of those that are to be.
    """
    vectors = {text: known[text] for text in texts if text in known}
    missing = [text for text in dict.fromkeys(texts) if text not in vectors]
    report(0, len(missing))
    for start in range(0, len(missing), _BATCH):
        batch = missing[start : start + _BATCH]
        vectors |= zip(batch, await embedder.embed_documents(batch, workspace_id), strict=True)
        report(start + len(batch), len(missing))
    return np.stack([vectors[text] for text in texts])


def vectors_by_text(embedded: Iterable[Embedded], document_name: str) -> dict[str, Vector]:
    """Return the vectors that passages have, by the texts that the model read of them."""
    return {
        prefixed(e.content, document_name, e.heading_path, e.table_header): e.vector
        for e in embedded
    }


async def rows(
    chunks: Sequence[Chunk], document_name: str, language: str, vectors: Vectors
) -> list[NewChunk]:
    """Return what is written of each passage; its words are those of ``indexed_text``."""
    return await asyncio.to_thread(rows_of, chunks, document_name, language, vectors)


def rows_of(
    chunks: Sequence[Chunk], document_name: str, language: str, vectors: Vectors
) -> list[NewChunk]:
    """As :func:`rows`, in the calling thread."""
    words = [Counter(analyze(indexed_text(c, document_name), language)) for c in chunks]
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
