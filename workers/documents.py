"""Documents: a wake has this process read what waits, one after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING

from celery import shared_task

from core.services import Services
from workers.runtime import get_runtime

if TYPE_CHECKING:
    from ingest.process import Processor

_processor: Processor | None = None


@shared_task(name="documents.wake")  # type: ignore[untyped-decorator]
def wake(_document_id: str) -> None:
    """Read documents until none waits; the id only says why we were woken."""
    get_runtime().run(_drain)


async def _drain(services: Services) -> None:
    global _processor
    if _processor is None:
        from ingest.process import Processor

        _processor = Processor(services)
    await _processor.drain()
