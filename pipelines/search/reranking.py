"""A cross-encoder, where one is set, reorders the best results of a search that asks for it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from core.errors import ValidationFailed
from core.models.rerank import Reranker, get_reranker
from pipelines.search.presenting import Found
from pipelines.search.query import SearchQuery

DEPTH: Final = 30  # results that are read by the model: about 80 ms each on a core


def configured() -> Reranker:
    """Return the server's reranker; raises ``ValidationFailed`` when it has none."""
    reranker = get_reranker()
    if reranker is None:
        message = (
            "This server has no reranking model: set NUXA_RERANK_MODEL, or search without rerank."
        )
        raise ValidationFailed.at("rerank", message, "no_model", sentence=f"rerank: {message}")
    return reranker


async def reranked(
    reranker: Reranker, query: SearchQuery, found: Sequence[Found], workspace_id: str
) -> list[Found]:
    """Return what was found in the model's order; its score, 0 to 1, becomes the score.

    What lies deeper than it reads stays behind, with a score of 0.
    """
    read, rest = found[:DEPTH], found[DEPTH:]
    texts = [each.chunk.content for each in read]
    scores = await reranker.scores(query.text, texts, workspace_id)
    scored = [_scored(each, score, score) for each, score in zip(read, scores, strict=True)]
    scored.sort(key=lambda each: -each.item.score)
    scored += [_scored(each, 0.0, None) for each in rest]
    return [each for each in scored if each.item.score >= (query.min_score or 0.0)]


def _scored(found: Found, score: float, rerank: float | None) -> Found:
    return replace(found, item=found.item._replace(score=score, rerank=rerank))
