"""One workspace's load and what another one waits for, at each place where they share slots."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.batches import Batcher
from core.beginnings import Beginnings
from core.config import get_settings
from core.fair_limiter import QueueTimedOut
from core.models.embed import Embedder
from core.models.rerank import Reranker
from core.sandbox.errors import CodeTimedOut
from core.sandbox.guest import Guest
from core.sandbox.limits import Language
from core.sandbox.pool import Sandbox
from core.store.unit import Store
from pipelines import expressions

FLOOD = 12
TENANT_CONNECTIONS = 6  # of a process with the ten that are the default
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    opened = Sandbox(get_settings(), concurrent=4)
    yield opened
    await opened.close()


async def _flood(
    run: Callable[[int], Awaitable[object]], is_settled: Callable[[], bool]
) -> list[asyncio.Task[Any]]:
    tasks = [asyncio.ensure_future(run(number)) for number in range(FLOOD)]
    while not is_settled():
        await asyncio.sleep(0.01)
    return tasks


async def _cancel(tasks: Sequence[asyncio.Task[Any]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_sandbox_flooded_by_one_workspace_runs_another_ones_code(sandbox: Sandbox) -> None:
    endless = await _flood(
        lambda _: sandbox.run("for (;;);", "javascript", {}, 300_000, workspace_id="flood"),
        lambda: sandbox._slots.waiting == FLOOD - 3,
    )
    try:
        async with asyncio.timeout(60):
            outcome = await sandbox.run("return 1", "javascript", {}, 60_000, workspace_id="other")
        assert outcome.result == 1
        assert not any(task.done() for task in endless)
    finally:
        await _cancel(endless)


async def test_sandbox_flooded_by_one_workspace_keeps_its_spares_for_others(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    await sandbox.warm("javascript")
    started = 0
    start = sandbox._start

    async def count_start(language: Language) -> Guest:
        nonlocal started
        started += 1
        return await start(language)

    monkeypatch.setattr(sandbox, "_start", count_start)
    endless = await _flood(
        lambda _: sandbox.run("for (;;);", "javascript", {}, 300_000, workspace_id="flood"),
        lambda: sandbox._slots.waiting == FLOOD - 3 and started == 3,
    )
    spares = list(sandbox._spares["javascript"])
    try:
        async with asyncio.timeout(60):
            await asyncio.gather(*spares)
            outcome = await sandbox.run("return 1", "javascript", {}, 60_000, workspace_id="other")
        assert outcome.result == 1
        assert started == 4  # one more spare, in the place of the one it had
        assert spares[0] not in sandbox._spares["javascript"]
    finally:
        await _cancel(endless)


async def test_sandbox_run_that_waits_out_its_time_raises_queue_timed_out(
    sandbox: Sandbox,
) -> None:
    endless = await _flood(
        lambda _: sandbox.run("for (;;);", "javascript", {}, 300_000, workspace_id="flood"),
        lambda: sandbox._slots.waiting == FLOOD - 3,
    )
    try:
        async with asyncio.timeout(60):
            with pytest.raises(QueueTimedOut):
                await sandbox.run("return 1", "javascript", {}, 200, workspace_id="flood")
    finally:
        await _cancel(endless)


async def test_sandbox_run_that_waited_has_the_rest_of_its_time(sandbox: Sandbox) -> None:
    pool = Sandbox(get_settings(), concurrent=1)
    first = asyncio.create_task(
        pool.run("for (;;);", "javascript", {}, 1_500, workspace_id="first")
    )
    while not pool._slots.in_use:
        await asyncio.sleep(0.01)
    with pytest.raises(CodeTimedOut, match="waited") as caught:
        await pool.run("for (;;);", "javascript", {}, 4_000, workspace_id="second")
    waited = int(caught.value.message.split("waited ")[1].split(" ")[0])
    assert waited > 1_000
    with pytest.raises(CodeTimedOut):
        await first
    await pool.close()


async def test_sandbox_long_code_has_a_lower_priority_than_the_service(
    sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    lowered: list[tuple[int, int]] = []
    set_priority = os.setpriority

    def note(which: int, who: int, niceness: int) -> None:
        set_priority(which, who, niceness)
        lowered.append((os.getpriority(which, who), os.getpriority(os.PRIO_PROCESS, 0)))

    monkeypatch.setattr(os, "setpriority", note)
    endless = asyncio.create_task(sandbox.run("for (;;);", "javascript", {}, 300_000))
    async with asyncio.timeout(60):
        while not lowered:
            await asyncio.sleep(0.01)
    await _cancel([endless])
    ((of_code, of_service),) = lowered
    assert of_code > of_service or of_code == 19


_HAS_SESSIONS = Path("/proc/self/autogroup").exists()


@pytest.mark.skipif(not _HAS_SESSIONS, reason="the kernel does not schedule by sessions")
async def test_sandbox_session_has_a_lower_priority_than_the_service(sandbox: Sandbox) -> None:
    await sandbox.warm("javascript")
    guests = [await spare for spare in sandbox._spares["javascript"]]
    assert [_session_niceness(guest._process.pid) for guest in guests] == [5] * len(guests)
    endless = asyncio.create_task(sandbox.run("for (;;);", "javascript", {}, 300_000))
    async with asyncio.timeout(60):
        while not any(_session_niceness(guest._process.pid) == 10 for guest in guests):
            await asyncio.sleep(0.01)
    await _cancel([endless])


@pytest.mark.skipif(not _HAS_SESSIONS, reason="the kernel does not schedule by sessions")
@pytest.mark.parametrize(
    ("program", "niceness"),
    [
        ("from pathlib import Path; from ingest import jail; jail.enter(Path('.'), 4 << 30)", 10),
        ("from workers import app; app.make_app = MagicMock(); "
         "app.run_worker(get_settings(), 'executions', 1)", 5),
        ("from workers import app; app.make_app = MagicMock(); "
         "app.run_worker(get_settings(), 'documents', 1)", 10),
    ],
)  # fmt: skip
def test_process_that_no_caller_waits_for_lowers_its_session(
    tmp_path: Path, program: str, niceness: int
) -> None:
    imports = "from unittest.mock import MagicMock; from core.config import get_settings; "
    shown = "; print(open('/proc/self/autogroup').read())"
    done = subprocess.run(
        [sys.executable, "-c", imports + program + shown],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUXA_DATA_DIR": str(tmp_path)},
        start_new_session=True,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split()[-1] == str(niceness)


def _session_niceness(pid: int) -> int:
    return int(Path(f"/proc/{pid}/autogroup").read_text().split()[-1])


class _HeldModel:
    """A model that notes what it is given, and works only once it may."""

    def __init__(self) -> None:
        self.may_work = threading.Event()
        self.seen: list[str] = []

    def _work(self, texts: Sequence[str]) -> Any:
        self.may_work.wait(60)
        self.seen += texts
        return np.zeros((len(texts), 8), np.float32)

    documents = questions = _work

    def token_counts(self, texts: Sequence[str]) -> list[int]:
        self._work(texts)
        return [1] * len(texts)


@dataclass
class _Exported:
    dimensions: int = 8


@pytest.fixture
def held_embedder(monkeypatch: pytest.MonkeyPatch) -> tuple[Embedder, _HeldModel]:
    embedder, model = Embedder("held", get_settings()), _HeldModel()
    embedder.__dict__["_exported"] = _Exported()
    monkeypatch.setattr(embedder, "_whole", lambda: model)
    monkeypatch.setattr(embedder, "_small", lambda: model)
    return embedder, model


async def test_embedder_flooded_with_documents_serves_others_next(
    held_embedder: tuple[Embedder, _HeldModel],
) -> None:
    embedder, model = held_embedder
    texts = [f"flood {number}" for number in range(200)]
    flood = asyncio.create_task(embedder.embed_documents(texts, "flood"))
    while not embedder._batches.waiting:
        await asyncio.sleep(0.01)
    others = [
        asyncio.create_task(embedder.embed_documents(["document"], "other")),
        asyncio.create_task(embedder.count_tokens(["counted"], "third")),
        asyncio.create_task(embedder.embed_query("question", "fourth")),
    ]
    await asyncio.sleep(0.1)
    model.may_work.set()
    await asyncio.gather(flood, *others)
    for text in ("document", "counted", "question"):
        assert model.seen.index(text) < 20  # of 203


async def test_embedder_flooded_with_questions_serves_others_in_the_next_batch(
    held_embedder: tuple[Embedder, _HeldModel],
) -> None:
    embedder, model = held_embedder
    flood = [asyncio.create_task(embedder.embed_query(f"{n}", "flood")) for n in range(300)]
    await asyncio.sleep(0.1)
    other = asyncio.create_task(embedder.embed_query("question", "other"))
    await asyncio.sleep(0.1)
    model.may_work.set()
    await asyncio.gather(*flood, other)
    assert model.seen.index("question") < 140  # of 301


async def test_reranker_flooded_by_one_workspace_serves_others_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    reranker, seen, may_work = Reranker("held", get_settings()), [], threading.Event()

    def predict(pairs: Any) -> list[float]:
        may_work.wait(60)
        seen.append(pairs[0][0])
        return [0.0] * len(pairs)

    monkeypatch.setattr(reranker, "_predict", predict)
    flood = await _flood(
        lambda _: reranker.scores("flood", ["text"], "flood"),
        lambda: reranker._slots.waiting == FLOOD - 1,
    )
    other = asyncio.create_task(reranker.scores("other", ["text"], "other"))
    await asyncio.sleep(0.1)
    may_work.set()
    await asyncio.gather(*flood, other)
    assert seen.index("other") <= 2


async def test_expressions_flooded_by_one_workspace_serve_others_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[str] = []
    may_work = threading.Event()

    class Held:
        def __init__(self, scope: Any) -> None:
            self._scope = scope

        def value(self, _node: object) -> str:
            may_work.wait(60)
            seen.append(self._scope)
            return ""

    monkeypatch.setattr(expressions, "_Evaluation", Held)
    monkeypatch.setattr(expressions, "_is_light", lambda *_: False)
    flood = await _flood(
        lambda _: expressions.evaluate_aside("1", "flood", "flood"),  # type: ignore[arg-type]
        lambda: expressions._slots.waiting == FLOOD - 2,
    )
    other = asyncio.create_task(
        expressions.evaluate_aside("1", "other", "other")  # type: ignore[arg-type]
    )
    await asyncio.sleep(0.1)
    may_work.set()
    await asyncio.gather(*flood, other)
    assert seen.index("other") <= 3


async def test_beginnings_flooded_by_one_workspace_let_others_begin_next() -> None:
    beginnings, seen, may_end = Beginnings(2, seconds=60), [], asyncio.Event()

    async def begin(workspace_id: str) -> None:
        async with beginnings.one(workspace_id):
            seen.append(workspace_id)
            await may_end.wait()

    flood = await _flood(lambda _: begin("flood"), lambda: len(seen) == 2)
    other = asyncio.create_task(begin("other"))
    await asyncio.sleep(0)
    may_end.set()
    await asyncio.gather(*flood, other)
    assert seen.index("other") == 2


async def test_batcher_flooded_by_one_workspace_takes_others_into_the_next_batch() -> None:
    batches: list[list[str]] = []
    may_work = asyncio.Event()

    async def work(items: Sequence[str]) -> list[None]:
        batches.append(list(items))
        await may_work.wait()
        return [None] * len(items)

    batcher = Batcher(work, most=10, owner_of=lambda item: item.partition(":")[0])
    waits = [batcher.put(f"flood:{number}") for number in range(50)]
    waits.append(batcher.put("other:1"))
    may_work.set()
    await asyncio.gather(*waits)
    assert "other:1" in batches[0]
    flood = [item for batch in batches for item in batch if item != "other:1"]
    assert flood == [f"flood:{number}" for number in range(50)]


async def test_store_flooded_by_one_workspace_gives_another_the_next_connection(
    store: Store,
) -> None:
    holders: list[str] = []
    ends = asyncio.Semaphore(0)

    async def hold(workspace_id: str) -> None:
        async with store.unit(workspace_id) as unit:
            await unit.bases.get("kb_none")
            holders.append(workspace_id)
            await ends.acquire()

    flood = await _flood(lambda _: hold("flood"), lambda: len(holders) == TENANT_CONNECTIONS)
    other = asyncio.create_task(hold("other"))
    await asyncio.sleep(0)
    ends.release()
    async with asyncio.timeout(60):
        while len(holders) == TENANT_CONNECTIONS:
            await asyncio.sleep(0.01)
    assert holders[TENANT_CONNECTIONS:] == ["other"]
    for _ in flood:
        ends.release()
    await asyncio.gather(*flood, other)
