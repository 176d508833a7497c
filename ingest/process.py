"""Claiming jobs (documents, files, changes of model or chunking) and ending each, kills or not.

A walk writes in its last transaction, which ends its job, and which only the holder of its lease
can commit. A worker that dies simply stops renewing the lease; the next one begins again, three
times at most.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog

from core import tracing
from core.claiming import claimed
from core.config import Settings
from core.errors import NuxaError
from core.ids import new_id
from core.models.embed import get_embedder
from core.services import Services
from core.store.documents import Document
from core.store.jobs import Job
from ingest.document_walk import DocumentWalk
from ingest.failures import ParseFailed
from ingest.file_walk import FileWalk
from ingest.limits import Limits
from ingest.parser import Parser
from ingest.progress import DOCUMENT_STAGES, Progress
from ingest.rechunk_handler import RechunkHandler
from ingest.reembed_walk import ReembedWalk
from ingest.small_documents import MIME_TYPES_TOGETHER, DoneByItself, SmallDocuments
from ingest.walk import MAX_ATTEMPTS, LeaseLost, Walk

_log = structlog.get_logger(__name__)

_HEARTBEAT_SECONDS = 1.0
_LAST_SECONDS = 2.0  # from a job's last commit to its end
_SLOTS = 4  # one is read and one written while two are embedded
_GUEST_SLOTS = 4  # more, for workspaces that have nothing in work
_LOOK_SECONDS = 0.5


class _Cancelled(Exception):
    """The document's owner asked to stop."""


