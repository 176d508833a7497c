"""The walk of several small documents of one base at once: all of them or none.

What a document costs beside its embedding (a claim, threads, a transaction) then is paid once for
all. Whatever goes wrong with one of them is raised, and nothing was written: then each is walked by
itself, which knows what to do about it.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final, NamedTuple

from core import tally
from core.errors import NotFound
from core.models.embed import get_embedder
from core.models.loading import Vectors
from core.services import Services
from core.store.documents import Document
from core.store.first_chunks import Indexed
from core.store.knowledge_bases import KnowledgeBase
from ingest import index
from ingest.document import Chunk, ParsedDocument
from ingest.formats import FORMATS, kinds_of
from ingest.parser import Parser
from ingest.progress import Progress
from ingest.split import embedding_text, split_for
from ingest.walk import read_well

MIME_TYPES_TOGETHER: Final = [FORMATS[kind].mime_type for kind in sorted(kinds_of("plain"))]


class DoneByItself(Exception):
    """A document is not as the others: it needs the parser's child, or has no text."""


class _Read(NamedTuple):
    document: Document
    parsed: ParsedDocument
    chunks: list[Chunk]


class SmallDocuments:
    """Reads, embeds and writes documents without a parser's child between."""

    def __init__(self, services: Services, parser: Parser) -> None:
        self._services = services
        self._parser = parser

    async def work(self, documents: Sequence[Document], owner: str, progress: Progress) -> None:
        """Do it all, and end them as completed; raises :class:`DoneByItself` or ``NuxaError``."""
        base = await self._base(documents[0])
        async with AsyncExitStack() as files:
            local = [self._services.blobs.local_file(each.blob_key) for each in documents]
            paths = [await files.enter_async_context(file) for file in local]
            progress.at("chunking")
            read = await asyncio.to_thread(self._read, documents, paths, base)
        indexed = await self._indexed(read, base, progress)
        async with self._services.store.unit(base.workspace_id) as unit:
            await unit.first_chunks.write(base, owner, indexed)

    async def _base(self, document: Document) -> KnowledgeBase:
        async with self._services.store.unit(document.workspace_id) as unit:
            base = await unit.bases.get(document.base_id)
        if base is None:
            raise NotFound("The knowledge base is gone.")
        return base

    def _read(
        self, documents: Sequence[Document], paths: Sequence[Path], base: KnowledgeBase
    ) -> list[_Read]:
        found = []
        for document, path in zip(documents, paths, strict=True):
            parsed = self._parser.read_plain(path, document.name)
            chunks = split_for(parsed, base.chunking) if parsed is not None else []
            if parsed is None or not chunks:
                raise DoneByItself
            found.append(_Read(document, parsed, chunks))
        return found

    async def _indexed(
        self, read: Sequence[_Read], base: KnowledgeBase, progress: Progress
    ) -> list[Indexed]:
        texts = [
            embedding_text(chunk, each.document.name) for each in read for chunk in each.chunks
        ]
        began = time.monotonic()
        embedder = get_embedder(base.embedding_model, bulk=True)
        vectors = await index.embed(
            texts,
            embedder,
            lambda done, of: progress.at("embedding", done, of),
            base.workspace_id,
        )
        amounts = {"embedded_passages": len(texts), "embedding_seconds": time.monotonic() - began}
        await tally.add(self._services.redis, amounts)
        progress.at("indexing")
        return await asyncio.to_thread(_rows, read, base.language, vectors)


def _rows(read: Sequence[_Read], language: str, vectors: Vectors) -> list[Indexed]:
    found = []
    start = 0
    for document, parsed, chunks in read:
        own = vectors[start : start + len(chunks)]
        start += len(chunks)
        rows = index.rows_of(chunks, document.name, language, own)
        quality = read_well(parsed)["quality"]
        found.append(Indexed(document.id, document.name, quality, rows))
    return found
