"""A worker that is killed while it reads a document."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import textwrap
from pathlib import Path

import pytest

from ingest.process import Processor
from tests.ingest.desk import Desk, letter

ROOT = Path(__file__).resolve().parents[2]

WORKER = textwrap.dedent("""
    import asyncio, os, signal, sys
    from core.config import get_settings
    from core.services import open_services
    from ingest import index, process

    stage = sys.argv[1]

    class Watched(process.Progress):
        def at(self, name, done=0, total=0):
            super().at(name, done, total)
            if name == stage and (done > 0 or name != "embedding"):
                print("there", flush=True)
                os.kill(os.getpid(), signal.SIGSTOP)

    process.Progress = Watched

    async def main():
        async with open_services(get_settings()) as services:
            await process.Processor(services).drain()

    asyncio.run(main())
""")


@pytest.mark.parametrize(
    "stage",
    [
        "embedding",
        *(pytest.param(s, marks=pytest.mark.slow) for s in ("parsing", "chunking", "indexing")),
    ],
)
async def test_a_worker_killed_at_any_stage_leaves_no_trace(
    desk: Desk, processor: Processor, stage: str
) -> None:
    document_id = await desk.add(letter(8), "tariffs.pdf")
    await _kill_a_worker_at(stage, desk)
    await processor.drain()
    document = await desk.document(document_id)
    assert (document.status, document.attempts) == ("completed", 2)
    assert len(await desk.chunks(document_id)) == 8
    assert await desk.totals() == (8, 8, 8)


@pytest.mark.slow
@pytest.mark.parametrize("stage", ["indexing", "embedding"])
async def test_small_documents_in_one_go_too(desk: Desk, processor: Processor, stage: str) -> None:
    texts = [f"Berth {n} is let to boat {n * 7}.".encode() for n in range(4)]
    ids = [await desk.add(text, f"{at}.txt") for at, text in enumerate(texts)]
    await _kill_a_worker_at(stage, desk)
    rows = [await desk.document(document_id) for document_id in ids]
    assert [(row.status, row.attempts, row.chunk_count) for row in rows] == [
        ("processing", 1, 0)
    ] * 4
    await processor.drain()
    rows = [await desk.document(document_id) for document_id in ids]
    assert [(row.status, row.attempts, row.chunk_count) for row in rows] == [
        ("completed", 2, 1)
    ] * 4
    assert await desk.totals() == (4, 4, 4)


async def _kill_a_worker_at(stage: str, desk: Desk) -> None:
    """Have a worker begin and end it there; what it held is free again."""
    settings = desk.services.settings
    environment = os.environ | {
        "NUXA_DATABASE_URL": str(settings.database_url),
        "NUXA_REDIS_URL": str(settings.redis_url),
        "NUXA_DATA_DIR": str(settings.data_dir),
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, stage, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        env=environment,
    )  # fmt: skip
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"there\n"
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    # A lease that is short enough to wait for would also run out on a machine that is busy.
    await desk.query("UPDATE documents SET lease_until = now() WHERE lease_until IS NOT NULL")
