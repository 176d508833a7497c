"""Real worker processes on a real queue, killed with kill -9: what they held ends all the same."""

from __future__ import annotations

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from api.launch import OwnProcess
from api.seed import DOCUMENTS
from core import intake
from core.config import Settings
from core.embedded.process import end_children, kill_session
from core.ids import new_id
from core.intake import Content
from core.services import Services
from core.store.documents import TERMINAL, Document
from core.store.executions import Execution
from core.store.knowledge_bases import KnowledgeBase
from core.store.workflows import Workflow
from pipelines import run
from pipelines.run import RunRequest
from tests.conftest import Owner
from tests.pipelines.shapes import block, definition
from workers.upkeep import wake_document_workers, wake_execution_workers

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="children end by the kernel"),
    pytest.mark.timeout(600),
]
WAITS = definition([block("a"), block("w", "wait", seconds=5), block("z")], "s>a a>w w>z")
Start = Callable[[str], OwnProcess]


@pytest.fixture
def short_leases(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NUXA_LEASE_SECONDS", "3")


@pytest.fixture
def start(short_leases: None, settings: Settings, tmp_path: Path) -> Iterator[Start]:
    started: list[OwnProcess] = []

    def start_worker(kind: str) -> OwnProcess:
        worker = OwnProcess(["workers", kind, "--slots", "1"], tmp_path / f"{kind}.log")
        worker.start()
        started.append(worker)
        return worker

    yield start_worker
    for worker in started:
        assert worker.process is not None
        kill_session(worker.process)


async def _until(holds: Callable[[], Awaitable[bool]]) -> None:
    while not await holds():
        await asyncio.sleep(0.05)


async def _add_document(services: Services, owner: Owner, path: Path) -> Document:
    async def content() -> AsyncIterator[bytes]:
        yield path.read_bytes()

    base = KnowledgeBase(
        id=new_id("kb"), name="B", embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
    )
    stored = await services.blobs.put(content(), 10**7)
    given = Content(path.name, "", stored.size, stored.checksum, stored.key)
    async with services.store.unit(owner.workspace_id) as unit:
        unit.bases.add(base)
        await unit.flush()
        return (await intake.add(unit, base, given, services.queue, services.blobs)).document


async def _document(services: Services, of: Document) -> Document:
    async with services.store.unit(of.workspace_id) as unit:
        row = await unit.documents.get(of.id)
    assert row is not None
    return row


async def test_a_document_survives_its_worker(
    start: Start, services: Services, owner: Owner
) -> None:
    added = await _add_document(services, owner, DOCUMENTS / "crane-inspection-scan.png")

    async def is_held() -> bool:
        return (await _document(services, added)).status == "processing"

    async def has_ended() -> bool:
        await wake_document_workers(services)
        return (await _document(services, added)).status in TERMINAL

    first = start("documents")
    await _until(is_held)
    assert first.process is not None
    first.process.kill()
    first.process.wait()
    assert await is_held()  # nobody ended it: the forked child went along
    start("documents")
    await _until(has_ended)
    document = await _document(services, added)
    assert (document.status, document.error, document.attempts) == ("completed", None, 2)
    async with services.store.engine.connect() as connection:
        chunks = await connection.execute(
            text("SELECT count(*), count(DISTINCT (chunk_index)) FROM chunks")
        )
        assert chunks.one() == (document.chunk_count, document.chunk_count)


async def test_a_document_costs_no_attempt_when_its_worker_is_told_to_end(
    start: Start, services: Services, owner: Owner
) -> None:
    added = await _add_document(services, owner, DOCUMENTS / "crane-inspection-scan.png")

    async def is_held() -> bool:
        return (await _document(services, added)).status == "processing"

    worker = start("documents")
    await _until(is_held)
    assert worker.process is not None
    end_children([worker.process], signal.SIGTERM, 60)
    assert worker.process.returncode == 0
    document = await _document(services, added)
    assert (document.status, document.attempts) == ("pending", 0)


async def _start_run(services: Services, owner: Owner) -> Execution:
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = Workflow(id=new_id("wf"), name="W", definition=WAITS)
        unit.workflows.add(workflow)
        await unit.flush()
        request = RunRequest(trigger="manual", draft="always")
        return await run.start(unit, services, workflow.id, request)


async def _run(services: Services, of: Execution) -> Execution:
    async with services.store.unit(of.workspace_id) as unit:
        row = await unit.executions.get(of.id)
    assert row is not None
    return row


async def test_a_run_survives_its_worker(start: Start, services: Services, owner: Owner) -> None:
    added = await _start_run(services, owner)

    async def waits() -> bool:
        async with services.store.unit(owner.workspace_id) as unit:
            return any(row.block_id == "a" for row in await unit.block_logs.of(added.id))

    async def has_ended() -> bool:
        await wake_execution_workers(services)
        return (await _run(services, added)).status in TERMINAL

    first = start("executions")
    await _until(waits)
    assert first.process is not None
    first.process.kill()
    first.process.wait()
    assert (await _run(services, added)).status == "running"
    start("executions")
    await _until(has_ended)
    row = await _run(services, added)
    assert (row.status, row.error, row.recoveries) == ("completed", None, 1)
    async with services.store.unit(owner.workspace_id) as unit:
        logged = [(log.block_id, log.status) for log in await unit.block_logs.of(added.id)]
    assert logged == [(name, "success") for name in "sawz"]
