"""Workflows: create, read, change, check, copy, export."""

from __future__ import annotations

import asyncio

from api.access import READ, WRITE
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.errors import found
from api.paging import Page, cursor_of
from api.workflows.copies import copied
from api.workflows.schemas import (
    PARTS,
    DuplicateBody,
    ExportedWorkflow,
    Issue,
    NewWorkflow,
    Validity,
    WorkflowAnswer,
    WorkflowPatch,
    WorkflowQuery,
    WorkflowSummary,
    answer_of,
    edit_of,
    parts_of,
)
from core.ids import new_id
from core.store.workflows import Workflow
from pipelines import run
from pipelines.editing.content import checked, content_of
from pipelines.editing.edit import save
from pipelines.editing.operations import replace
from pipelines.haystack_export import export_haystack
from pipelines.validity import check
from pipelines.workflow import parse


@endpoint("GET", "/api/workflows", access=READ)
@endpoint("GET", "/api/v1/workflows", access=READ.key_only())
async def list_workflows(call: Call, query: WorkflowQuery) -> Page[WorkflowSummary]:
    """List the workspace's workflows, newest first, without their blocks."""
    page = await call.unit.workflows.listed(query.request(), query.search)
    found = {"data": page.rows, "next_cursor": cursor_of(page.next)}
    return Page[WorkflowSummary].model_validate(found)


@endpoint("POST", "/api/workflows", access=WRITE, status=201)
async def create_workflow(call: Call, body: NewWorkflow) -> WorkflowAnswer:
    """Create a workflow; it may be unfinished, but what it says must make sense."""
    content = await checked(body.model_dump(include={"name", "description", *PARTS}))
    row = Workflow(
        id=new_id("wf"),
        name=content["name"],
        description=content["description"],
        definition={part: content[part] for part in PARTS},
        created_by=call.user_id,
    )
    call.unit.workflows.add(row)
    await call.unit.flush()
    return answer_of(row)


@endpoint("GET", "/api/workflows/<workflow_id>", access=READ)
async def get_workflow(call: Call, workflow_id: str) -> WorkflowAnswer:
    """Return a workflow with its blocks."""
    return answer_of(found(await call.unit.workflows.get(workflow_id), "workflow"))


@endpoint("PATCH", "/api/workflows/<workflow_id>", access=WRITE)
async def update_workflow(call: Call, workflow_id: str, body: WorkflowPatch) -> WorkflowAnswer:
    """Change the fields that are sent; every change counts the version up."""
    row = found(await call.unit.workflows.lock(workflow_id), "workflow")
    changes = body.changes()
    if changes:
        content = await checked(replace(content_of(row), changes))
        await save(call.services, call.unit, row, content, edit_of(call))
    return answer_of(row)


@endpoint("DELETE", "/api/workflows/<workflow_id>", access=WRITE)
async def delete_workflow(call: Call, workflow_id: str) -> None:
    """Delete a workflow with its runs and their logs; what runs stops within seconds."""
    row = found(await call.unit.workflows.lock(workflow_id), "workflow")
    await run.cancel_of_workflow(call.unit, call.services, workflow_id)
    await call.unit.workflows.delete(row)
    call.audit("workflow.deleted", row.id, name=row.name)


@endpoint("POST", "/api/workflows/<workflow_id>/duplicate", access=WRITE, status=201)
async def duplicate_workflow(call: Call, workflow_id: str, body: DuplicateBody) -> WorkflowAnswer:
    """Create a workflow with the same blocks under new ids."""
    row = found(await call.unit.workflows.get(workflow_id), "workflow")
    copy = Workflow(
        id=new_id("wf"),
        name=body.name or f"{row.name[:190]} (copy)",
        description=row.description,
        definition=copied(parse(row.definition)).wire(),
        created_by=call.user_id,
    )
    call.unit.workflows.add(copy)
    await call.unit.flush()
    return answer_of(copy)


@endpoint("POST", "/api/workflows/<workflow_id>/validate", access=READ)
async def validate_workflow(call: Call, workflow_id: str) -> Validity:
    """Say whether a workflow could run, and everything that stands in its way; runs nothing."""
    row = found(await call.unit.workflows.get(workflow_id), "workflow")
    issues = check(parse(row.definition), runnable=True)
    return Validity(valid=not issues, issues=[Issue(**issue) for issue in issues])


@endpoint("GET", "/api/workflows/<workflow_id>/export", access=READ)
async def export_workflow(call: Call, workflow_id: str) -> ExportedWorkflow:
    """Return a workflow as a file to import elsewhere; secrets stay names in it."""
    row = found(await call.unit.workflows.get(workflow_id), "workflow")
    return ExportedWorkflow(name=row.name, description=row.description, **parts_of(row.definition))


@endpoint(
    "GET",
    "/api/workflows/<workflow_id>/haystack",
    access=READ,
    answers={200: Media("application/yaml")},
)
async def export_workflow_to_haystack(call: Call, workflow_id: str) -> Reply:
    """Return a complete workflow as YAML for Haystack's `Pipeline.loads`."""
    row = found(await call.unit.workflows.get(workflow_id), "workflow")
    text = await asyncio.to_thread(export_haystack, parse(row.definition))
    return Reply(content=text.encode(), headers={"Content-Type": "application/yaml"})
