"""Builds workflows for tests: blocks by name, edges by arrows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar, cast

import pytest
from haystack import component
from pydantic import JsonValue

from core.store.pauses import Asked, Pause
from pipelines.blocks import KINDS
from pipelines.blocks.base import Context, Held
from pipelines.blocks.component import BlockComponent
from pipelines.graph import Graph
from pipelines.level import Extent, LevelResult, run_level
from pipelines.scope import RunScope
from pipelines.trace import MemoryJournal, Told, Trace
from pipelines.validity import require_valid
from pipelines.workflow import Definition, parse

Kind = TypeVar("Kind", bound=BlockComponent[Any])


def add_kind(monkeypatch: pytest.MonkeyPatch, kind: type[Kind]) -> type[Kind]:
    """Let workflows have blocks of a kind that only tests know; return it as a component."""
    made: type[Kind] = component(kind)
    validity = ("validity", "validity_of_containers", "validity_of_references")
    for module in ("compile", "prepared", *validity):
        monkeypatch.setattr(f"pipelines.{module}.KINDS", {**KINDS, kind.type_name: made})
    return made


def block(name: str, kind: str = "template", /, **settings: Any) -> dict[str, Any]:
    """A block whose id is its name; ``_``-prefixed settings are fields of the block itself."""
    fields = {key[1:]: value for key, value in settings.items() if key.startswith("_")}
    values = {key: value for key, value in settings.items() if not key.startswith("_")}
    if kind == "template":
        values.setdefault("template", name)
    return {
        "id": name,
        "type": kind,
        "name": name,
        "subBlocks": {key: {"id": key, "type": "x", "value": v} for key, v in values.items()},
        **fields,
    }


def loop(name: str, nodes: str, **settings: Any) -> dict[str, Any]:
    """An entry of ``loops``; ``nodes`` are names, apart by blanks."""
    return {name: {"id": name, "nodes": nodes.split(), "loopType": "for", **settings}}


def parallel(name: str, nodes: str, **settings: Any) -> dict[str, Any]:
    """An entry of ``parallels``."""
    return {name: {"id": name, "nodes": nodes.split(), "parallelType": "count", **settings}}


def definition(blocks: list[dict[str, Any]], edges: str, **more: Any) -> dict[str, Any]:
    """``edges`` reads ``a>b a:error>c``; a start block ``s`` is added where none is given, and a
    block for each of ``loops`` and ``parallels``."""
    for kind in ("loop", "parallel"):
        given = {item["id"] for item in blocks}
        blocks = blocks + [
            block(name, kind) for name in more.get(f"{kind}s", {}) if name not in given
        ]
    if not any(item["type"] == "start" for item in blocks):
        blocks = [block("s", "start"), *blocks]
    listed = []
    for number, arrow in enumerate(edges.split()):
        source, target = arrow.split(">")
        source, _, handle = source.partition(":")
        edge = {"id": f"e{number}", "source": source, "target": target}
        listed.append({**edge, "sourceHandle": handle} if handle else edge)
    return {"blocks": {item["id"]: item for item in blocks}, "edges": listed, **more}


@dataclass
class Played:
    """A run as the tests look at it."""

    result: LevelResult | None
    journal: MemoryJournal
    events: list[tuple[str, dict[str, JsonValue]]] = field(default_factory=list)

    @property
    def statuses(self) -> dict[str, str]:
        return {record.block_id: record.status for record in self.journal.records}

    @property
    def outputs(self) -> dict[str, JsonValue]:
        return {
            r.block_id: r.output["text"]
            if isinstance(r.output, dict) and "text" in r.output
            else r.output
            for r in self.journal.records
            if r.status == "success"
        }

    @property
    def order(self) -> list[str]:
        """Ids of the blocks that ran or were replayed, as they ended."""
        return [record.block_id for record in self.journal.records if record.status != "skipped"]

    def texts(self, block_id: str) -> dict[str | None, JsonValue]:
        """What a template wrote, iteration by iteration."""
        return {
            r.iteration: r.output["text"] if isinstance(r.output, dict) else None
            for r in self.journal.records
            if r.block_id == block_id and r.status == "success"
        }


class MemoryPauses:
    """Pauses of a run in memory; ``answers`` are by block and iteration."""

    def __init__(self, answers: dict[tuple[str, str], JsonValue]) -> None:
        self._answers = answers

    async def hold(self, around: Context, asked: Asked) -> Pause:
        if around.place not in self._answers:
            raise Held
        given = self._answers[around.place]
        return Pause(status="answered", input=given, created_at=datetime.now(UTC))


class MemoryCalls:
    """Other workflows as functions, by id."""

    def __init__(self, workflows: dict[str, Callable[[Any], JsonValue]]) -> None:
        self.workflows = workflows

    async def call(self, around: Context, workflow_id: str, given: JsonValue) -> JsonValue:
        return self.workflows[workflow_id](given)

    async def abandon(self, around: Context) -> None:
        """Functions leave nothing behind."""


def context(
    given: JsonValue,
    scope: RunScope,
    emit: Any,
    services: Any = None,
    workspace_id: str = "ws_test",
) -> Context:
    return Context(
        workspace_id=workspace_id,
        workflow_id="wf_test",
        execution_id="exec_test",
        block_id="",
        iteration=None,
        input=given,
        scope=scope,
        services=cast(Any, services or SimpleNamespace(store=None, sealer=None)),
        emit=emit,
        pauses=MemoryPauses({}),
        calls=MemoryCalls({}),
    )


async def play(
    raw: dict[str, Any] | Definition,
    given: JsonValue = None,
    *,
    journal: MemoryJournal | None = None,
    secrets: dict[str, str] | None = None,
    extent: Extent = Extent(),  # noqa: B008 - frozen
    played: Played | None = None,
    services: Any = None,
    workspace_id: str = "ws_test",
    answers: dict[tuple[str, str], JsonValue] | None = None,
    workflows: dict[str, Callable[[Any], JsonValue]] | None = None,
    graph: Graph | None = None,
) -> Played:
    """Validate and run a definition in memory."""
    workflow = raw if isinstance(raw, Definition) else parse(raw)
    require_valid(workflow, runnable=True)
    played = played or Played(None, journal or MemoryJournal())

    async def send(kind: str, data: dict[str, JsonValue]) -> None:
        played.events.append((kind, data))

    scope = RunScope.of(workflow, secrets or {})
    trace = Trace(played.journal, send, secrets or {}, Told(is_all=True))
    around = context(given, scope, send, services, workspace_id)
    around = replace(around, pauses=MemoryPauses(answers or {}), calls=MemoryCalls(workflows or {}))
    await trace.replay()
    played.result = await run_level(graph or Graph(workflow), extent, scope, trace, around)
    return played