class Processor:
    """Does the jobs of one process; make it after fork, in the event loop that uses it."""

    def __init__(self, services: Services, parser: Parser | None = None) -> None:
        self._services = services
        self._parser = parser or Parser(_limits(services.settings), services.settings.ocr_languages)
        documents = DocumentWalk(services, self._parser)
        self._walks: tuple[Walk, ...] = (
            documents,
            FileWalk(services, self._parser),
            ReembedWalk(services),
            RechunkHandler(services, documents),
        )
        self._small = SmallDocuments(services, self._parser)
        self._in_work: Counter[str] = Counter()  # slots that each workspace fills
        self._looking = asyncio.Lock()
        self._ended = asyncio.Event()  # set, and made anew, at the end of each job
        self._owner = new_id("worker")
        self._lease = timedelta(seconds=services.settings.lease_seconds)

    async def drain(self) -> int:
        """Do jobs until none waits and none is in work; return how many were claimed.

        A workspace that comes while others' long documents fill the slots gets one of its own.
        """
        if not await self._has_waiting():
            return 0  # most wakes come while their document is already in work
        # Told to end, a group tells each slot once and waits for all: they are giving back.
        async with asyncio.TaskGroup() as group:
            slots = [group.create_task(self._drain_slot()) for _ in range(_SLOTS + _GUEST_SLOTS)]
        return sum(slot.result() for slot in slots)

    async def process_next(self) -> bool:
        """Claim the next job and bring it to an end; false if none waits."""
        jobs = await self._claim()
        if jobs:
            await self._in_slots(jobs)
        return bool(jobs)

    async def warm(self) -> None:
        """Start the parser and load the embedding model, for which a first job would wait."""
        embedder = await asyncio.to_thread(get_embedder, self._services.settings.embedding_model)
        await asyncio.gather(self._parser.warm(), embedder.load())

    async def close(self) -> None:
        """End the parser's process."""
        await self._parser.close()

    async def _has_waiting(self) -> bool:
        async with self._services.store.system() as unit:
            for walk in self._walks:
                if await walk.queue(unit).has_waiting():
                    return True
        return False

    async def _drain_slot(self) -> int:
        count = 0
        while True:
            async with self._looking:  # one slot looks at the queue for all that are free
                jobs = await self._next()
            if not jobs:
                return count
            await self._in_slots(jobs)
            count += len(jobs)

    async def _next(self) -> list[Job]:
        """Wait for the next jobs; empty once there is none and none is in work here."""
        while not (jobs := await self._claim()) and self._in_work.total():
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_SECONDS):
                    await self._ended.wait()
        return jobs

    async def _claim(self) -> list[Job]:
        """Claim the next job, with a small document others like it; empty if none waits."""
        jobs = await claimed(self._claim_next(), self._give_all_back)
        if jobs:
            self._in_work[jobs[0].workspace_id] += _slots(jobs)
        return jobs

    async def _claim_next(self) -> list[Job]:
        barred = [w for w, count in self._in_work.items() if count] if self._is_full() else []
        walks = self._walks
        self._walks = (*walks[1:], walks[0])  # each kind comes first in turn: none starves another
        for walk in walks:
            async with self._services.store.system() as unit:
                job: Job | None = await walk.queue(unit).claim(self._owner, self._lease, barred)
                jobs = [job] if job is not None else []
                if isinstance(job, Document):
                    jobs += await unit.document_jobs.claim_like(
                        job, self._owner, self._lease, MIME_TYPES_TOGETHER
                    )
            if jobs:
                return jobs
        return []

    def _is_full(self) -> bool:
        """Whether what is left is for workspaces that have nothing in work here."""
        return self._in_work.total() >= _SLOTS

    async def _in_slots(self, jobs: list[Job]) -> None:
        try:
            if len(jobs) == 1:
                await self._process(jobs[0])
            elif not await self._process_together(jobs):
                async with asyncio.TaskGroup() as each:
                    for job in jobs:
                        each.create_task(self._process(job))
        except asyncio.CancelledError:
            await asyncio.shield(self._give_all_back(jobs))
            raise
        finally:
            self._in_work[jobs[0].workspace_id] -= _slots(jobs)
            self._ended.set()
            self._ended = asyncio.Event()

    async def _process_together(self, documents: list[Any]) -> bool:
        """Do small documents in one go; false, and nothing written, where that cannot be."""
        progress = Progress(DOCUMENT_STAGES)
        try:
            work = self._small.work(documents, self._owner, progress)
            await _first_to_end(work, self._keep(documents, progress))
        except (NuxaError, DoneByItself, LeaseLost, _Cancelled) as reason:
            ids = [document.id for document in documents]
            _log.info("documents are done one by one", job_ids=ids, reason=repr(reason))
            return False
        except Exception:  # noqa: BLE001 - whichever it is breaks down again by itself
            _log.exception("documents are done one by one")
            return False
        return True

    async def _process(self, job: Job) -> None:
        walk = self._walk_of(job)
        log = _log.bind(job_id=job.id, attempt=job.attempts)
        if job.cancel_requested:
            await self._finish(job, "cancelled")
            return
        if job.attempts > MAX_ATTEMPTS:
            await self._fail(job, "WORKER_LOST", _WORKER_LOST)
            return
        progress = Progress(walk.stages)
        try:
            work = walk.work(job, self._owner, progress)
            with tracing.span(f"read {walk.model.__tablename__}", **{"nuxa.job": job.id}):
                await _first_to_end(work, self._keep([job], progress))
        except _Cancelled:
            await self._finish(job, "cancelled")
        except LeaseLost:
            log.warning("job was lost to another worker or deleted")
        except ParseFailed as failed:
            if failed.retryable:
                await self._again_or_fail(job, failed)
            else:
                await self._fail(job, failed.code, failed.message)
        except NuxaError as error:
            await self._fail(job, error.code, error.message)
        except Exception:
            # Our own mistake. Raised, it would end the work on everybody else's documents, too.
            log.exception("job broke down")
            await self._again_or_fail(job, NuxaError(_BROKE_DOWN))

    async def _keep(self, jobs: list[Job], progress: Progress) -> None:
        """Renew the leases and write progress until the work ends or must end."""
        ids = [job.id for job in jobs]
        while True:  # the claim itself was the first renewal
            await asyncio.sleep(min(_HEARTBEAT_SECONDS, self._lease.total_seconds() / 3))
            async with self._services.store.unit(jobs[0].workspace_id) as unit:
                rows = self._walk_of(jobs[0]).jobs(unit)
                held = await rows.renew(ids, self._owner, self._lease, progress.columns())
            if len(held) < len(jobs):
                raise LeaseLost
            for job in jobs:
                job.cancel_requested = held[job.id]
            if any(held.values()):
                raise _Cancelled

    async def _finish(self, job: Job, status: str) -> None:
        async with self._services.store.unit(job.workspace_id) as unit:
            await self._walk_of(job).jobs(unit).finish(job.id, self._owner, status)

    async def _give_all_back(self, jobs: list[Job]) -> None:
        """Leave what is not done to another worker: that ours is told to end is no attempt."""
        await asyncio.gather(*map(self._give_back, jobs))

    async def _give_back(self, job: Job) -> None:
        async with self._services.store.unit(job.workspace_id) as unit:
            fresh = {"attempts": job.attempts - 1}
            if await self._walk_of(job).jobs(unit).finish(job.id, self._owner, "pending", fresh):
                unit.after_commit(lambda: self._services.queue.wake("documents", job.id))

    async def _again_or_fail(self, job: Job, error: NuxaError) -> None:
        if job.attempts < MAX_ATTEMPTS:
            await self._finish(job, "pending")
        else:
            await self._fail(job, error.code, error.message)

    async def _fail(self, job: Job, code: str, message: str) -> None:
        async with self._services.store.unit(job.workspace_id) as unit:
            error = {"error": {"code": code, "message": message}}
            await self._walk_of(job).jobs(unit).finish(job.id, self._owner, "failed", error)

    def _walk_of(self, job: Job) -> Walk:
        return next(walk for walk in self._walks if isinstance(job, walk.model))


_WORKER_LOST = (
    f"Processing was interrupted {MAX_ATTEMPTS} times, each time by the end of its worker: the "
    "document may need more memory than there is. Split it, or process it again."
)

_BROKE_DOWN = (
    f"Something went wrong here while it was processed, {MAX_ATTEMPTS} times; what, is in the "
    "worker's log. Report it with the document's id."
)


def _slots(jobs: list[Job]) -> int:
    """Return how many slots jobs fill that are done together: while some are embedded, others are
    read and written."""
    return min(len(jobs), _SLOTS // 2)


async def _first_to_end(work: Coroutine[Any, Any, None], watch: Coroutine[Any, Any, None]) -> None:
    """Run both until one ends, then end the other; raises what the first one raised."""
    tasks = [asyncio.ensure_future(work), asyncio.ensure_future(watch)]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        if not tasks[0].done() and isinstance(tasks[1].exception(), LeaseLost):
            # Work gives its lease up in the commit that ends it. What it holds no longer it cannot
            # write.
            await asyncio.wait(tasks[:1], timeout=_LAST_SECONDS)
        first = next(task for task in tasks if task.done())
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
