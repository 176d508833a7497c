"""One search in several wordings: what each finds, as one ranking."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.store.unit import Store
from pipelines.search import Hit, SearchAnswer, SearchQuery, search

_K: Final = 60  # of reciprocal rank fusion
_OWN_WEIGHT: Final = 2.0  # what was asked counts as much as two other wordings


async def search_widely(
    store: Store,
    workspace_id: str,
    base_ids: Sequence[str],
    query: SearchQuery,
    others: Sequence[str],
) -> SearchAnswer:
    """Search for ``query`` and for the same in ``others``' words.

    Results are ranked by reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), the asked
    words' ranking counting twice; ``score`` is the fusion's, 1 for what every ranking has first.
    Without ``others`` it is a plain search. Raises what ``search`` raises.
    """
    if not others:
        return await search(store, workspace_id, base_ids, query)
    queries = [query, *(replace(query, text=text) for text in others)]
    answers = await asyncio.gather(
        *(search(store, workspace_id, base_ids, each) for each in queries)
    )
    results = fused([answer.results for answer in answers], query.group_by == "document")
    timings: defaultdict[str, float] = defaultdict(float)
    for answer in answers:
        for part, milliseconds in answer.timings.items():
            timings[part] += milliseconds
    return SearchAnswer(results[: query.top_k], dict(timings), min(len(results), query.top_k))


def fused(rankings: Sequence[Sequence[Hit]], by_document: bool) -> list[Hit]:
    """Return one ranking; the first of ``rankings`` counts twice, and its hits are shown."""
    weights = [_OWN_WEIGHT, *[1.0] * (len(rankings) - 1)]
    scores: defaultdict[str, float] = defaultdict(float)
    hits: dict[str, Hit] = {}
    for weight, ranking in zip(weights, rankings, strict=True):
        for rank, hit in enumerate(ranking, 1):
            key = hit.document_id if by_document else hit.id
            scores[key] += weight / (_K + rank)
            hits.setdefault(key, hit)
    most = sum(weights) / (_K + 1)
    order = sorted(hits, key=lambda key: -scores[key])
    return [replace(hits[key], score=scores[key] / most) for key in order]
