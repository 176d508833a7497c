"""The documents' worker is killed at each stage: what is kept in the end shows nothing of it."""

from __future__ import annotations

import io
import signal
from collections.abc import Callable

import pytest
from PIL import Image, ImageDraw, ImageFont
from sqlalchemy import text

from core.embedded.process import end_children
from core.services import Services
from core.store.documents import Document
from tests.conftest import Owner
from tests.faults.conftest import Crew, until
from tests.faults.shelf import Shelf
from tests.ingest import making

pytestmark = pytest.mark.slow
BYSTANDERS = {
    "notes.txt": b"The slipway is closed on Mondays for maintenance.",
    "bad.pdf": b"%PDF-1.4 nothing",
}
IsThere = Callable[[Document], bool]


def _many_pages() -> bytes:
    """Pages enough to take seconds, with few words on them: those are embedded, too."""
    pages = [
        [(72.0, 80.0, 11.0, "F1", f"Page {n} tells of berth {n * 7}.")]
        + [(72.0, 100.0 + 12 * line, 8.0, "F1", ".") for line in range(50)]
        for n in range(800)
    ]
    return making.pdf(pages)


def _scans() -> bytes:
    font = ImageFont.load_default(48)
    pages = []
    for number in range(2):
        page = Image.new("L", (1400, 900), 255)
        for line in range(8):
            words = f"Crane {number} was inspected in bay {line * 7 + number}."
            ImageDraw.Draw(page).text((60, 60 + 90 * line), words, fill=0, font=font)
        pages.append(page)
    out = io.BytesIO()
    pages[0].save(out, "PDF", save_all=True, append_images=pages[1:])
    return out.getvalue()


def _long_text() -> bytes:
    """About two batches of passages."""
    return making.prose("Each mooring has a ring, a rope and a lamp of its own", 1400).encode()


@pytest.mark.parametrize(
    ("name", "make", "is_there"),
    [
        pytest.param(
            "parsing.pdf",
            _many_pages,
            lambda row: row.stage == "parsing" and row.pages_done > 0,
            id="parsing",
        ),
        pytest.param("ocr.pdf", _scans, lambda row: row.stage == "ocr", id="ocr"),
        pytest.param(
            "embedding.txt",
            _long_text,
            lambda row: row.stage == "embedding" and row.progress > 0.35,
            id="embedding",
        ),
    ],
)
async def test_a_killed_worker_leaves_no_trace(
    name: str,
    make: Callable[[], bytes],
    is_there: IsThere,
    crew: Crew,
    services: Services,
    owner: Owner,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A lease that is short enough to wait for would also run out on a machine that is busy.
    monkeypatch.setenv("NUXA_LEASE_SECONDS", "120")
    contents = {name: make(), **BYSTANDERS}
    disturbed = await Shelf.make(services, owner.workspace_id)
    for each, content in contents.items():
        await disturbed.add(each, content)

    async def is_at_the_stage() -> bool:
        row = (await disturbed.documents())[name]
        assert row.status in ("pending", "processing"), "it is too short to be caught"
        return is_there(row)

    worker = crew.start_worker("documents")
    await until(is_at_the_stage)
    crew.kill(worker)
    assert (await disturbed.documents())[name].status == "processing"
    async with services.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE documents SET lease_until = now() WHERE status = 'processing'")
        )

    undisturbed = await Shelf.make(services, owner.workspace_id)
    for each, content in contents.items():
        await undisturbed.add(each, content)
    crew.start_worker("documents")
    crew.start_worker("upkeep")
    await until(disturbed.has_ended)
    await until(undisturbed.has_ended)

    rows = await disturbed.documents()
    assert (rows[name].status, rows[name].error, rows[name].attempts) == ("completed", None, 2)
    assert {each: rows[each].status for each in BYSTANDERS} == {
        "notes.txt": "completed",
        "bad.pdf": "failed",
    }
    assert await disturbed.chunks() == await undisturbed.chunks()
    await disturbed.check_counts()


async def test_being_told_to_end_is_no_attempt(
    crew: Crew, services: Services, owner: Owner
) -> None:
    shelf = await Shelf.make(services, owner.workspace_id)
    await shelf.add("ocr.pdf", _scans())

    async def is_held() -> bool:
        return (await shelf.documents())["ocr.pdf"].status == "processing"

    worker = crew.start_worker("documents")
    await until(is_held)
    assert worker.process is not None
    end_children([worker.process], signal.SIGTERM, 60)
    assert worker.process.returncode == 0
    row = (await shelf.documents())["ocr.pdf"]
    assert (row.status, row.attempts) == ("pending", 0)
