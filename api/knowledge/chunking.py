"""How documents of a base are cut, and how that is changed."""

from __future__ import annotations

from functools import partial

from api.call import Call
from api.knowledge.schemas import Chunking, RechunkingAnswer
from api.reading import checked
from core.store.knowledge_bases import KnowledgeBase
from core.store.rechunkings import Rechunking
from core.store.unit import Unit


async def change_chunking(call: Call, base: KnowledgeBase, chunking: Chunking | None) -> None:
    """Set how a locked base cuts documents, and have those that are cut otherwise read again.

    Fields that were not sent stay; ``None`` brings back the defaults.
    """
    replaced_key = base.chunking_key
    if chunking is None:
        base.chunking = {}
    else:
        sent = chunking.model_dump(by_alias=True, exclude_unset=True)
        base.chunking = checked(Chunking, {**base.chunking, **sent}).model_dump(by_alias=True)
    await call.unit.flush()
    job = await call.unit.rechunkings.begin(base, replaced_key)
    if job is not None:
        call.unit.after_commit(partial(call.services.queue.wake, "documents", job.id))
    if base.chunking_key != replaced_key:
        call.audit("knowledge.chunking_changed", base.id, chunking=base.chunking)


async def describe_rechunking(
    unit: Unit, base: KnowledgeBase, job: Rechunking
) -> RechunkingAnswer | None:
    """Return how far a change of chunking is; ``None`` where all that failed was mended since."""
    counts = await unit.rechunkings.count_documents(base)
    if job.status == "failed" and counts.done == counts.total:
        return None
    return RechunkingAnswer.model_validate(
        {
            "status": job.status,
            "progress": counts.done / counts.total if counts.total else 1.0,
            "seconds_left": job.seconds_left,
            "documents_done": counts.done,
            "documents_failed": counts.failed,
            "documents_total": counts.total,
            "error": job.error,
        }
    )
