"""The walk of one base to another embedding model: every passage embedded anew, then the switch.

What a turn has done is written batch by batch and never done again, whoever goes on. A long walk
is done in turns, so that documents and other bases wait for one turn and not for its end.
"""

from __future__ import annotations

import time
from typing import Final

import numpy as np

from core import tally
from core.models.embed import Embedder, get_embedder
from core.models.loading import Vectors
from core.services import Services
from core.store.job_queue import JobQueue
from core.store.knowledge_bases import KnowledgeBase
from core.store.reembeddings import Reembedding, Reembeddings, Unembedded
from core.store.unit import SystemUnit, Unit
from ingest.progress import REEMBEDDING_STAGES, Progress
from ingest.split import prefixed
from ingest.walk import LeaseLost

_BATCH: Final = 64  # passages between two writes
_TURN_SECONDS: Final = 20.0


class ReembedWalk:
    """Gives a base the vectors of another model."""

    model = Reembedding
    stages = REEMBEDDING_STAGES

    def __init__(self, services: Services) -> None:
        self._services = services

    def queue(self, unit: SystemUnit) -> JobQueue[Reembedding]:
        return unit.reembedding_jobs

    def jobs(self, unit: Unit) -> Reembeddings:
        return unit.reembeddings

    async def work(self, job: Reembedding, owner: str, progress: Progress) -> None:
        embedder = get_embedder(job.model, bulk=True)
        until = time.monotonic() + _TURN_SECONDS
        after = 0
        while True:
            batch = await self._next(job, after, progress)
            vectors = await self._embedded(embedder, batch, job.workspace_id)
            is_last = len(batch) < _BATCH
            has_ended = await self._write(
                job, owner, batch, vectors, is_last, time.monotonic() > until
            )
            if has_ended:
                return
            # After the last one from the beginning: documents may have come, passages been edited.
            after = 0 if is_last else batch[-1].no

    async def _next(self, job: Reembedding, after: int, progress: Progress) -> list[Unembedded]:
        async with self._services.store.unit(job.workspace_id) as unit:
            base = await unit.bases.get(job.base_id)
            if base is None:
                raise LeaseLost
            progress.at("embedding", await unit.reembeddings.count_done(job), base.chunk_count)
            return await unit.reembeddings.next(job, after, _BATCH)

    async def _embedded(
        self, embedder: Embedder, batch: list[Unembedded], workspace_id: str
    ) -> Vectors:
        if not batch:
            return np.empty((0, 0), np.float32)
        began = time.monotonic()
        vectors = await embedder.embed_documents(
            [prefixed(c.content, c.document_name, c.heading_path, c.table_header) for c in batch],
            workspace_id,
        )
        seconds = time.monotonic() - began
        amounts = {"embedded_passages": len(batch), "embedding_seconds": seconds}
        await tally.add(self._services.redis, amounts)
        return vectors

    async def _write(
        self,
        job: Reembedding,
        owner: str,
        batch: list[Unembedded],
        vectors: Vectors,
        is_last: bool,
        is_over: bool,
    ) -> bool:
        """Write a batch; switch if nothing is missing, else pass the turn on when it is over.

        Return whether this turn has ended.
        """
        async with self._services.store.unit(job.workspace_id) as unit:
            base = await unit.bases.lock(job.base_id)
            if base is None:
                raise LeaseLost
            if batch:
                await unit.reembeddings.write(job, batch, vectors)
            if is_last and await unit.reembeddings.is_complete(job):
                await self._switch(unit, base, job, owner)
                return True
            # Progress was made: it is the first attempt again.
            turn = unit.reembeddings
            if is_over:
                is_held = await turn.finish(job.id, owner, "pending", {"attempts": 0})
            else:
                is_held = await turn.note(job.id, owner, {"attempts": 1})
            if not is_held:
                raise LeaseLost
            return is_over

    async def _switch(self, unit: Unit, base: KnowledgeBase, job: Reembedding, owner: str) -> None:
        end = {"progress": 1.0, "error": None, "replaced_set": base.vector_set}
        is_cancelled = await unit.reembeddings.is_cancelled(job)
        if not is_cancelled:
            await unit.bases.switch(base, job.model, job.dimensions, job.vector_set)
        status = "cancelled" if is_cancelled else "completed"
        if not await unit.reembeddings.finish(job.id, owner, status, {} if is_cancelled else end):
            raise LeaseLost
