"""The walk of one document: claim, read, split, embed, write; safe to be killed anywhere.

Nothing of a document is written before its last transaction, which replaces its chunks and ends
its job, and which only the holder of its lease can commit. A worker that dies simply stops renewing
the lease; the next one begins again, three times at most.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import Any

import structlog

from core.config import Settings
from core.errors import NotFound, NuxaError
from core.ids import new_id
from core.models.embed import get_embedder
from core.services import Services
from core.store.documents import Document
from core.store.knowledge_bases import KnowledgeBase
from ingest import index
from ingest.document import Chunk, ParsedDocument
from ingest.failures import NoText, ParseFailed
from ingest.limits import Limits
from ingest.parser import Parser
from ingest.progress import Progress
from ingest.split import MAX_TOKENS, split

_log = structlog.get_logger(__name__)

_ATTEMPTS = 3
_HEARTBEAT_SECONDS = 1.0
_SLOTS = 4  # one is read and one written while two are embedded


class _LeaseLost(Exception):
    """Someone else has the document, or it is gone; nothing may be written."""


class _Cancelled(Exception):
    """The document's owner asked to stop."""


class Processor:
    """Processes documents in one process; make it after fork, in the event loop that uses it."""

    def __init__(self, services: Services, parser: Parser | None = None) -> None:
        self._services = services
        self._parser = parser or Parser(_limits(services.settings), services.settings.ocr_languages)
        self._owner = new_id("worker")
        self._lease = timedelta(seconds=services.settings.lease_seconds)

    async def drain(self) -> int:
        """Process documents until none waits; return how many were claimed."""
        counts = await asyncio.gather(*(self._drain_slot() for _ in range(_SLOTS)))
        return sum(counts)

    async def process_next(self) -> bool:
        """Claim the next document and bring it to an end; false if none waits."""
        async with self._services.store.system() as unit:
            document = await unit.document_jobs.claim(self._owner, self._lease)
        if document is None:
            return False
        await self._process(document)
        return True

    async def close(self) -> None:
        """End the parser's process."""
        await self._parser.close()

    async def _drain_slot(self) -> int:
        count = 0
        while await self.process_next():
            count += 1
        return count

    async def _process(self, document: Document) -> None:
        log = _log.bind(document_id=document.id, attempt=document.attempts)
        if document.cancel_requested:
            await self._finish(document, "cancelled")
            return
        if document.attempts > _ATTEMPTS:
            await self._fail(document, "WORKER_LOST", _WORKER_LOST)
            return
        progress = Progress()
        try:
            await _first_to_end(self._work(document, progress), self._keep(document, progress))
        except asyncio.CancelledError:
            await asyncio.shield(self._give_back(document))
            raise
        except _Cancelled:
            await self._finish(document, "cancelled")
        except _LeaseLost:
            log.warning("document was lost to another worker or deleted")
        except ParseFailed as failed:
            if failed.retryable and document.attempts < _ATTEMPTS:
                await self._finish(document, "pending")
            else:
                await self._fail(document, failed.code, failed.message)
        except NuxaError as error:
            await self._fail(document, error.code, error.message)

    async def _keep(self, document: Document, progress: Progress) -> None:
        """Renew the lease and write progress until the work ends or must end."""
        while True:  # the claim itself was the first renewal
            await asyncio.sleep(min(_HEARTBEAT_SECONDS, self._lease.total_seconds() / 3))
            async with self._services.store.unit(document.workspace_id) as unit:
                is_cancelled = await unit.documents.renew(
                    document.id, self._owner, self._lease, progress.columns()
                )
            if is_cancelled is None:
                raise _LeaseLost
            if is_cancelled:
                raise _Cancelled

    async def _work(self, document: Document, progress: Progress) -> None:
        base = await self._base(document)
        async with self._services.blobs.local_file(document.blob_key) as path:
            parsed = await self._parse(path, document, progress)
        progress.at("chunking")
        chunks = await asyncio.to_thread(_split, parsed, base)
        if not chunks:
            raise NoText("No text was found in the document: check that it is the right file.")
        await self._write(document, base, parsed, chunks, progress)

    async def _base(self, document: Document) -> KnowledgeBase:
        async with self._services.store.unit(document.workspace_id) as unit:
            base = await unit.bases.get(document.base_id)
        if base is None:
            raise _LeaseLost
        return base

    async def _parse(self, path: Path, document: Document, progress: Progress) -> ParsedDocument:
        return await self._parser.parse(path, document.name, progress.page)

    async def _write(
        self,
        document: Document,
        base: KnowledgeBase,
        parsed: ParsedDocument,
        chunks: list[Chunk],
        progress: Progress,
    ) -> None:
        progress.at("embedding")
        vectors = await index.embed(
            chunks,
            document.name,
            get_embedder(base.embedding_model, bulk=True),
            lambda done: progress.at("embedding", done, len(chunks)),
        )
        progress.at("indexing")
        rows = await index.rows(chunks, document.name, base.language, vectors)
        async with self._services.store.unit(document.workspace_id) as unit:
            with suppress(NotFound):  # deleted meanwhile: the lease, gone too, decides below
                await unit.chunks.write_chunks(base, document.id, rows)
            if not await unit.documents.finish(
                document.id, self._owner, "completed", _completed(parsed)
            ):
                raise _LeaseLost  # rolls the chunks back

    async def _finish(self, document: Document, status: str) -> None:
        async with self._services.store.unit(document.workspace_id) as unit:
            await unit.documents.finish(document.id, self._owner, status)

    async def _give_back(self, document: Document) -> None:
        """Leave the document to another worker: that ours is told to end is no attempt."""
        async with self._services.store.unit(document.workspace_id) as unit:
            fresh = {"attempts": document.attempts - 1}
            if await unit.documents.finish(document.id, self._owner, "pending", fresh):
                unit.after_commit(lambda: self._services.queue.wake("documents", document.id))

    async def _fail(self, document: Document, code: str, message: str) -> None:
        async with self._services.store.unit(document.workspace_id) as unit:
            error = {"error": {"code": code, "message": message}}
            await unit.documents.finish(document.id, self._owner, "failed", error)


