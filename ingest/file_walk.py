"""The walk of one uploaded file whose text was asked for: read it, keep the text as a blob."""

from __future__ import annotations

import asyncio

from core.blobs import Stored
from core.blobs.text import put_text
from core.services import Services
from core.store.files import File, Files
from core.store.job_queue import JobQueue
from core.store.unit import SystemUnit, Unit
from ingest.document import ParsedDocument
from ingest.parser import Parser
from ingest.progress import FILE_STAGES, Progress
from ingest.walk import LeaseLost, read_well


class FileWalk:
    """Reads files; what an earlier reading gave stays until the new one has ended."""

    model = File
    stages = FILE_STAGES

    def __init__(self, services: Services, parser: Parser) -> None:
        self._services = services
        self._parser = parser

    def queue(self, unit: SystemUnit) -> JobQueue[File]:
        return unit.file_jobs

    def jobs(self, unit: Unit) -> Files:
        return unit.files

    async def work(self, file: File, owner: str, progress: Progress) -> None:
        how = file.reading or {}
        async with self._services.blobs.local_file(file.blob_key) as path:
            parsed = await self._parser.parse(
                path,
                file.name,
                progress.page,
                ocr=how.get("ocr"),
                languages=how.get("languages"),
                workspace_id=file.workspace_id,
            )
        stored = await put_text(self._services.blobs, parsed.text)
        # Not torn apart by a cancellation: afterwards either the row names the blob or it is gone.
        await asyncio.shield(self._record(file, owner, parsed, stored))

    async def _record(self, file: File, owner: str, parsed: ParsedDocument, stored: Stored) -> None:
        values = read_well(parsed) | {
            "text_key": stored.key,
            "text_length": len(parsed.text),
            "text_pages": _pages(parsed),
        }
        try:
            async with self._services.store.unit(file.workspace_id) as unit:
                if not await unit.files.finish(file.id, owner, "completed", values):
                    raise LeaseLost
        except BaseException:
            await self._services.blobs.delete(stored.key)
            raise
        if file.text_key is not None:
            await self._services.blobs.delete(file.text_key)


def _pages(parsed: ParsedDocument) -> list[tuple[int, int, int]]:
    """Return ``(page, start, end)`` of every page with text, in its order; code points."""
    spans: dict[int, tuple[int, int]] = {}
    for element in parsed.elements:
        if element.page is not None:
            start, end = spans.get(element.page, (element.start, element.end))
            spans[element.page] = (min(start, element.start), max(end, element.end))
    return [(page, *span) for page, span in sorted(spans.items())]
