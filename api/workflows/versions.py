"""Versions of a workflow: snapshots that stay as they are, compared, brought back, deployed."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal

from pydantic import Field, JsonValue

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Name, Wire
from api.workflows.schemas import (
    WorkflowAnswer,
    WorkflowSummary,
    answer_of,
    edit_of,
    parts_of,
    summary_of,
)
from core.store.workflows import Workflow, WorkflowVersion
from pipelines.difference import compare
from pipelines.editing.content import content_of
from pipelines.editing.edit import save
from pipelines.editing.operations import replace
from pipelines.validity import require_valid
from pipelines.workflow import parse

_LARGEST = 2**31 - 1  # of PostgreSQL's integers


class NewVersion(Wire):
    name: Name | None = None


class VersionSummary(Wire):
    """A snapshot; ``reason`` is why it was taken: deploy, restore or checkpoint."""

    number: int
    name: str | None
    reason: str
    is_deployed: bool
    created_at: datetime


class VersionAnswer(VersionSummary):
    blocks: dict[str, Any]
    edges: list[Any]
    loops: dict[str, Any]
    parallels: dict[str, Any]
    variables: dict[str, Any]


class DifferenceQuery(Wire):
    """``against``: the number of the version to compare with; left away it is the draft."""

    against: int | None = Field(None, ge=1, le=_LARGEST)


class FieldDifference(Wire):
    path: str
    before: JsonValue
    after: JsonValue


class PartDifference(Wire):
    id: str
    name: str | None
    how: Literal["added", "removed", "changed"]
    fields: list[FieldDifference]


class Difference(Wire):
    """What leads from a version to another, or to the draft."""

    blocks: list[PartDifference]
    edges: list[PartDifference]
    loops: list[PartDifference]
    parallels: list[PartDifference]
    variables: list[PartDifference]


class DeployBody(Wire):
    """``version``: the snapshot to deploy; left away it is the workflow as it is now."""

    version: int | None = Field(None, ge=1, le=_LARGEST)


@endpoint("GET", "/api/workflows/<workflow_id>/versions", access=READ)
async def list_versions(
    call: Call, workflow_id: str, query: PageQuery[Literal["number"]]
) -> Page[VersionSummary]:
    """List a workflow's snapshots, newest first."""
    row = found(await call.unit.workflows.get(workflow_id), "workflow")
    page = await call.unit.workflows.snapshots(workflow_id, query.request())
    data = [VersionSummary(**_summary(row, version)) for version in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("POST", "/api/workflows/<workflow_id>/versions", access=WRITE, status=201)
async def take_version(call: Call, workflow_id: str, body: NewVersion) -> VersionSummary:
    """Keep the workflow as it is now as a version."""
    row = found(await call.unit.workflows.lock(workflow_id), "workflow")
    version = await call.unit.workflows.take_snapshot(row, "checkpoint", body.name)
    await call.unit.flush()
    return VersionSummary(**_summary(row, version))


@endpoint("GET", "/api/workflows/<workflow_id>/versions/<number>", access=READ)
async def get_version(call: Call, workflow_id: str, number: str) -> VersionAnswer:
    """Return a version with its blocks."""
    row = found(await call.unit.workflows.get(workflow_id), "workflow")
    version = await _version(call, workflow_id, number)
    return VersionAnswer(**_summary(row, version), **parts_of(version.definition))


@endpoint("GET", "/api/workflows/<workflow_id>/versions/<number>/diff", access=READ)
async def compare_version(
    call: Call, workflow_id: str, number: str, query: DifferenceQuery
) -> Difference:
    """Say what leads from a version to the draft, or to another version."""
    row = found(await call.unit.workflows.get(workflow_id), "workflow")
    version = await _version(call, workflow_id, number)
    other = await _version(call, workflow_id, query.against) if query.against else row
    return Difference.model_validate(compare(version.definition, other.definition))


@endpoint("POST", "/api/workflows/<workflow_id>/versions/<number>/restore", access=WRITE)
async def restore_version(call: Call, workflow_id: str, number: str) -> WorkflowAnswer:
    """Make a version the draft again; what was the draft is kept as a version first."""
    row = found(await call.unit.workflows.lock(workflow_id), "workflow")
    version = await _version(call, workflow_id, number)
    await call.unit.workflows.take_snapshot(row, "restore")
    content = replace(content_of(row), parts_of(version.definition))
    await save(call.services, call.unit, row, content, edit_of(call))
    call.audit("workflow.restored", row.id, version=version.number)
    await call.unit.flush()
    return answer_of(row)


@endpoint("POST", "/api/workflows/<workflow_id>/deploy", access=WRITE)
async def deploy_workflow(call: Call, workflow_id: str, body: DeployBody) -> WorkflowSummary:
    """Make the workflow as it is now, or a version, what keys, webhooks and schedules run."""
    row = found(await call.unit.workflows.lock(workflow_id), "workflow")
    if body.version is None:
        require_valid(parse(row.definition), runnable=True)
        snapshot = await call.unit.workflows.take_snapshot(row, "deploy")
    else:
        snapshot = await _version(call, workflow_id, body.version)
        require_valid(parse(snapshot.definition), runnable=True)
    row.is_deployed, row.deployed_version = True, snapshot.number
    call.audit("workflow.deployed", row.id, version=snapshot.number)
    await call.unit.flush()
    return summary_of(row)


@endpoint("DELETE", "/api/workflows/<workflow_id>/deploy", access=WRITE)
async def withdraw_workflow(call: Call, workflow_id: str) -> WorkflowSummary:
    """Have nobody but people run the workflow any more; the snapshots stay."""
    row = found(await call.unit.workflows.lock(workflow_id), "workflow")
    row.is_deployed, row.deployed_version = False, None
    call.audit("workflow.withdrawn", row.id)
    await call.unit.flush()
    return summary_of(row)


async def _version(call: Call, workflow_id: str, number: str | int) -> WorkflowVersion:
    text = str(number)
    is_number = text.isascii() and text.isdecimal() and len(text) < 11 and int(text) <= _LARGEST
    version = await call.unit.workflows.snapshot(workflow_id, int(text)) if is_number else None
    return found(version, "version of this workflow")


def _summary(row: Workflow, version: WorkflowVersion) -> dict[str, Any]:
    return {
        "number": version.number,
        "name": version.name,
        "reason": version.reason,
        "is_deployed": row.deployed_version == version.number,
        "created_at": version.created_at,
    }
