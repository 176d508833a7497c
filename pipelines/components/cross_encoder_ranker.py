"""Ranking by the cross-encoder that the service is configured with."""

from __future__ import annotations

from dataclasses import replace

from haystack import Document, component

from core.models.rerank import Reranker, get_reranker
from pipelines import background_loop


@component
class CrossEncoderRanker:
    """Order documents by how well they answer a query; the score is 0 to 1.

    Without ``NUXA_RERANK_MODEL`` running it is an error.
    """

    def __init__(self, top_k: int = 10) -> None:
        self.top_k = top_k

    @component.output_types(documents=list[Document])
    def run(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Return the best documents; ``top_k`` replaces the own one."""
        return background_loop.run(self.run_async(query, documents, top_k))

    @component.output_types(documents=list[Document])
    async def run_async(
        self, query: str, documents: list[Document], top_k: int | None = None
    ) -> dict[str, list[Document]]:
        """Return the best documents; ``top_k`` replaces the own one."""
        texts = [document.content or "" for document in documents]
        scores = await _reranker().scores(query, texts)
        scored = [
            replace(document, score=score)
            for document, score in zip(documents, scores, strict=True)
        ]
        scored.sort(key=lambda document: -(document.score or 0))
        return {"documents": scored[: top_k or self.top_k]}


def _reranker() -> Reranker:
    reranker = get_reranker()
    if reranker is None:
        raise RuntimeError("No reranking model is configured; set NUXA_RERANK_MODEL.")
    return reranker
