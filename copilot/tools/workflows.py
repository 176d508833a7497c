"""Finding, reading and checking workflows."""

from __future__ import annotations

from typing import Annotated, Any, Final

from pydantic import Field, JsonValue

from copilot.desk import Desk
from copilot.tools.base import CopilotTool
from core.errors import NotFound
from core.store.workflows import Workflow
from pipelines.tools.base import Params
from pipelines.validity import check
from pipelines.workflow import parse

_MOST_SHOWN: Final = 50
_PAGE: Final = 200
_MOST_READ: Final = 1_000

OfWorkflow = Annotated[
    str | None, Field(description="Its id; without one the workflow this chat is about.")
]


class FindWorkflows(Params):
    text: Annotated[str, Field(max_length=200, description="A part of a name or description.")] = ""
    block: Annotated[
        str,
        Field(max_length=100, description="A type or name of block, or a tool in one: slack."),
    ] = ""


class OneWorkflow(Params):
    workflow_id: OfWorkflow = None


async def find_workflows(desk: Desk, params: FindWorkflows) -> JsonValue:
    """List the workspace's workflows, all or those with a text or a kind of block."""
    found: list[JsonValue] = []
    read = 0
    for row in await _all(desk):
        read += 1
        blocks = matching_blocks(row.definition, params.block)
        told = f"{row.name} {row.description or ''}".lower()
        if params.text.lower() in told and (blocks or not params.block):
            found.append({**_summary(row), **({"matches": blocks} if params.block else {})})
    return {"workflows": found[:_MOST_SHOWN], "found": len(found), "searched": read}


async def read_workflow(desk: Desk, params: OneWorkflow) -> JsonValue:
    """Read a workflow's blocks, edges and settings, with its version."""
    row = await workflow_of(desk, params.workflow_id)
    return {**_summary(row), "version": row.version, "definition": row.definition}


async def check_workflow(desk: Desk, params: OneWorkflow) -> JsonValue:
    """Say whether a workflow could run, and everything that stands in its way. Runs nothing."""
    row = await workflow_of(desk, params.workflow_id)
    issues: list[JsonValue] = [dict(i) for i in check(parse(row.definition), runnable=True)]
    return {"id": row.id, "version": row.version, "valid": not issues, "issues": issues}


async def workflow_of(desk: Desk, workflow_id: str | None) -> Workflow:
    """Return a workflow by id, or the chat's; raises ``NotFound``."""
    async with desk.services.store.unit(desk.workspace_id) as unit:
        row = await unit.workflows.get(workflow_id or desk.workflow_id or "")
    if row is None:
        raise NotFound("There is no such workflow; find_workflows lists those there are.")
    return row


def matching_blocks(definition: dict[str, Any], wanted: str) -> list[JsonValue]:
    """Return names of the blocks whose type or name, or a tool they use, has ``wanted`` in it."""
    word = wanted.lower()
    return [
        str(block.get("name"))
        for block in definition.get("blocks", {}).values()
        if word in f"{block.get('type')} {block.get('name')} {_tools_of(block)}".lower()
    ]


def _tools_of(block: dict[str, Any]) -> str:
    fields = block.get("subBlocks", {})
    return " ".join(str(fields.get(name, {}).get("value", "")) for name in ("toolName", "tools"))


async def _all(desk: Desk) -> list[Workflow]:
    rows: list[Workflow] = []
    after = None
    async with desk.services.store.unit(desk.workspace_id) as unit:
        while len(rows) < _MOST_READ:
            page = await unit.workflows.page(after, _PAGE)
            rows.extend(page.rows)
            after = page.next
            if after is None:
                break
    return rows


def _summary(row: Workflow) -> dict[str, JsonValue]:
    blocks = row.definition.get("blocks", {}).values()
    types: list[JsonValue] = [*sorted({str(block.get("type")) for block in blocks})]
    return {
        "id": row.id,
        "name": row.name,
        "description": row.description,
        "isDeployed": row.is_deployed,
        "blockTypes": types,
    }


FIND_WORKFLOWS: Final = CopilotTool("find_workflows", find_workflows, "workflows")
READ_WORKFLOW: Final = CopilotTool("read_workflow", read_workflow, "workflows")
CHECK_WORKFLOW: Final = CopilotTool("check_workflow", check_workflow, "workflows")
TOOLS: Final = (FIND_WORKFLOWS, READ_WORKFLOW, CHECK_WORKFLOW)
