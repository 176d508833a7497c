from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import intake
from ingest.document import Chunk, ParsedDocument
from ingest.failures import ParserCrashed
from ingest.parser import OnProgress, Parser
from ingest.process import Processor
from ingest.split import split_for
from tests.ingest.desk import Desk, letter

ROOT = Path(__file__).resolve().parents[2]


class StubbornParser(Parser):
    """Never ends a document; tells when it has begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = asyncio.Event()
        self.was_cancelled = False

    async def parse(
        self, path: Path, name: str, on_progress: OnProgress | None = None, **how: Any
    ) -> ParsedDocument:
        if on_progress is not None:
            on_progress("parsing", 3, 10)
        self.begun.set()
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            self.was_cancelled = True
            raise
        raise AssertionError


class CrashingParser(Parser):
    """Crashes a number of times before it reads."""

    def __init__(self, crashes: int) -> None:
        super().__init__()
        self._crashes = crashes

    async def parse(
        self, path: Path, name: str, on_progress: OnProgress | None = None, **how: Any
    ) -> ParsedDocument:
        if self._crashes > 0:
            self._crashes -= 1
            raise ParserCrashed("The parser ended while it read the document (signal SIGSEGV).")
        return await super().parse(path, name, on_progress, **how)


class BrokenParser(Parser):
    """Has a mistake that one document brings to light."""

    async def parse(
        self, path: Path, name: str, on_progress: OnProgress | None = None, **how: Any
    ) -> ParsedDocument:
        if name == "broken.pdf":
            raise KeyError(name)
        return await super().parse(path, name, on_progress, **how)


async def test_a_document_is_read_split_embedded_and_written(
    desk: Desk, processor: Processor
) -> None:
    document_id = await desk.add(letter(), "tariffs.pdf")
    assert await processor.process_next()
    document = await desk.document(document_id)
    assert (document.status, document.progress, document.stage) == ("completed", 1.0, None)
    assert (document.pages_done, document.pages_total, document.attempts) == (2, 2, 1)
    assert document.quality is not None
    assert document.quality["pagesWithText"] == 1
    first, second = await desk.chunks(document_id)
    assert second["content"].startswith("Section 2\n\nThe tariff of zone 2 is 34 euros")
    assert (second["page"], second["heading_path"]) == (2, ["Section 2"])
    assert 0 < second["bbox"][0] < second["bbox"][2] < 1
    assert {"tariff", "34"} <= set(second["terms"])
    assert first["end_offset"] <= second["start_offset"]
    assert document.chunk_count == 2
    assert await desk.totals() == (2, 2, 2)
    assert not await processor.process_next()


async def test_a_bad_document_fails_with_its_reason_and_others_go_on(
    desk: Desk, processor: Processor
) -> None:
    bad = await desk.add(b"%PDF-1.4 nothing", "bad.pdf")
    empty = await desk.add(b"", "empty.txt")
    good = await desk.add(b"One good sentence.", "good.txt")
    assert await processor.drain() == 3
    found = {i: await desk.document(i) for i in (bad, empty, good)}
    assert [found[i].status for i in (bad, empty, good)] == ["failed", "failed", "completed"]
    assert found[bad].error is not None
    assert found[bad].error["code"] == "CORRUPT"
    assert found[empty].error is not None
    assert found[empty].error["code"] == "EMPTY_DOCUMENT"
    assert await desk.totals() == (1, 1, 1)


async def test_processing_again_replaces_the_chunks(desk: Desk, processor: Processor) -> None:
    document_id = await desk.add(letter(3), "tariffs.pdf")
    await processor.drain()
    before = await desk.chunks(document_id)
    async with desk.services.store.unit(desk.base.workspace_id) as unit:
        await intake.again(unit, await desk.document(document_id), desk.services.queue)
    await processor.drain()
    after = await desk.chunks(document_id)
    assert [c["content"] for c in after] == [c["content"] for c in before]
    assert {c["id"] for c in after}.isdisjoint({c["id"] for c in before})
    assert await desk.totals() == (3, 3, 3)


async def test_cancelling_stops_the_work_and_progress_is_seen(desk: Desk) -> None:
    document_id = await desk.add(letter(), "tariffs.pdf")
    parser = StubbornParser()
    task = asyncio.create_task(Processor(desk.services, parser).process_next())
    await parser.begun.wait()
    while (document := await desk.document(document_id)).pages_total is None:
        await asyncio.sleep(0.05)
    assert (document.stage, document.pages_done, document.pages_total) == ("parsing", 3, 10)
    assert 0 < document.progress < 0.8
    async with desk.services.store.unit(desk.base.workspace_id) as unit:
        await intake.cancel(unit, document)
    assert await asyncio.wait_for(task, 30)
    assert parser.was_cancelled
    assert (await desk.document(document_id)).status == "cancelled"
    assert await desk.totals() == (0, 0, 0)


async def test_a_deleted_document_leaves_nothing_behind(desk: Desk) -> None:
    document_id = await desk.add(letter(), "tariffs.pdf")
    parser = StubbornParser()
    task = asyncio.create_task(Processor(desk.services, parser).process_next())
    await parser.begun.wait()
    async with desk.services.store.unit(desk.base.workspace_id) as unit:
        found = await unit.documents.get(document_id)
        assert found is not None
        await intake.remove(unit, desk.base, found, desk.services.blobs)
    assert await asyncio.wait_for(task, 30)
    assert parser.was_cancelled
    assert await desk.totals() == (0, 0, 0)


@pytest.mark.parametrize("work", [Processor.process_next, Processor.drain])
async def test_a_worker_that_is_stopped_gives_its_document_back(
    desk: Desk, work: Callable[[Processor], Coroutine[Any, Any, object]]
) -> None:
    document_id = await desk.add(letter(), "tariffs.pdf")
    parser = StubbornParser()
    task = asyncio.create_task(work(Processor(desk.services, parser)))
    await parser.begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    document = await desk.document(document_id)
    assert (document.status, document.attempts, document.lease_owner) == ("pending", 0, None)


async def test_a_worker_that_is_stopped_as_it_claims_gives_back_what_it_got(
    desk: Desk, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_id = await desk.add(letter(), "tariffs.pdf")
    claimed, plain = asyncio.Event(), desk.services.store.system

    @asynccontextmanager
    async def slow() -> AsyncIterator[Any]:
        async with plain() as unit:
            yield unit
        if (await desk.document(document_id)).status == "processing":
            claimed.set()  # it is written, and not known to the one who claims
            await asyncio.sleep(0.1)

    monkeypatch.setattr(desk.services.store, "system", slow)
    task = asyncio.create_task(processor.drain())
    await claimed.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    document = await desk.document(document_id)
    assert (document.status, document.attempts, document.lease_owner) == ("pending", 0, None)


async def test_the_parsers_crash_is_tried_again(desk: Desk) -> None:
    document_id = await desk.add(letter(), "tariffs.pdf")
    processor = Processor(desk.services, CrashingParser(2))
    assert await processor.drain() == 3
    document = await desk.document(document_id)
    assert (document.status, document.attempts) == ("completed", 3)
    await processor.close()


async def test_three_crashes_are_the_end(desk: Desk) -> None:
    document_id = await desk.add(letter(), "tariffs.pdf")
    await Processor(desk.services, CrashingParser(9)).drain()
    document = await desk.document(document_id)
    assert (document.status, document.attempts) == ("failed", 3)
    assert document.error is not None
    assert document.error["code"] == "PARSER_CRASHED"


async def test_a_worker_that_lost_its_lease_writes_nothing(
    desk: Desk, processor: Processor
) -> None:
    document_id = await desk.add(b"A sentence to be found.", "a.txt")
    async with desk.services.store.system() as unit:
        late = await unit.document_jobs.claim("worker_late", timedelta(seconds=-1))
    assert late is not None
    await processor.drain()
    done = await desk.chunks(document_id)
    slow = Processor(desk.services)
    slow._owner = "worker_late"
    await slow._process(late)
    assert [c["id"] for c in await desk.chunks(document_id)] == [c["id"] for c in done]
    assert (await desk.document(document_id)).status == "completed"
    assert await desk.totals() == (1, 1, 1)


async def test_a_document_that_ends_every_worker_fails(desk: Desk, processor: Processor) -> None:
    document_id = await desk.add(b"Poison.", "a.txt")
    for _ in range(3):
        async with desk.services.store.system() as unit:
            assert await unit.document_jobs.claim("worker_dead", timedelta(seconds=-1))
    await processor.drain()
    document = await desk.document(document_id)
    assert document.status == "failed"
    assert document.error is not None
    assert document.error["code"] == "WORKER_LOST"


async def test_our_own_mistake_fails_its_document_and_no_other(desk: Desk) -> None:
    broken = await desk.add(letter(), "broken.pdf")
    whole = await desk.add(letter(3), "whole.pdf")
    processor = Processor(desk.services, BrokenParser())
    await processor.drain()
    await processor.close()
    assert (await desk.document(whole)).status == "completed"
    document = await desk.document(broken)
    assert (document.status, document.attempts) == ("failed", 3)
    assert document.error is not None
    assert document.error["code"] == "INTERNAL_ERROR"


async def test_small_documents_beside_our_own_mistake_are_done(
    desk: Desk, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    def split(parsed: ParsedDocument, chunking: Any) -> list[Chunk]:
        if "marked" in parsed.text:
            raise KeyError("marked")
        return split_for(parsed, chunking)

    for module in ("ingest.small_documents", "ingest.document_walk"):
        monkeypatch.setattr(f"{module}.split_for", split)
    ids = [
        await desk.add(f"Note {n}, {what}.".encode(), f"{n}.txt") for n, what in enumerate(_WHAT)
    ]
    await processor.drain()
    assert [(await desk.document(each)).status for each in ids] == ["completed", "failed"] * 2


_WHAT = ("plain", "marked", "simple", "marked")
