"""Bases of text for tests of search: real tables, and a stand-in for the embedding model."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.ids import new_id
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from core.store.unit import Store
from core.text import analyze

DIMENSIONS = 64


def embedded(text: str) -> NDArray[np.float32]:
    """Return a unit vector in which texts are near each other that share words."""
    vector = np.full(DIMENSIONS, 1e-3)
    for word in analyze(text):
        seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=8).digest(), "big")
        vector += np.random.default_rng(seed).standard_normal(DIMENSIONS)
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class WordEmbedder:
    """Stands in for ``core.models.embed.Embedder``."""

    dimensions = DIMENSIONS
    is_crowded = False

    def begin_query(self, text: str, workspace_id: str = "") -> Future[NDArray[np.float32]]:
        """Nothing has to begin early; it takes until it is asked for."""
        return Future()

    async def embed_query(self, text: str, workspace_id: str = "") -> NDArray[np.float32]:
        return embedded(text)


async def make_base(
    store: Store, workspace_id: str, language: str = "en", **columns: Any
) -> KnowledgeBase:
    model = {"embedding_model": "words", "embedding_dimensions": DIMENSIONS}
    base = KnowledgeBase(id=new_id("kb"), name="Base", language=language, **(model | columns))
    async with store.unit(workspace_id) as unit:
        unit.bases.add(base)
    return base


def new_chunk(text: str, name: str = "", language: str = "en", **columns: Any) -> NewChunk:
    """Return a chunk that is indexed as ingestion does: under its document's name."""
    known: dict[str, Any] = {"start_offset": 0, "end_offset": len(text)} | columns
    return NewChunk(
        content=text,
        token_count=len(text.split()),
        embedding=embedded(f"{name} {text}"),
        words=Counter(analyze(f"{name} {text}", language)),
        **known,
    )


async def add_document(
    store: Store,
    base: KnowledgeBase,
    texts: Sequence[str],
    name: str = "notes.txt",
    metadata: Mapping[str, Any] | None = None,
    **columns: Any,
) -> str:
    """Write a processed document and return its id."""
    document = Document(
        id=new_id("doc"),
        base_id=base.id,
        name=name,
        mime_type="text/plain",
        size=1,
        checksum=new_id("sum"),
        blob_key="none",
        meta=dict(metadata or {}),
        status="completed",
    )
    async with store.unit(base.workspace_id) as unit:
        await unit.documents.add_unless_known(document)
        await unit.chunks.write_chunks(
            base, document.id, list(_chunks(texts, name, base.language, columns))
        )
    return document.id


def _chunks(
    texts: Sequence[str], name: str, language: str, columns: dict[str, Any]
) -> Iterator[NewChunk]:
    at = 0
    for text in texts:
        end = at + len(text)
        places = {"start_offset": at, "end_offset": end}
        yield new_chunk(text, name.rsplit(".", 1)[0], language, **places | columns)
        at = end + 2
