"""Widens a chunk by its neighbours, for readers who need what stands around a passage."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace

from core.store.hits import StoredChunk

_BREAK = "\n\n"  # between two passages that do not touch


def widened(chunk: StoredChunk, neighbours: Mapping[tuple[str, int], StoredChunk]) -> StoredChunk:
    """Return the chunk with the text and the offsets of the ones just before and after it.

    Text that two passages share is given once. Page and box stay those of the chunk itself.
    """
    around = [neighbours.get((chunk.document_id, chunk.index + step)) for step in (-1, 1)]
    parts = [part for part in (around[0], chunk, around[1]) if part is not None]
    text = parts[0].content
    for last, part in itertools.pairwise(parts):
        shared = last.end_offset - part.start_offset
        text += part.content[shared:] if shared >= 0 else _BREAK + part.content
    return replace(
        chunk,
        content=text,
        start_offset=parts[0].start_offset,
        end_offset=max(part.end_offset for part in parts),
    )
