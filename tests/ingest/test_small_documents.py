"""Several small documents in one go: as if each had been done by itself."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from core import intake
from core.store import document_queue
from core.store.documents import Document
from ingest import document_walk
from ingest.document import ParsedDocument
from ingest.parser import Parser
from ingest.process import Processor
from ingest.small_documents import MIME_TYPES_TOGETHER
from tests.conftest import Owner
from tests.ingest.desk import Desk

_TEXTS = [f"Berth {n} is let to boat {n * 7}.\n\nThe rent is {n} euros." for n in range(5)]


class HeldParser(Parser):
    """Reads nothing before it is let go; tells when the first reading began."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.let_go = threading.Event()

    def read_plain(self, path: Path, name: str) -> ParsedDocument | None:
        self.begun.set()
        assert self.let_go.wait(120)
        return super().read_plain(path, name)


async def _add_all(desk: Desk) -> list[str]:
    return [await desk.add(text.encode(), f"{at}.txt") for at, text in enumerate(_TEXTS)]


async def _rows(desk: Desk, ids: list[str]) -> list[Document]:
    return [await desk.document(document_id) for document_id in ids]


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(120):
        while not await holds():
            await asyncio.sleep(0.05)


async def _contents(desk: Desk, document_id: str) -> list[dict[str, Any]]:
    kept = await desk.chunks(document_id)
    own = ("no", "id", "document_id")
    return [{name: value for name, value in row.items() if name not in own} for row in kept]


