"""Documents: a wake has this process read what waits, one after the other."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError
from contextlib import suppress
from typing import TYPE_CHECKING

import structlog
from celery import shared_task
from celery.signals import worker_process_init

from core.services import Services
from workers.runtime import get_runtime

if TYPE_CHECKING:
    from ingest.process import Processor

log = structlog.get_logger(__name__)
_processor: Processor | None = None
_opening = asyncio.Lock()


@worker_process_init.connect  # type: ignore[untyped-decorator]
def _warm_child(**_: object) -> None:
    """Warm a forked child aside: Celery waits a few seconds for it, loading may take longer."""
    threading.Thread(target=_warm, name="warm", daemon=True).start()


def _warm() -> None:
    with suppress(CancelledError):  # told to end meanwhile
        get_runtime().run(open_processor)


@shared_task(name="documents.wake")  # type: ignore[untyped-decorator]
def wake(_document_id: str) -> None:
    """Read documents until none waits; the id only says why we were woken."""
    get_runtime().run(_drain)


async def _drain(services: Services) -> None:
    await (await open_processor(services)).drain()


async def open_processor(services: Services) -> Processor:
    """Return the process's processor, whose parser and model are loaded before it claims a job."""
    global _processor
    async with _opening:
        if _processor is None:
            from ingest.process import Processor

            processor = Processor(services)
            try:
                await processor.warm()
            # Logged; the first document meets the same, and says so to its owner.
            except Exception:
                log.exception("worker_warmup_failed")
            _processor = processor
        return _processor
