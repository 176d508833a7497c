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
    once. Page and box stay those of the chunk itself. Where one passage has no offsets there are
    none.
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
        shared = _shared(last, part)
        text += part.content[shared:] if shared >= 0 else _BREAK + part.content
    starts, ends = [p.start_offset for p in parts], [p.end_offset for p in parts]
    is_located = None not in starts and None not in ends
    return replace(
        chunk,
        content=text,
        start_offset=starts[0] if is_located else None,
        end_offset=max(end for end in ends if end is not None) if is_located else None,
        edited=any(part.edited for part in parts),
    )


def _shared(first: StoredChunk, second: StoredChunk) -> int:
    """Return how many characters two passages share; negative where they do not touch."""
    if first.end_offset is None or second.start_offset is None:
        return -1
    return first.end_offset - second.start_offset