async def test_they_end_as_they_would_one_by_one(
    desk: Desk, processor: Processor, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(document_queue, "_MOST", 1)
        alone = await _add_all(desk)
        assert await processor.drain() == len(_TEXTS)
    before = [await _contents(desk, document_id) for document_id in alone]
    rows = await _rows(desk, alone)
    async with desk.services.store.unit(desk.base.workspace_id) as unit:
        for row in rows:
            await intake.remove(unit, desk.base, row, desk.services.blobs)

    async def never(*_: object) -> None:
        raise AssertionError("it was done by itself")

    monkeypatch.setattr(document_walk.DocumentWalk, "work", never)
    together = await _add_all(desk)
    assert await processor.drain() == len(_TEXTS)
    assert [await _contents(desk, document_id) for document_id in together] == before
    same = (
        "status", "stage", "progress", "quality", "error", "attempts", "lease_owner", "lease_until",
        "indexed_name", "chunk_count", "token_count", "word_count", "seconds_left", "pages_done",
        "pages_total",
    )  # fmt: skip
    for row, earlier in zip(await _rows(desk, together), rows, strict=True):
        assert {n: getattr(row, n) for n in same} == {n: getattr(earlier, n) for n in same}
        assert row.status == "completed"
        assert row.ended_at is not None
    count = sum(map(len, before))
    assert await desk.totals() == (count, count, count)


async def test_one_that_is_bad_or_no_plain_text_fails_alone(
    desk: Desk, processor: Processor
) -> None:
    good = await _add_all(desk)
    empty = await desk.add(b"", "empty.txt")
    broken = await desk.add(b"%PDF-1.4 nothing", "bad.pdf")
    assert await processor.drain() == len(good) + 2
    rows = await _rows(desk, [*good, empty, broken])
    assert [row.status for row in rows] == [*["completed"] * len(good), "failed", "failed"]
    assert {row.attempts for row in rows} == {1}


async def test_one_that_is_cancelled_ends_at_once_and_the_others_go_on(desk: Desk) -> None:
    parser = HeldParser()
    ids = await _add_all(desk)
    processor = Processor(desk.services, parser)
    work = asyncio.ensure_future(processor.drain())
    await asyncio.to_thread(parser.begun.wait)
    async with desk.services.store.unit(desk.base.workspace_id) as unit:
        await intake.cancel(unit, await desk.document(ids[1]))

    async def is_cancelled() -> bool:
        return (await desk.document(ids[1])).status == "cancelled"

    await _until(is_cancelled)
    parser.let_go.set()
    await work
    rows = await _rows(desk, ids)
    expected = ["completed", "cancelled", *["completed"] * (len(ids) - 2)]
    assert [row.status for row in rows] == expected
    assert await desk.chunks(ids[1]) == []


async def test_one_that_is_deleted_leaves_nothing_and_the_others_go_on(desk: Desk) -> None:
    parser = HeldParser()
    ids = await _add_all(desk)
    work = asyncio.ensure_future(Processor(desk.services, parser).drain())
    await asyncio.to_thread(parser.begun.wait)
    async with desk.services.store.unit(desk.base.workspace_id) as unit:
        row = await unit.documents.get(ids[1])
        assert row is not None
        await intake.remove(unit, desk.base, row, desk.services.blobs)
    parser.let_go.set()
    await work
    rows = await _rows(desk, [ids[0], *ids[2:]])
    assert {row.status for row in rows} == {"completed"}
    count = sum(row.chunk_count for row in rows)
    assert await desk.totals() == (count, count, count)


async def test_a_worker_that_lost_one_of_them_writes_none(desk: Desk, processor: Processor) -> None:
    ids = await _add_all(desk)
    async with desk.services.store.system() as unit:
        first = await unit.document_jobs.claim("worker_late", timedelta(seconds=-1))
        assert first is not None
        late = [first] + await unit.document_jobs.claim_like(
            first, "worker_late", timedelta(seconds=-1), MIME_TYPES_TOGETHER
        )
    assert [row.id for row in late] == ids
    assert await processor.process_next()  # takes one of them over
    slow = Processor(desk.services)
    slow._owner = "worker_late"
    assert not await slow._process_together(late)
    rows = await _rows(desk, ids)
    assert sorted(row.status for row in rows) == ["completed", *["processing"] * (len(ids) - 1)]
    count = sum(row.chunk_count for row in rows)
    assert await desk.totals() == (count, count, count)


async def test_a_worker_that_is_stopped_gives_them_all_back(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    parser = HeldParser()
    ids = await _add_all(desk)
    processor = Processor(desk.services, parser)
    give_back = processor._give_back

    async def slowly(job: Document) -> None:
        await asyncio.sleep(0.3)  # the other slots have nothing to give back, and end before
        await give_back(job)

    monkeypatch.setattr(processor, "_give_back", slowly)
    work = asyncio.ensure_future(processor.drain())
    await asyncio.to_thread(parser.begun.wait)
    work.cancel()
    await asyncio.gather(work, return_exceptions=True)
    parser.let_go.set()
    rows = await _rows(desk, ids)
    given_back = [(row.status, row.attempts, row.lease_owner) for row in rows]
    assert given_back == [("pending", 0, None)] * len(ids)


async def test_large_ones_and_such_as_were_indexed_before_are_left_out(
    desk: Desk, processor: Processor
) -> None:
    indexed = await desk.add(b"Old news of the harbour.", "old.txt")
    await processor.drain()
    async with desk.services.store.unit(desk.base.workspace_id) as unit:
        await intake.again(unit, await desk.document(indexed), desk.services.queue)
    (small, *others) = await _add_all(desk)
    large = await desk.add(b"The long list of boats. " * 400, "large.txt")
    async with desk.services.store.system() as unit:
        first = await unit.document_jobs.claim("w", timedelta(seconds=60))
        assert first is not None
        assert first.id == indexed
        lease = timedelta(seconds=60)
        assert not await unit.document_jobs.claim_like(first, "w", lease, MIME_TYPES_TOGETHER)
        second = await unit.document_jobs.claim("w", lease)
        assert second is not None
        more = await unit.document_jobs.claim_like(second, "w", lease, MIME_TYPES_TOGETHER)
    assert second.id == small
    assert [row.id for row in more] == others
    assert (await desk.document(large)).status == "pending"


async def test_who_comes_after_a_flood_is_next(
    desk: Desk, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    for at in range(20):
        await desk.add(f"Memo {at} of the flood.".encode(), f"{at}.txt")
    quiet = await desk.of(await make_owner())
    late = await quiet.add(b"One question of somebody else.", "late.txt")
    lease = timedelta(seconds=600)
    async with desk.services.store.system() as unit:
        first = await unit.document_jobs.claim("w", lease)
        assert first is not None
        more = await unit.document_jobs.claim_like(first, "w", lease, MIME_TYPES_TOGETHER)
        second = await unit.document_jobs.claim("w", lease)
    assert {row.base_id for row in [first, *more]} == {desk.base.id}
    assert len(more) == document_queue._MOST - 1
    assert second is not None
    assert second.id == late
