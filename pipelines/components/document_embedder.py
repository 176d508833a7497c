"""Embedding of documents by the service's own models."""

from __future__ import annotations

from dataclasses import replace

from haystack import Document, component

from core.models.embed import Embedder, get_embedder
from pipelines import background_loop


@component
class DocumentEmbedder:
    """Embed the texts of documents; ``model`` is that of the knowledge base they are for."""

    def __init__(self, model: str | None = None) -> None:
        self.model = model

    @component.output_types(documents=list[Document])
    def run(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Return copies of the documents, with unit vectors."""
        # An embedder shares its turns among the callers of one event loop.
        embedder = get_embedder(self.model, bulk=True)
        return background_loop.run(_embed(documents, embedder))

    @component.output_types(documents=list[Document])
    async def run_async(self, documents: list[Document]) -> dict[str, list[Document]]:
        """Return copies of the documents, with unit vectors."""
        return await _embed(documents, get_embedder(self.model))


async def _embed(documents: list[Document], embedder: Embedder) -> dict[str, list[Document]]:
    vectors = await embedder.embed_documents([each.content or "" for each in documents])
    embedded = [
        replace(document, embedding=vector.tolist())
        for document, vector in zip(documents, vectors, strict=True)
    ]
    return {"documents": embedded}
