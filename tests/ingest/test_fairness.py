"""One tenant's long documents hold up nobody else's short ones."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest

from core.services import Services
from ingest.document import ParsedDocument
from ingest.limits import Limits
from ingest.parser import OnProgress, Parser
from ingest.process import Processor
from tests.conftest import Owner
from tests.ingest import making
from tests.ingest.desk import Desk


class OpenEndedParser(Parser):
    """Never ends documents of one name, and reads the others."""

    async def parse(
        self, path: Path, name: str, on_progress: OnProgress | None = None, **how: Any
    ) -> ParsedDocument:
        if name == "long.txt":
            await asyncio.sleep(3600)
        return await super().parse(path, name, on_progress, **how)


async def test_who_comes_while_all_slots_are_taken_by_one_gets_a_slot(
    desk: Desk, services: Services, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    for n in range(6):
        await desk.add(making.prose(f"Number {n} takes for ever", 300).encode(), "long.txt")
    theirs = await desk.of(await make_owner())
    work = asyncio.ensure_future((processor := Processor(services, OpenEndedParser())).drain())
    try:
        await _until(lambda: _count(desk, "processing", 4))
        added = await theirs.add(b"The slipway is closed on Mondays.", "short.txt")
        await _until(lambda: _count(theirs, "completed", 1))
        assert (await theirs.document(added)).chunk_count == 1
        assert await _count(desk, "processing", 4), "no more than its slots"
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await processor.close()


def _report(pages: int) -> bytes:
    """Return a PDF of so many pages, each of as much text as a page of a report."""
    words = ("tariff", "harbour", "varnish", "copper", "slipway", "manifest", "lantern", "canvas")
    return making.pdf(
        [
            [
                (72, 70, 16, "F2", f"Section {page}"),
                *((72, 100 + 13 * row, 10, "F1", _line(words, page, row)) for row in range(46)),
            ]
            for page in range(1, pages + 1)
        ]
    )


def _letter(text: str) -> bytes:
    return making.pdf([[(72, 80, 12, "F1", text)]])


def _line(words: tuple[str, ...], page: int, row: int) -> str:
    picked = " ".join(words[(page * 7 + row * k) % len(words)] for k in range(1, 9))
    return f"{page}.{row} The {picked} was noted by the clerk"


def _resident(pid: int) -> int:
    """Return the bytes that a process holds."""
    pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.slow
@pytest.mark.timeout(1500)
@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
async def test_600_pages_hold_up_nobody_and_stay_within_memory(
    desk: Desk, services: Services, make_owner: Callable[[], Awaitable[Owner]]
) -> None:
    parser = Parser(Limits(max_pages=1000))
    processor = Processor(services, parser)
    await desk.add(
        making.pdf([[(72, 80, 12, "F1", "What warms the parser up, and the model.")]]), "w"
    )
    await processor.drain()
    large = await desk.add(_report(600), "report.pdf")
    work = asyncio.ensure_future(processor.drain())
    waits, peak, neighbour = [], 0, 0
    before = _resident(
        os.getpid()
    )  # what the tests before this one have left is not the document's
    try:
        await _until(lambda: _count(desk, "processing", 1))
        while (await desk.document(large)).status == "processing":
            neighbour += 1
            theirs = await desk.of(await make_owner())
            letter = making.pdf(
                [[(72, 80, 12, "F1", f"Letter {neighbour}: the crane is repaired.")]]
            )
            began = time.monotonic()
            await theirs.add(letter, "letter.pdf")
            await _until(lambda theirs=theirs: _count(theirs, "completed", 1))
            waits.append(time.monotonic() - began)
            child = parser._kept.child
            held = _resident(child._process.pid) if child is not None else 0
            peak = max(peak, held + _resident(os.getpid()) - before)
            await asyncio.sleep(1)
        document = await desk.document(large)
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await processor.close()
    print(
        f"{len(waits)} letters, longest wait {max(waits):.1f} s; {peak / 1e6:.0f} MB more at most"
    )
    assert (document.status, document.pages_total) == ("completed", 600)
    assert len(waits) > 3
    assert max(waits) < 10
    assert peak < 0.6e9


async def _count(desk: Desk, status: str, wanted: int) -> bool:
    sql = "SELECT count(*) FROM documents WHERE base_id = $1 AND status = $2"
    ((count,),) = await desk.query(sql, desk.base.id, status)
    return bool(count == wanted)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(60):
        while not await holds():
            await asyncio.sleep(0.05)
