"""Handler for changes of a base's chunking: its documents are read again, one by one.

Each document switches to its new chunks in one transaction, and says then how it is cut. So a
killed worker costs the reading of one document. A long job is done in turns, for other jobs to
wait for one turn and not for its end.
"""

from __future__ import annotations

import time
from typing import Final

from core.errors import NotFound
from core.services import Services
from core.store.chunks import BaseChanged
from core.store.documents import Document
from core.store.job_queue import JobQueue
from core.store.jobs import WAITING
from core.store.knowledge_bases import KnowledgeBase
from core.store.rechunkings import Rechunking, Rechunkings
from core.store.unit import SystemUnit, Unit
from ingest.document import ParsedDocument
from ingest.document_walk import DocumentWalk
from ingest.failures import ParseFailed
from ingest.progress import RECHUNKING_STAGES, Progress
from ingest.walk import MAX_ATTEMPTS, LeaseLost

_BATCH: Final = 500  # documents that are listed at a time
_TURN_SECONDS: Final = 20.0
_WORKER_LOST: Final = {
    "code": "WORKER_LOST",
    "message": "Reading the document ended its worker each time; split it.",
}


class RechunkHandler:
    """Cuts the documents of a base as its settings say."""

    model = Rechunking
    stages = RECHUNKING_STAGES

    def __init__(self, services: Services, documents: DocumentWalk) -> None:
        self._services = services
        self._documents = documents

    def queue(self, unit: SystemUnit) -> JobQueue[Rechunking]:
        return unit.rechunking_jobs

    def jobs(self, unit: Unit) -> Rechunkings:
        return unit.rechunkings

    async def work(self, job: Rechunking, owner: str, progress: Progress) -> None:
        until = time.monotonic() + _TURN_SECONDS
        while True:
            async with self._services.store.unit(job.workspace_id) as unit:
                base = await _get_base(unit, job)
                counts = await unit.rechunkings.count_documents(base)
                document_ids = await unit.rechunkings.outdated(base, _BATCH)
            if not document_ids and await self._finish(job, owner):
                return
            for done, document_id in enumerate(document_ids, counts.done + counts.failed):
                progress.at("rechunking", done, counts.total)
                await self._reread(job, owner, document_id)
                if time.monotonic() > until:
                    await self._pass_turn(job, owner)
                    return

    async def _reread(self, job: Rechunking, owner: str, document_id: str) -> None:
        """Read a document again and switch it to its new chunks, or note why it keeps the old."""
        was_interrupted = job.attempts >= MAX_ATTEMPTS and job.document_id == document_id
        async with self._services.store.unit(job.workspace_id) as unit:
            base = await _get_base(unit, job)
            document = await unit.documents.get(document_id)
            # Tells the next worker what this one had in work, should it be gone.
            if not await unit.rechunkings.note(job.id, owner, {"document_id": document_id}):
                raise LeaseLost
        if document is None or document.status in WAITING:
            return
        if was_interrupted:
            await self._note_failure(job, owner, document, _WORKER_LOST)
            return
        try:
            parsed = await self._documents.parse(document, base, Progress())
            await self._switch(job, owner, base, document, parsed)
        except (ParseFailed, NotFound) as error:
            is_retryable = isinstance(error, ParseFailed) and error.retryable
            if is_retryable and job.attempts < MAX_ATTEMPTS:
                raise
            failure = {"code": error.code, "message": error.message}
            await self._note_failure(job, owner, document, failure)

    async def _switch(
        self,
        job: Rechunking,
        owner: str,
        base: KnowledgeBase,
        document: Document,
        parsed: ParsedDocument,
    ) -> None:
        while True:
            chunks = await self._documents.build_chunks(document, base, parsed, Progress())
            try:
                async with self._services.store.unit(job.workspace_id) as unit:
                    await _lock_base(unit, job)
                    await self._keep(unit, job, owner)
                    # Else it was read in another version meanwhile, or waits to be.
                    if await unit.rechunkings.switch(base, document):
                        await unit.chunks.write_chunks(base, document.id, chunks)
                return
            except BaseChanged:
                async with self._services.store.unit(job.workspace_id) as unit:
                    base = await _get_base(unit, job)

    async def _note_failure(
        self, job: Rechunking, owner: str, document: Document, error: dict[str, str]
    ) -> None:
        async with self._services.store.unit(job.workspace_id) as unit:
            await _lock_base(unit, job)
            await self._keep(unit, job, owner)
            await unit.rechunkings.note_failure(document, error)

    async def _keep(self, unit: Unit, job: Rechunking, owner: str) -> None:
        """Note that a document is done: progress was made, so it is the first attempt again."""
        if not await unit.rechunkings.note(job.id, owner, {"attempts": 1, "document_id": None}):
            raise LeaseLost
        job.attempts, job.document_id = 1, None

    async def _pass_turn(self, job: Rechunking, owner: str) -> None:
        async with self._services.store.unit(job.workspace_id) as unit:
            if not await unit.rechunkings.finish(job.id, owner, "pending", {"attempts": 0}):
                raise LeaseLost

    async def _finish(self, job: Rechunking, owner: str) -> bool:
        """End the job; false where its base was changed meanwhile and has outdated documents."""
        async with self._services.store.unit(job.workspace_id) as unit:
            base = await _lock_base(unit, job)
            if await unit.rechunkings.has_outdated(base):
                return False
            failed = (await unit.rechunkings.count_documents(base)).failed
            error = {
                "code": "DOCUMENTS_FAILED",
                "message": f"{failed} documents could not be read again and keep their passages;"
                " change chunking again to retry.",
            }
            end = {"progress": 1.0, "error": error if failed else None}
            status = "failed" if failed else "completed"
            if not await unit.rechunkings.finish(job.id, owner, status, end):
                raise LeaseLost
        return True


async def _get_base(unit: Unit, job: Rechunking) -> KnowledgeBase:
    base = await unit.bases.get(job.base_id)
    if base is None:
        raise LeaseLost
    return base


async def _lock_base(unit: Unit, job: Rechunking) -> KnowledgeBase:
    base = await unit.bases.lock(job.base_id)
    if base is None:
        raise LeaseLost
    return base
