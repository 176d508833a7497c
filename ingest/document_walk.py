"""The walk of one document: fetch if need be, read, split, embed, write.

Nothing of a document is written before its last transaction, which replaces its chunks and ends
its job, and which only the holder of its lease can commit.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress

from core import tally
from core.errors import NotFound
from core.models.embed import get_embedder
from core.services import Services
from core.store.chunks import ModelChanged
from core.store.documents import Document, Documents
from core.store.job_queue import JobQueue
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from core.store.unit import SystemUnit, Unit
from ingest import index
from ingest.document import Chunk, ParsedDocument
from ingest.failures import NoText
from ingest.fetch import fetch
from ingest.parser import Parser
from ingest.progress import DOCUMENT_STAGES, Progress
from ingest.split import MAX_TOKENS, split
from ingest.walk import LeaseLost, read_well


class DocumentWalk:
    """Turns a document of a base into passages that are found."""

    model = Document
    stages = DOCUMENT_STAGES

    def __init__(self, services: Services, parser: Parser) -> None:
        self._services = services
        self._parser = parser

    def queue(self, unit: SystemUnit) -> JobQueue[Document]:
        return unit.document_jobs

    def jobs(self, unit: Unit) -> Documents:
        return unit.documents

    async def work(self, document: Document, owner: str, progress: Progress) -> None:
        base = await self._base(document)
        if not document.blob_key:
            document = await fetch(self._services, document, owner)
        async with self._services.blobs.local_file(document.blob_key) as path:
            parsed = await self._parser.parse(path, document.name, progress.page)
        progress.at("chunking")
        chunks = await asyncio.to_thread(_split, parsed, base)
        if not chunks:
            raise NoText("No text was found in the document: check that it is the right file.")
        await self._write(document, owner, base, parsed, chunks, progress)

    async def _base(self, document: Document) -> KnowledgeBase:
        async with self._services.store.unit(document.workspace_id) as unit:
            base = await unit.bases.get(document.base_id)
        if base is None:
            raise LeaseLost
        return base

    async def _write(
        self,
        document: Document,
        owner: str,
        base: KnowledgeBase,
        parsed: ParsedDocument,
        chunks: list[Chunk],
        progress: Progress,
    ) -> None:
        while True:
            rows = await self._rows(document, base, chunks, progress)
            try:
                async with self._services.store.unit(document.workspace_id) as unit:
                    with suppress(NotFound):  # deleted meanwhile: the lease, gone too, decides
                        await unit.chunks.write_chunks(base, document.id, rows)
                    ended = await unit.documents.finish(
                        document.id, owner, "completed", read_well(parsed)
                    )
                    if not ended:
                        raise LeaseLost  # rolls the chunks back
                return
            except ModelChanged:
                base = await self._base(document)

    async def _rows(
        self, document: Document, base: KnowledgeBase, chunks: list[Chunk], progress: Progress
    ) -> list[NewChunk]:
        progress.at("embedding")
        began = time.monotonic()
        vectors = await index.embed(
            chunks,
            document.name,
            get_embedder(base.embedding_model, bulk=True),
            lambda done: progress.at("embedding", done, len(chunks)),
        )
        seconds = time.monotonic() - began
        amounts = {"embedded_passages": len(chunks), "embedding_seconds": seconds}
        await tally.add(self._services.redis, amounts)
        progress.at("indexing")
        return await index.rows(chunks, document.name, base.language, vectors)


def _split(parsed: ParsedDocument, base: KnowledgeBase) -> list[Chunk]:
    chunking = base.chunking
    return split(
        parsed,
        max_tokens=min(chunking.get("maxTokens", MAX_TOKENS), MAX_TOKENS),
        overlap_tokens=chunking.get("overlapTokens", 0),
    )
