"""The copilot's modes: six prompts that must work, and workflows built from a sentence."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from copilot import turn
from copilot.begin import Ask, begin
from core.ids import new_id
from core.rights import Rights, Role
from core.services import Services
from core.store.messages import Message
from core.store.workflows import Workflow
from evals.cases import BadData
from evals.scratch import USER, ScratchBase
from pipelines import background, run
from pipelines.graph import START, Graph
from pipelines.run import RunRequest
from pipelines.validity import check
from pipelines.workflow import parse

_OWNER: Final = Rights(Role.OWNER)
_WRITING: Final = ("edit_workflow", "run_workflow")
_LONGEST_TURN: Final = 900.0  # seconds


@dataclass(frozen=True)
class Prompt:
    """What is asked, and by what it is known to be answered: a tool that was called with success,
    words of the answer, an artifact, or the kinds of blocks (``a|b``: one of them, ``a?``: may be
    anywhere) of what was built, in the order in which a run comes by them."""

    id: str
    ask: str
    mode: str
    tool: str = ""
    says: Sequence[str] = ()
    makes: str = ""
    blocks: Sequence[str] = ()


@dataclass(frozen=True)
class Tasks:
    prompts: list[Prompt]
    workflows: list[dict[str, Any]]


def load(folder: Path, limit: int | None, *, studio: bool) -> Tasks:
    """Read ``tasks.json``; raises ``BadData`` where it is not there."""
    file = folder / "tasks.json"
    if not file.is_file():
        raise BadData(f"{folder} has no tasks.json.")
    told = json.loads(file.read_text(encoding="utf-8"))
    prompts = [Prompt(f"prompt {n}", **each) for n, each in enumerate(told["prompts"], 1)]
    built = [
        Prompt(f"studio {n}", each["ask"], "workflow-studio", blocks=each["blocks"])
        for n, each in enumerate(told["studio"] if studio else [], 1)
    ]
    return Tasks(prompts[:limit] + built[:limit], told["workflows"])


@asynccontextmanager
async def prepared(services: Services, tasks: Tasks) -> AsyncIterator[None]:
    """Make the workflows that are asked about, and run them; gone afterwards."""
    ids = [await _made(services, each["name"], each["blocks"]) for each in tasks.workflows]
    try:
        for workflow_id, each in zip(ids, tasks.workflows, strict=True):
            for _ in range(each["runs"]):
                await _run(services, workflow_id)
        yield
    finally:
        for workflow_id in ids:
            await _forget(services, workflow_id)


async def asked(services: Services, prompt: Prompt, base_id: str) -> dict[str, Any]:
    """Ask one prompt in a chat of its own; return its row."""
    began = time.perf_counter()
    workflow_id = await _made(services, "Draft", []) if prompt.blocks else None
    answer = await answer_to(services, prompt, base_id, workflow_id)
    made = await _built(services, workflow_id, prompt.blocks) if workflow_id else None
    calls = [call["name"] for call in answer.tool_calls if call.get("status") == "success"]
    failures = [_failure(call) for call in answer.tool_calls if call.get("status") != "success"]
    return {
        "id": prompt.id,
        "kind": prompt.id.partition(" ")[0],
        "ask": prompt.ask,
        "right": answer.status == "completed" and _is_right(prompt, answer, calls, made),
        "calls": calls,
        "failed": failures,
        "built": made,
        "answer": answer.content or str(answer.error),
        "seconds": round(time.perf_counter() - began, 1),
    }


async def answer_to(
    services: Services, prompt: Prompt, base_id: str, workflow_id: str | None = None
) -> Message:
    """Ask a prompt in a chat of its own; return the finished answer."""
    text = prompt.ask.format(base=base_id) if prompt.blocks else prompt.ask
    ask = Ask(
        text,
        mode=prompt.mode,
        workflow_id=workflow_id,
        base_ids=[base_id],
        rights=_OWNER,
    )
    return await _answer(services, ask)


def _failure(call: dict[str, Any]) -> str:
    return f"{call['name']}: {str(call.get('output'))[:160]}"


def _is_right(
    prompt: Prompt, answer: Message, calls: Sequence[str], made: dict[str, Any] | None
) -> bool:
    if made is not None:
        return not made["issues"] and bool(made["isInOrder"])
    content = answer.content.casefold()
    is_said = all(words.casefold() in content for words in prompt.says)
    is_made = not prompt.makes or any(a["type"] == prompt.makes for a in answer.artifacts)
    return prompt.tool in calls and is_said and is_made and bool(content.strip())


async def _answer(services: Services, ask: Ask) -> Message:
    workspace_id = ScratchBase.workspace_id
    async with services.store.unit(workspace_id) as unit:
        begun = await begin(unit, services, USER, ask)
        chat = await unit.chats.get(begun.message.chat_id, USER)
        if chat is None:
            raise RuntimeError("the chat that was just begun is not there")
        for name in _WRITING:  # the user's word, given ahead
            await unit.chats.allow(chat, name)
    async with asyncio.timeout(_LONGEST_TURN):
        await turn.run(services, begun)
    async with services.store.unit(workspace_id) as unit:
        answer = await unit.messages.get(begun.message.id, USER)
    if answer is None:
        raise RuntimeError("the answer is not there")
    return answer


async def _built(services: Services, workflow_id: str, kinds: Sequence[str]) -> dict[str, Any]:
    """Return what was built, whether it has blocks of the kinds one after the other, and what
    keeps it from running; forget it."""
    async with services.store.unit(ScratchBase.workspace_id) as unit:
        row = await unit.workflows.get(workflow_id)
        definition = row.definition if row else {"blocks": {}, "edges": []}
    parsed = parse(definition)
    issues = [str(issue["message"]) for issue in check(parsed, runnable=True)]
    types = [str(block["type"]) for block in definition["blocks"].values()]
    await _forget(services, workflow_id)
    return {
        "types": types,
        "isInOrder": is_in_order(Graph(parsed), kinds),
        "issues": issues,
        "edges": len(definition["edges"]),
    }


def is_in_order(graph: Graph, kinds: Sequence[str]) -> bool:
    """Whether a run can come by blocks of these kinds (``a|b``: one of them, ``a?``: may be
    anywhere), each later than the one before, and by none of another kind."""
    known = {START} | {name for kind in kinds for name in kind.rstrip("?").split("|")}
    if not known >= {graph.blocks[block].type for block in graph.reached}:
        return False
    later, found = set(graph.reached), set(graph.reached)
    for kind in (kind for kind in kinds if not kind.endswith("?")):
        found = {block for block in later if graph.blocks[block].type in kind.split("|")}
        later = {after for block in found for after in graph.descendants(block) - {block}}
    return bool(found)


async def _made(services: Services, name: str, blocks: Sequence[dict[str, Any]]) -> str:
    """Store a workflow: the blocks one after the other, after a start."""
    row = Workflow(id=new_id("wf"), name=name, definition=_definition(blocks), created_by=USER)
    async with services.store.unit(ScratchBase.workspace_id) as unit:
        unit.workflows.add(row)
    return row.id


def _definition(blocks: Sequence[dict[str, Any]]) -> dict[str, Any]:
    every = [{"id": "s", "type": "start", "name": "Start", "settings": {}}, *blocks]
    stored = {
        each["id"]: {
            "id": each["id"],
            "type": each["type"],
            "name": each["name"],
            "position": {"x": 200 * n, "y": 0},
            "enabled": True,
            "subBlocks": {
                key: {"id": key, "type": "x", "value": value}
                for key, value in each["settings"].items()
            },
            "outputs": {},
        }
        for n, each in enumerate(every)
    }
    ids = list(stored)
    edges = [{"id": f"e{n}", "source": a, "target": b} for n, (a, b) in enumerate(pairwise(ids))]
    return {"blocks": stored, "edges": edges, "loops": {}, "parallels": {}, "variables": {}}


async def _run(services: Services, workflow_id: str) -> None:
    owner = new_id("evals")
    request = RunRequest(trigger="manual", draft="always", created_by=USER, runner=owner)
    async with services.store.unit(ScratchBase.workspace_id) as unit:
        begun = await run.start(unit, services, workflow_id, request)
    await background.ended(services, begun, background.launch(services, begun, owner))


async def _forget(services: Services, workflow_id: str) -> None:
    async with services.store.unit(ScratchBase.workspace_id) as unit:
        row = await unit.workflows.get(workflow_id)
        if row is not None:
            await unit.workflows.delete(row)


def measures(rows: Sequence[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """Return how many prompts were answered and how many workflows built."""
    found = {}
    for kind in dict.fromkeys(str(row["kind"]) for row in rows):
        of = [row for row in rows if row["kind"] == kind]
        found[f"{kind}: ours"] = {"right": sum(map(bool, (r["right"] for r in of))), "of": len(of)}
    return found
