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
from core.store.chunks import BaseChanged
from core.store.documents import Document, Documents
from core.store.job_queue import JobQueue
from core.store.knowledge_bases import KnowledgeBase
from core.store.new_chunks import NewChunk
from core.store.unit import SystemUnit, Unit
from ingest import index, languages
from ingest.document import Chunk, ParsedDocument
from ingest.failures import NoText
from ingest.fetch import fetch
from ingest.parser import Parser
from ingest.progress import DOCUMENT_STAGES, Progress
from ingest.split import embedding_text, split_for
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
        parsed = await self.parse(document, base, progress)
        await self._write(document, owner, base, parsed, progress)

    async def parse(
        self, document: Document, base: KnowledgeBase, progress: Progress
    ) -> ParsedDocument:
        """Read a document whose bytes are here."""
        async with self._services.blobs.local_file(document.blob_key) as path:
            return await self._parser.parse(
                path,
                document.name,
                progress.page,
                ocr=(document.reading or {}).get("ocr"),
                languages=await self._languages(document, base),
                workspace_id=document.workspace_id,
            )

    async def build_chunks(
        self, document: Document, base: KnowledgeBase, parsed: ParsedDocument, progress: Progress
    ) -> list[NewChunk]:
        """Cut and embed a document as its base says; raises :class:`NoText` where it has none."""
        progress.at("chunking")
        chunks = await asyncio.to_thread(split_for, parsed, base.chunking)
        if not chunks:
            raise NoText("No text was found in the document: check that it is the right file.")
        return await self._rows(document, base, chunks, progress)

    async def _base(self, document: Document) -> KnowledgeBase:
        async with self._services.store.unit(document.workspace_id) as unit:
            base = await unit.bases.get(document.base_id)
        if base is None:
            raise LeaseLost
        return base

    async def _languages(self, document: Document, base: KnowledgeBase) -> str:
        """Return what pages are recognised in: said with the document, else the base's and ours."""
        said: str = (document.reading or {}).get("languages", "")
        default = self._services.settings.ocr_languages
        return said or await asyncio.to_thread(languages.with_base, base.language, default)

    async def _write(
        self,
        document: Document,
        owner: str,
        base: KnowledgeBase,
        parsed: ParsedDocument,
        progress: Progress,
    ) -> None:
        while True:
            rows = await self.build_chunks(document, base, parsed, progress)
            made = {"indexed_name": document.name, "chunked_as": base.chunking_key}
            end = read_well(parsed) | made | {"rechunk_error": None}
            try:
                async with self._services.store.unit(document.workspace_id) as unit:
                    with suppress(NotFound):  # deleted meanwhile: the lease, gone too, decides
                        await unit.chunks.write_chunks(base, document.id, rows)
                    if not await unit.documents.finish(document.id, owner, "completed", end):
                        raise LeaseLost  # rolls the chunks back
                return
            except BaseChanged:
                base = await self._base(document)

    async def _rows(
        self, document: Document, base: KnowledgeBase, chunks: list[Chunk], progress: Progress
    ) -> list[NewChunk]:
        known = await self._known(document, base)
        embedded = 0

        def report(done: int, of: int) -> None:
            nonlocal embedded
            embedded = done
            progress.at("embedding", done, of)

        began = time.monotonic()
        vectors = await index.embed(
            [embedding_text(chunk, document.name) for chunk in chunks],
            get_embedder(base.embedding_model, bulk=True),
            report,
            document.workspace_id,
            known,
        )
        seconds = time.monotonic() - began
        amounts = {"embedded_passages": embedded, "embedding_seconds": seconds}
        await tally.add(self._services.redis, amounts)
        progress.at("indexing")
        return await index.rows(chunks, document.name, base.language, vectors)

    async def _known(self, document: Document, base: KnowledgeBase) -> dict[str, index.Vector]:
        """Return the vectors of an earlier version's passages, by what the model read of them."""
        if document.indexed_name is None:
            return {}
        async with self._services.store.unit(document.workspace_id) as unit:
            embedded = await unit.chunks.embedded(base, document.id)
        return index.vectors_by_text(embedded, document.indexed_name)
