"""The copilot's tools: typed functions that work under the caller's own rights."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from pydantic import JsonValue

from copilot.modes import all_modes
from core.errors import NotFound
from core.models.messages import ToolSpec
from core.store.unit import Store
from core.store.workflows import Workflow
from pipelines.passages import Passages, render
from pipelines.retrieval import retrieve

_MOST_WORKFLOWS: Final = 50


@dataclass(frozen=True)
class Desk:
    """What the tools of one turn work with."""

    store: Store
    workspace_id: str
    base_ids: Sequence[str]
    workflow_id: str | None
    passages: Passages


Work = Callable[[Desk, dict[str, JsonValue]], Awaitable[JsonValue]]


@dataclass(frozen=True)
class BoxedTool:
    """A tool at a desk, as the loop of model and tools takes it."""

    spec: ToolSpec
    work: Work
    desk: Desk

    async def __call__(self, arguments: dict[str, JsonValue]) -> JsonValue:
        return await self.work(self.desk, arguments)


def tools_for(names: Iterable[str], desk: Desk) -> list[BoxedTool]:
    """Return tools by name, in a fixed order; raises ``NotFound`` for one there is not."""
    wanted = set(names)
    unknown = wanted - _TOOLS.keys()
    if unknown:
        raise NotFound(f"There is no tool {sorted(unknown)[0]!r}; GET /api/copilot/tools has all.")
    return [BoxedTool(spec, work, desk) for name, (spec, work) in _TOOLS.items() if name in wanted]


def describe_all() -> list[dict[str, JsonValue]]:
    """Return every tool as ``GET /api/copilot/tools`` shows it."""
    return [
        {
            "name": spec.name,
            "description": spec.description,
            "parameters": spec.parameters,
            "readOnly": True,
            "requiresApproval": False,
            "modes": [mode.name for mode in all_modes() if spec.name in mode.tools],
        }
        for spec, _ in _TOOLS.values()
    ]


async def _search_knowledge(desk: Desk, arguments: dict[str, JsonValue]) -> JsonValue:
    words = str(arguments["query"])
    found = await retrieve(desk.store, desk.workspace_id, desk.base_ids, words, desk.passages)
    return render(found) if found else "Nothing was found. Try other words."


async def _find_workflows(desk: Desk, arguments: dict[str, JsonValue]) -> JsonValue:
    wanted = str(arguments.get("text", "")).lower()
    async with desk.store.unit(desk.workspace_id) as unit:
        page = await unit.workflows.page(None, 200)
    rows: list[JsonValue] = [_summary(row) for row in page.rows]
    return [row for row in rows if wanted in str(row).lower()][:_MOST_WORKFLOWS]


async def _read_workflow(desk: Desk, arguments: dict[str, JsonValue]) -> JsonValue:
    workflow_id = str(arguments.get("workflowId") or desk.workflow_id or "")
    async with desk.store.unit(desk.workspace_id) as unit:
        workflow = await unit.workflows.get(workflow_id)
    if workflow is None:
        raise NotFound("There is no such workflow; find_workflows lists those there are.")
    return {**_summary(workflow), "definition": workflow.definition}


def _summary(workflow: Workflow) -> dict[str, JsonValue]:
    blocks = workflow.definition.get("blocks", {}).values()
    types: list[JsonValue] = [*sorted({str(block.get("type")) for block in blocks})]
    return {
        "id": workflow.id,
        "name": workflow.name,
        "description": workflow.description,
        "isDeployed": workflow.is_deployed,
        "blockTypes": types,
    }


def _spec(name: str, description: str, **properties: str) -> ToolSpec:
    """Describe a tool whose arguments are texts; one that ends in ``?`` may be left away."""
    fields: dict[str, JsonValue] = {
        key: {"type": "string", "description": about.removesuffix("?")}
        for key, about in properties.items()
    }
    required: list[JsonValue] = [key for key, about in properties.items() if about[-1] != "?"]
    schema: dict[str, JsonValue] = {
        "type": "object",
        "properties": fields,
        "required": required,
        "additionalProperties": False,
    }
    return ToolSpec(name, description, schema)


_TOOLS: Final[dict[str, tuple[ToolSpec, Work]]] = {
    "search_knowledge": (
        _spec(
            "search_knowledge",
            "Search the documents of the knowledge bases. Returns numbered passages to cite.",
            query="What to look for, in a few words or a question",
        ),
        _search_knowledge,
    ),
    "find_workflows": (
        _spec(
            "find_workflows",
            "List the workspace's workflows with the types of their blocks.",
            text="A part of a name, description or block type, for example slack?",
        ),
        _find_workflows,
    ),
    "read_workflow": (
        _spec(
            "read_workflow",
            "Read a workflow's blocks, edges and settings.",
            workflowId="Its id; without one the workflow this chat is about?",
        ),
        _read_workflow,
    ),
}