_WORKER_LOST = (
    f"Processing was interrupted {_ATTEMPTS} times, each time by the end of its worker: the "
    "document may need more memory than there is. Split it, or process it again."
)


async def _first_to_end(work: Coroutine[Any, Any, None], watch: Coroutine[Any, Any, None]) -> None:
    """Run both until one ends, then end the other; raises what the first one raised."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(watch)]
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        first = next(task for task in tasks if task in done)
        first.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _limits(settings: Settings) -> Limits:
    return Limits(
        silence_seconds=settings.parse_timeout_seconds,
        memory_bytes=settings.parse_memory_bytes,
        max_pages=settings.parse_max_pages,
        max_file_bytes=settings.max_upload_bytes,
    )


def _split(parsed: ParsedDocument, base: KnowledgeBase) -> list[Chunk]:
    chunking = base.chunking
    return split(
        parsed,
        max_tokens=min(chunking.get("maxTokens", MAX_TOKENS), MAX_TOKENS),
        overlap_tokens=chunking.get("overlapTokens", 0),
    )


def _completed(parsed: ParsedDocument) -> dict[str, Any]:
    """Return the columns that tell how well the document was read."""
    pages = parsed.page_count
    quality = {
        "pagesWithText": parsed.pages_with_text / pages if pages else 1.0,
        "ocrPages": parsed.ocr_pages,
        "ocrConfidence": parsed.ocr_confidence,
        "warnings": list(parsed.warnings),
    }
    done = {"progress": 1.0, "error": None, "quality": quality}
    return done | ({"pages_done": pages, "pages_total": pages} if pages else {})
