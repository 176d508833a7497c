"""Embedding of queries by the service's own models."""

from __future__ import annotations

from haystack import component

from core.models.embed import get_embedder
from pipelines import background_loop


@component
class TextEmbedder:
    """Embed a text as a query; ``model`` is the one of the knowledge base to search."""

    def __init__(self, model: str | None = None) -> None:
        self.model = model

    @component.output_types(embedding=list[float])
    def run(self, text: str) -> dict[str, list[float]]:
        """Return the unit vector of a text."""
        return background_loop.run(self.run_async(text))

    @component.output_types(embedding=list[float])
    async def run_async(self, text: str) -> dict[str, list[float]]:
        """Return the unit vector of a text."""
        vector = await get_embedder(self.model).embed_query(text)
        return {"embedding": vector.tolist()}
