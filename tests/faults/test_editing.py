"""Twenty editors at once, connections that break, a process that is killed: one state, no edit
lost, none applied twice."""

from __future__ import annotations

import asyncio
import copy
from collections import defaultdict
from typing import Any

import httpx
import pytest

from core.embedded.process import last_words
from core.services import Services
from tests.faults.conftest import Crew
from tests.faults.editors import Desk, DocumentEditor, Editor, OperationEditor
from tests.pipelines.editing.conftest import RAW
from tests.walks.system import free_port

EDITS, EDITORS = 5_000, 20


async def _ready(url: str) -> None:
    async with httpx.AsyncClient(base_url=url) as client:
        while True:
            try:
                if (await client.get("/api/health/live")).status_code == 200:
                    return
            except httpx.TransportError:
                await asyncio.sleep(0.1)


async def _account(url: str) -> tuple[httpx.AsyncClient, str]:
    client = httpx.AsyncClient(base_url=url, timeout=60)
    account = {"email": "many@example.com", "password": "correct horse battery", "name": "Many"}
    assert (await client.post("/api/auth/signup", json=account)).status_code == 201
    made = await client.post("/api/auth/api-keys", json={"name": "editors"})
    return client, made.json()["key"]


async def _log(services: Services, workspace_id: str, workflow_id: str) -> list[Any]:
    found: list[Any] = []
    async with services.store.unit(workspace_id) as unit:
        while page := await unit.workflow_operations.after(workflow_id, len(found) + 1, 500):
            found += page
    return found


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_all_end_with_the_stored_workflow(
    crew: Crew, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NUXA_DEFAULT_PLAN", "enterprise")  # each edit spends a request of the plan
    processes, urls = [], []
    for _ in range(2):
        port = free_port()
        monkeypatch.setenv("NUXA_PORT", str(port))
        processes.append(crew.start("api", "serve"))
        urls.append(f"http://127.0.0.1:{port}")
    for url in urls:
        await _ready(url)
    client, key = await _account(urls[0])
    workspace_id = (await client.get("/api/auth/session")).json()["workspaceId"]
    raw = {**copy.deepcopy(RAW), "variables": {}}
    raw["blocks"]["u"]["subBlocks"]["template"]["value"] = "refers to nothing"
    made = await client.post("/api/workflows", json={"name": "Many hands", **raw})
    workflow_id = made.json()["id"]
    desk = Desk(urls, key, workflow_id)
    kinds: list[type[Editor]] = [OperationEditor, DocumentEditor]
    editors = [kinds[number % 2](desk, number) for number in range(EDITORS)]
    done = 0

    async def pace() -> None:
        nonlocal done
        done += 1
        if done == EDITS // 2:
            urls.pop()
            crew.kill(processes[1])

    try:
        await asyncio.gather(*(editor.work(EDITS // EDITORS, pace) for editor in editors))
        await _converged(client, workflow_id, editors)
    finally:
        print(last_words(processes[0].log, 2_000))
    stored = (await client.get(f"/api/workflows/{workflow_id}")).json()
    log = await _log(services, workspace_id, workflow_id)
    _every_edit_once(stored, log, editors)
    fresh = DocumentEditor(desk, 99)
    await fresh.connect()
    assert fresh.holds(stored)
    for editor in [*editors, fresh]:
        await editor.client.disconnect()
    await client.aclose()


async def _converged(client: httpx.AsyncClient, workflow_id: str, editors: list[Editor]) -> None:
    """Return once every editor holds what is stored; fails after a minute."""
    for _ in range(120):
        stored = (await client.get(f"/api/workflows/{workflow_id}")).json()
        behind = [editor.number for editor in editors if not editor.holds(stored)]
        if not behind:
            return
        for editor in editors:
            if editor.gone.is_set():  # since its last edit, as where nobody had time for a ping
                await editor.connect()
        await asyncio.sleep(0.5)
    raise AssertionError(f"editors {behind} hold something else")


def _every_edit_once(stored: dict[str, Any], log: list[Any], editors: list[Editor]) -> None:
    assert [entry.version for entry in log] == list(range(2, stored["version"] + 1))
    versions = {entry.operation_id: entry.version for entry in log}
    assert len(versions) == len(log)
    for editor in editors:
        if isinstance(editor, OperationEditor):
            assert len(editor.answered) == EDITS // EDITORS
            assert editor.answered.items() <= versions.items()
    marks = defaultdict(list)
    for entry in log:
        for step in entry.operation["patch"]:
            if step["path"][0] == "variables":
                marks[step["path"][1]].append(step["value"]["value"])
    for values in marks.values():
        assert values == sorted(set(values)), "an edit was applied again, or late"
    for editor in editors:
        if isinstance(editor, DocumentEditor):  # each of its edits writes its mark
            assert stored["variables"][editor.register]["value"] == EDITS // EDITORS
