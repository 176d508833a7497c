"""Passages for an answer: the best chunks of knowledge bases, numbered for citing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.store.hits import SearchedBase
from core.store.unit import Store
from pipelines.passages import MOST_PASSAGES, Passage, Passages
from pipelines.search import Hit, SearchQuery, search

LONGEST_QUERY: Final = 2_000  # characters; what follows is not searched for


async def retrieve(
    store: Store,
    workspace_id: str,
    base_ids: Sequence[str],
    words: str,
    passages: Passages,
    known: Sequence[SearchedBase] = (),
) -> list[Passage]:
    """Search bases of one workspace and number what was found among the turn's passages.

    ``known`` are these bases, where the caller has just read them in this workspace.

    Raises ``NotFound`` for a base that is not in the workspace.
    """
    return passages.add(await find(store, workspace_id, base_ids, words, known))


async def find(
    store: Store,
    workspace_id: str,
    base_ids: Sequence[str],
    words: str,
    known: Sequence[SearchedBase] = (),
) -> list[Passage]:
    """Search as :func:`retrieve` does for passages, and give them no numbers."""
    if not base_ids or not words.strip():
        return []
    query = SearchQuery(words[:LONGEST_QUERY], top_k=MOST_PASSAGES)
    answer = await search(store, workspace_id, base_ids, query, known)
    return [_passage(hit) for hit in answer.results]


def _passage(hit: Hit) -> Passage:
    return Passage(
        chunk_id=hit.id,
        document_id=hit.document_id,
        document_name=hit.document_name,
        text=hit.content,
        start_offset=hit.start_offset,
        edited=hit.edited,
        page=hit.page,
        bbox=hit.bbox,
    )
