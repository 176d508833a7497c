"""Passages for a turn: from the bases that its caller named, or all of the workspace's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from core.store.unit import Store, Unit
from pipelines.passages import Passage, Passages
from pipelines.search import Hit, SearchQuery, search

PASSAGES: Final = 8  # about 1,600 tokens
MOST_BASES: Final = 200
_LONGEST_QUERY: Final = 2_000  # characters


async def bases_of(unit: Unit, base_ids: Sequence[str]) -> list[str]:
    """Return the ids of the bases to search; none named means all that hold anything.

    Raises ``NotFound`` for a base that is not in the workspace.
    """
    if base_ids:
        return [base.id for base in await unit.bases.get_all(base_ids)]
    page = await unit.bases.page(None, MOST_BASES)
    return [base.id for base in page.rows if base.chunk_count]


async def retrieve(
    store: Store, workspace_id: str, base_ids: Sequence[str], words: str, passages: Passages
) -> list[Passage]:
    """Search the bases and number what was found among the turn's passages."""
    if not base_ids or not words.strip():
        return []
    query = SearchQuery(words[:_LONGEST_QUERY], top_k=PASSAGES)
    answer = await search(store, workspace_id, base_ids, query)
    return passages.add(_passage(hit) for hit in answer.results)


def _passage(hit: Hit) -> Passage:
    return Passage(
        chunk_id=hit.id,
        document_id=hit.document_id,
        document_name=hit.document_name,
        text=hit.content,
        start_offset=hit.start_offset,
        page=hit.page,
        bbox=hit.bbox,
    )
