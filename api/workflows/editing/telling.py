"""What those who have a workflow open are told of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from api.workflows.schemas import answer_of
from core.store.workflow_operations import LoggedOperation
from core.store.workflows import Workflow
from pipelines.editing.protocol import update_message

Told = tuple[str, dict[str, Any]]  # an event's name and data
UPDATE: Final = "workflow:update"
_OWN_NAMES: Final = (
    *("block:add", "block:update", "block:delete"),
    *("subblock:update", "variable:set", "variable:delete"),
)


def edit_events(workflow_id: str, logged: LoggedOperation) -> Iterator[Told]:
    """Yield an edit under its own name, then as ``workflow:update`` with its patch."""
    head = {
        "workflowId": workflow_id,
        "version": logged.version,
        "operationId": logged.operation_id,
        "userId": logged.user_id,
    }
    operation = logged.operation
    kind = operation["type"]
    if kind in _OWN_NAMES:
        fields = {key: value for key, value in operation.items() if key not in ("type", "patch")}
        yield kind, {**fields, **head}
    yield UPDATE, {**head, "operation": operation}


def update_event(workflow_id: str, update: bytes) -> Told:
    """Return an update of the document, framed as y-protocols do."""
    return "yjs:update", {"workflowId": workflow_id, "update": update_message(update)}


def reloaded(row: Workflow) -> Told:
    """Return a whole workflow that takes the place of what clients have."""
    workflow = answer_of(row).model_dump(mode="json", by_alias=True)
    operation = {"type": "workflow:replace", "workflow": workflow}
    head = {"workflowId": row.id, "version": row.version, "operationId": None, "userId": None}
    return UPDATE, {**head, "operation": operation}


def closed(workflow_id: str, reason: str) -> Told:
    """Return that a socket is in a workflow's room no more: its role went, or the workflow."""
    return "workflow:leave", {"workflowId": workflow_id, "reason": reason}
