"""Knowledge in a workflow: a text is added, indexed, found, and cited by an agent."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from core.ids import new_id
from core.models import chat
from core.services import Services
from core.store.executions import Execution
from core.store.knowledge_bases import KnowledgeBase
from core.store.workflows import Workflow
from ingest.process import Processor
from pipelines import run
from pipelines.execute import execute
from pipelines.run import RunRequest
from tests.conftest import Owner
from tests.fakes import FakeChat
from tests.pipelines.shapes import block, definition

FACT = "The lighthouse of Brackwater was built in 1874 by the engineer Ottilie Kranz."


async def _base(services: Services, owner: Owner) -> str:
    base = KnowledgeBase(
        id=new_id("kb"), name="B", embedding_model="all-MiniLM-L6-v2", embedding_dimensions=384
    )
    async with services.store.unit(owner.workspace_id) as unit:
        unit.bases.add(base)
    return base.id


async def _run(
    services: Services, owner: Owner, raw: dict[str, Any], given: dict[str, Any]
) -> Execution:
    async with services.store.unit(owner.workspace_id) as unit:
        workflow = Workflow(id=new_id("wf"), name="W", definition=raw)
        unit.workflows.add(workflow)
        await unit.flush()
        request = RunRequest(trigger="manual", draft="always", runner="me", input=given)
        row = await run.start(unit, services, workflow.id, request)
    ended = await execute(services, row, "me")
    assert ended is not None
    return ended


async def test_a_text_is_added_found_and_cited(
    services: Services, owner: Owner, monkeypatch: pytest.MonkeyPatch
) -> None:
    base_id = await _base(services, owner)
    note = {"knowledgeBaseId": base_id, "text": "<start.text>", "name": "facts.txt"}
    adding = definition([block("k", "knowledge", operation="add", **note)], "s>k")
    first = await _run(services, owner, adding, {"text": FACT})
    again = await _run(services, owner, adding, {"text": FACT})
    assert first.status == "completed", first.error
    assert first.output["results"][0]["status"] == "pending"
    assert again.output["results"][0]["id"] == first.output["results"][0]["id"]
    async with asyncio.timeout(90):
        await Processor(services).drain()
    door = FakeChat([["It was built in 1874 by the engineer Ottilie Kranz [1]. And [7]."]])
    monkeypatch.setattr(chat, "stream", door)
    asking = definition(
        [
            block("k", "knowledge", knowledgeBaseId=base_id, query="<start.q>", topK=3),
            block("a", "agent", prompt="<start.q>", knowledgeBaseIds=[base_id]),
            block("r", "response", data={"found": "<k.results>", "said": "<a.content>",
                                         "cited": "<a.citations>"}),
        ],
        "s>k k>a a>r",
    )  # fmt: skip
    ended = await _run(services, owner, asking, {"q": "Who built the lighthouse?"})
    assert ended.status == "completed", ended.error
    answer = ended.output["data"]
    assert FACT in answer["found"][0]["content"]
    assert answer["said"] == "It was built in 1874 by the engineer Ottilie Kranz [1]. And."
    [citation] = answer["cited"]
    assert citation["quote"] in FACT
    assert citation["chunkId"] == answer["found"][0]["id"]
    assert FACT in str(door.requests[0].messages[-1]["content"])


async def test_a_base_of_another_tenant_is_not_there(
    services: Services, owner: Owner, make_owner: Any
) -> None:
    theirs = await _base(services, await make_owner())
    for settings in (
        {"query": "x"},
        {"operation": "add", "text": "x"},
    ):
        raw = definition([block("k", "knowledge", knowledgeBaseId=theirs, **settings)], "s>k")
        ended = await _run(services, owner, raw, {})
        assert ended.error is not None
        assert (ended.status, ended.error["code"]) == ("failed", "NOT_FOUND")
    raw = definition([block("a", "agent", prompt="x", knowledgeBaseIds=[theirs])], "s>a")
    ended = await _run(services, owner, raw, {})
    assert ended.error is not None
    assert ended.error["code"] == "NOT_FOUND"
