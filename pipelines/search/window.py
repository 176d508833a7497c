"""Widens a chunk by what stands around it, for readers who need more than the passage found."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from core.store.hits import StoredChunk

_BREAK: Final = "\n\n"  # between two passages that do not touch
_MOST_STEPS: Final = 20  # passages on either side
_USUAL_TOKENS: Final = 50  # a chunk seldom has fewer


def reach(parent_tokens: int | None) -> int:
    """Return how many passages on either side a window of so many tokens may need."""
    return 1 if not parent_tokens else min(_MOST_STEPS, 1 + parent_tokens // _USUAL_TOKENS)


def widened(
    chunk: StoredChunk,
    neighbours: Mapping[tuple[str, int], StoredChunk],
    parent_tokens: int | None = None,
) -> StoredChunk:
    """Return the chunk with the text and the offsets of those around it.

    Without ``parent_tokens`` they are the one before and the one after; with it as many, in turns
    after and before, as fit into a window of that length. Text that two passages share is given
    once. Page and box stay those of the chunk itself.
    """
    parts = [chunk]
    for step in range(1, reach(parent_tokens) + 1):
        for way in (1, -1):
            edge = parts[-1] if way == 1 else parts[0]
            if abs(edge.index - chunk.index) != step - 1:
                continue  # this side has ended
            other = neighbours.get((chunk.document_id, edge.index + way))
            tokens = sum(part.token_count for part in parts)
            if other and (not parent_tokens or tokens + other.token_count <= parent_tokens):
                parts.insert(len(parts) if way == 1 else 0, other)
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
