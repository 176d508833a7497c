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
    desk: Desk, processor: Processor, stage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    document_id = await desk.add(letter(8), "tariffs.pdf")
    settings = desk.services.settings
    environment = os.environ | {
        "NUXA_DATABASE_URL": str(settings.database_url),
        "NUXA_REDIS_URL": str(settings.redis_url),
        "NUXA_DATA_DIR": str(settings.data_dir),
        "NUXA_LEASE_SECONDS": "1",
    }
    worker = await asyncio.create_subprocess_exec(
        sys.executable, "-c", WORKER, stage, stdout=asyncio.subprocess.PIPE, cwd=ROOT,
        env=environment,
    )  # fmt: skip
    assert worker.stdout is not None
    assert await worker.stdout.readline() == b"there\n"
    # On a machine that is very busy it may have lost its lease before, and taken it up again.
    before = (await desk.document(document_id)).attempts
    worker.send_signal(signal.SIGKILL)
    await worker.wait()
    await asyncio.sleep(1.2)
    await processor.drain()
    document = await desk.document(document_id)
    assert (document.status, document.attempts) == ("completed", before + 1)
    assert len(await desk.chunks(document_id)) == 8
    assert await desk.totals() == (8, 8, 8)
