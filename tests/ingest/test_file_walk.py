"""The reading of a file is a job like a document's: leased, cancelled, given back, done once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from core import intake
from core.ids import new_id
from core.services import Services
from core.store.files import File
from ingest.process import Processor
from tests.conftest import Owner
from tests.ingest.test_process import StubbornParser

READING = {"ocr": "auto", "languages": "eng"}


@pytest.fixture
async def file(services: Services, owner: Owner) -> File:
    """A file whose text was asked for."""

    async def pieces() -> AsyncIterator[bytes]:
        yield b"A sentence to be found."

    stored = await services.blobs.put(pieces(), 1000)
    row = File(
        id=new_id("file"), name="a.txt", size=stored.size, mime_type="text/plain",
        checksum=stored.checksum, blob_key=stored.key,
    )  # fmt: skip
    async with services.store.unit(owner.workspace_id) as unit:
        unit.files.add(row)
        await unit.flush()
        await intake.read_file(unit, row, READING, services.queue)
    return row


async def _now(services: Services, file: File) -> File:
    async with services.store.unit(file.workspace_id) as unit:
        found = await unit.files.get(file.id)
    assert found is not None
    return found


def _blobs(services: Services) -> int:
    return sum(p.is_file() for p in (services.settings.data_dir / "blobs").rglob("*"))


async def test_cancelling_stops_the_reading(services: Services, file: File) -> None:
    parser = StubbornParser()
    task = asyncio.create_task(Processor(services, parser).process_next())
    await parser.begun.wait()
    async with services.store.unit(file.workspace_id) as unit:
        await intake.cancel_file(unit, file)
    assert await asyncio.wait_for(task, 30)
    assert parser.was_cancelled
    assert (await _now(services, file)).status == "cancelled"


async def test_a_stopped_worker_gives_the_file_back(services: Services, file: File) -> None:
    parser = StubbornParser()
    task = asyncio.create_task(Processor(services, parser).process_next())
    await parser.begun.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    row = await _now(services, file)
    assert (row.status, row.attempts, row.lease_owner) == ("pending", 0, None)


async def test_a_worker_that_lost_its_lease_leaves_no_text(services: Services, file: File) -> None:
    async with services.store.system() as unit:
        late = await unit.file_jobs.claim("worker_late", timedelta(seconds=-1))
    assert late is not None
    processor = Processor(services)
    assert await processor.drain() == 1
    done = await _now(services, file)
    assert (done.status, done.attempts) == ("completed", 2)
    slow = Processor(services)
    slow._owner = "worker_late"
    await slow._process(late)
    after = await _now(services, file)
    assert (after.text_key, after.status) == (done.text_key, "completed")
    assert _blobs(services) == 2  # the file and its text
    await processor.close()


async def test_a_file_that_ends_every_worker_fails(services: Services, file: File) -> None:
    for _ in range(3):
        async with services.store.system() as unit:
            assert await unit.file_jobs.claim("worker_dead", timedelta(seconds=-1))
    await Processor(services).drain()
    row = await _now(services, file)
    assert row.status == "failed"
    assert row.error is not None
    assert row.error["code"] == "WORKER_LOST"
