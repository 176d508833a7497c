"""What a kind of job must tell the processor; the walks themselves are beside this file."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final, Protocol

from core.errors import NuxaError
from core.store.job_queue import JobQueue
from core.store.jobs import Jobs
from core.store.unit import SystemUnit, Unit
from ingest.document import ParsedDocument
from ingest.progress import Progress

MAX_ATTEMPTS: Final = 3  # at one job, or one part of it, that ends each time with its worker


class LeaseLost(Exception):
    """Someone else has the job, or it is gone; nothing may be written."""


class Duplicate(NuxaError):
    """The base holds the same content already."""

    code = "DUPLICATE"
    status = 409


class Walk(Protocol):
    """The walk of one kind of job from its claim to its last transaction."""

    @property
    def model(self) -> type[Any]:
        """The class of its rows."""
        ...

    @property
    def stages(self) -> Collection[str]:
        """The stages that its jobs go through."""
        ...

    def queue(self, unit: SystemUnit) -> JobQueue[Any]:
        """Return where the next job is claimed."""
        ...

    def jobs(self, unit: Unit) -> Jobs[Any]:
        """Return where a claimed job is kept alive and ended."""
        ...

    async def work(self, job: Any, owner: str, progress: Progress) -> None:
        """Do it all, and end it as ``completed``; raises :class:`LeaseLost` or ``NuxaError``."""
        ...


def read_well(parsed: ParsedDocument) -> dict[str, Any]:
    """Return the columns that tell how well a document was read."""
    pages = parsed.page_count
    quality = {
        "pagesWithText": parsed.pages_with_text / pages if pages else 1.0,
        "ocrPages": parsed.ocr_pages,
        "ocrConfidence": parsed.ocr_confidence,
        "warnings": list(parsed.warnings),
    }
    done = {"progress": 1.0, "error": None, "quality": quality}
    return done | ({"pages_done": pages, "pages_total": pages} if pages else {})
