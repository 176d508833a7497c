"""Files that code is given and leaves: those of its own workspace alone, of known types alone."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from unittest.mock import AsyncMock

import pytest

from core.config import get_settings
from core.errors import NotFound, ValidationFailed
from core.sandbox.errors import LanguageUnavailable
from core.sandbox.interpreter import require_interpreter
from core.sandbox.outcome import SandboxFile
from core.services import Services
from core.store.pages import PageRequest
from pipelines.blocks.function import Function
from pipelines.code_files import keep_files
from pipelines.scope import RunScope
from pipelines.trace import BlockRecord, MemoryJournal, Told, Trace
from tests.api.conftest import Member
from tests.conftest import Owner
from tests.pipelines.running import begin
from tests.pipelines.shapes import block, context, definition, loop
from tests.security.test_run_limits import set_limits

EXECUTE = "/api/copilot/tools/execute"
CSV = b"region,amount\nnorth,3\nsouth,4\n"
CHART = """
import pandas as pd
import matplotlib.pyplot as plt
table = pd.read_csv("sales.csv")
table.plot(x="region", y="amount", kind="bar")
plt.savefig("outputs/chart.png")
int(table.amount.sum())
"""


@pytest.fixture(autouse=True, scope="module")
def _require_interpreter() -> None:
    try:
        require_interpreter(get_settings())
    except LanguageUnavailable as error:
        pytest.skip(error.message)


async def _upload(member: Member) -> str:
    files = {"file": ("sales.csv", CSV, "text/csv")}
    answer = await member.program.post("/api/files/upload", files=files)
    file_id: str = answer.json()["id"]
    return file_id


async def _run_block(services: Services, workspace_id: str, **settings: Any) -> Any:
    function, scope = Function("f", "f", settings), RunScope({})
    given = replace(context(None, scope, None, services, workspace_id))
    return await function.execute(given, function.fit(function.resolve(settings, scope)))


async def test_function_block_given_csv_keeps_chart_in_workspace(
    member: Member, services: Services
) -> None:
    file_id = await _upload(member)
    output = await _run_block(
        services, member.workspace_id, language="python", code=CHART, timeoutMs=60_000,
        files=[file_id],
    )  # fmt: skip
    assert output["result"] == 7
    (file,) = output["files"]
    assert (file["name"], file["mimeType"]) == ("chart.png", "image/png")
    chart = await member.program.get(file["url"])
    assert chart.content.startswith(b"\x89PNG\r\n\x1a\n")
    assert len(chart.content) == file["size"]


async def test_function_block_given_file_of_another_workspace_finds_none(
    member: Member, stranger: Member, services: Services
) -> None:
    file_id = await _upload(member)
    with pytest.raises(NotFound):
        await _run_block(
            services, stranger.workspace_id, language="python", code="1", files=[{"id": file_id}]
        )


async def test_run_python_given_file_returns_references(member: Member, stranger: Member) -> None:
    arguments = {"code": CHART, "fileIds": [await _upload(member)], "timeoutMs": 60_000}
    call = {"name": "run_python", "arguments": arguments}
    output = (await member.program.post(EXECUTE, json=call)).json()["output"]
    assert output["result"] == 7
    url = output["files"][0]["url"]
    assert (await member.program.get(url)).status_code == 200
    assert (await stranger.program.get(url)).status_code == 404
    refused = (await stranger.program.post(EXECUTE, json=call)).json()
    assert not refused["success"]


async def test_run_python_in_a_chat_asks_for_approval(member: Member) -> None:
    tools = (await member.program.get("/api/copilot/tools")).json()
    listed = tools if isinstance(tools, list) else next(iter(tools.values()))
    (tool,) = [each for each in listed if each["name"] == "run_python"]
    assert tool["requiresApproval"]
    assert (tool["role"], tool["readOnly"]) == ("write", False)


async def test_run_whose_files_exceed_its_bytes_fails_with_limit(
    services: Services, owner: Owner
) -> None:
    await set_limits(services, runBytes=150_000)
    code = "open('outputs/a.txt', 'w').write('x' * 60_000)"
    raw = definition(
        [block("f", "function", language="python", code=code, timeoutMs=60_000)],
        "s>l",
        loops=loop("l", "f", iterations=4),
    )
    row = await begin(services, owner, raw)
    assert (row.status, row.error["limit"]) == ("failed", "runBytes")
    async with services.store.unit(owner.workspace_id) as unit:
        assert len((await unit.files.page(PageRequest(10))).rows) == 2


async def test_run_taken_up_again_counts_files_that_it_stored() -> None:
    output = {"files": [{"id": "file_1", "name": "a.txt", "size": 60_000}]}
    now = datetime.now(UTC)
    record = BlockRecord("f", "F", "function", 1, None, 1, "success", now, now, {}, output, output)
    journal = MemoryJournal()
    journal.records = [record]
    trace = Trace(journal, AsyncMock(), {}, Told(is_all=True))
    await trace.replay()
    assert trace.budget.kept_bytes > 60_000


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("page.html", b"<script>1</script>"),
        ("drawing.svg", b"<svg onload='1'/>"),
        ("chart.png", b"<html>"),
        ("table.csv", b"\xff\xfe"),
        ("program", b"#!/bin/sh"),
    ],
)
async def test_keep_files_of_other_types_keeps_none(
    member: Member, services: Services, name: str, content: bytes
) -> None:
    files = [SandboxFile("good.csv", CSV), SandboxFile(name, content)]
    with pytest.raises(ValidationFailed):
        await keep_files(services, member.workspace_id, files)
    assert (await member.program.get("/api/files")).json()["data"] == []
