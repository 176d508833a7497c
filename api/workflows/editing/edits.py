"""Edits of a workflow over sockets, each acknowledged once it is committed.

``operationId`` makes a repeat harmless; ``expectedVersion`` refuses to edit what somebody else has
changed meanwhile. The acknowledgement's ``patch`` is what the edit came to, its ``inverse`` what a
``workflow:update`` takes it back with.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any, Final, Literal

from pydantic import AliasChoices, Field, JsonValue, model_validator

from api.access import WRITE
from api.sockets.event import SocketCall, socket_event
from api.wire import Wire
from api.workflows.editing.joining import WorkflowRef
from api.workflows.editing.rooms import Rooms
from api.workflows.schemas import WorkflowPatch
from core.errors import ValidationFailed
from core.ids import new_id
from pipelines.editing import operations
from pipelines.editing.edit import Asked, Change, Editor, edit
from pipelines.editing.patch import patched

_DOMAIN: Final = "workflows"
_MOST_STEPS: Final = 2_000


class Edit(WorkflowRef):
    operation_id: str | None = Field(None, min_length=1, max_length=200)
    expected_version: int | None = None


class BlockAdd(Edit):
    """``block`` without an id gets one; ``edges`` join it."""

    block: dict[str, JsonValue]
    edges: list[dict[str, JsonValue]] = Field(default_factory=list)


class BlockUpdate(Edit):
    """Fields not named in ``changes`` stay, null clears."""

    block_id: str
    changed: dict[str, JsonValue] = Field(alias="changes")


class BlockDelete(Edit):
    block_id: str


class SubBlockUpdate(Edit):
    """``expectedValue``: what the setting must be before."""

    block_id: str
    sub_block_id: str = Field(
        validation_alias=AliasChoices("subblockId", "subBlockId"), min_length=1, max_length=200
    )
    value: JsonValue
    expected_value: JsonValue = None


class VariableSet(Edit):
    """Either ``variable``, or its id beside the fields to change."""

    variable: dict[str, JsonValue] | None = None
    variable_id: str | None = Field(None, min_length=1, max_length=200)
    name: str | None = None
    type: str | None = None
    value: JsonValue = None

    def fields(self) -> tuple[str, dict[str, JsonValue]]:
        """Return the variable's id and the fields to set."""
        given = self.model_dump(exclude_unset=True, include={"name", "type", "value"})
        fields = {**(self.variable or {}), **given}
        found = self.variable_id or fields.get("id")
        return (found if isinstance(found, str) and found else new_id("var")), fields


class VariableDelete(Edit):
    variable_id: str


class Step(Wire):
    op: Literal["set", "remove"]
    path: list[str] = Field(min_length=1, max_length=4)
    value: JsonValue = None


class Operation(Wire):
    patch: list[Step] = Field(min_length=1, max_length=_MOST_STEPS)


class WorkflowUpdate(Edit):
    """Either ``changes``, whole parts as ``PATCH /api/workflows/{id}`` takes them, or an
    ``operation`` with a patch."""

    changed: WorkflowPatch | None = Field(None, alias="changes")
    operation: Operation | None = None

    @model_validator(mode="after")
    def _is_one(self) -> WorkflowUpdate:
        if (self.changed is None) == (self.operation is None):
            raise ValueError("send changes, or an operation with a patch")
        return self

    def change(self) -> Change:
        if self.operation is not None:
            steps = [step.model_dump() for step in self.operation.patch]
            return partial(patched, steps=steps)
        return partial(operations.replace, changes=self.changed.changes() if self.changed else {})


@socket_event("block:add", access=WRITE, domain=_DOMAIN)
async def add_block(call: SocketCall, payload: BlockAdd) -> Mapping[str, object]:
    """Put a block into a workflow."""
    block = {"id": new_id("blk"), **payload.block}
    if not isinstance(block["id"], str):
        raise ValidationFailed("A block's id is a text.")
    told = {"blockId": block["id"], "block": block, "edges": payload.edges}
    change = partial(operations.add_block, block=block, edges=payload.edges)
    return {**await _edit(call, payload, "block:add", told, change), "blockId": block["id"]}


@socket_event("block:update", access=WRITE, domain=_DOMAIN)
async def update_block(call: SocketCall, payload: BlockUpdate) -> Mapping[str, object]:
    """Change fields of a block."""
    told = {"blockId": payload.block_id, "changes": payload.changed}
    change = partial(operations.update_block, block_id=payload.block_id, changes=payload.changed)
    return await _edit(call, payload, "block:update", told, change)


@socket_event("block:delete", access=WRITE, domain=_DOMAIN)
async def delete_block(call: SocketCall, payload: BlockDelete) -> Mapping[str, object]:
    """Take a block out of a workflow, with its edges and what stands in it."""
    change = partial(operations.delete_block, block_id=payload.block_id)
    return await _edit(call, payload, "block:delete", {"blockId": payload.block_id}, change)


@socket_event("subblock:update", access=WRITE, domain=_DOMAIN)
async def update_sub_block(call: SocketCall, payload: SubBlockUpdate) -> Mapping[str, object]:
    """Set the value of one setting of a block."""
    told = {
        "blockId": payload.block_id,
        "subblockId": payload.sub_block_id,
        "value": payload.value,
    }
    has_expected = "expected_value" in payload.model_fields_set
    change = partial(
        operations.update_sub_block,
        block_id=payload.block_id,
        key=payload.sub_block_id,
        value=payload.value,
        expected=[payload.expected_value] if has_expected else [],
    )
    return await _edit(call, payload, "subblock:update", told, change)


@socket_event("variable:set", access=WRITE, domain=_DOMAIN)
async def set_variable(call: SocketCall, payload: VariableSet) -> Mapping[str, object]:
    """Add a variable, or change it."""
    variable_id, fields = payload.fields()
    told = {"variableId": variable_id, "variable": {**fields, "id": variable_id}}
    change = partial(operations.set_variable, variable_id=variable_id, fields=fields)
    return {**await _edit(call, payload, "variable:set", told, change), "variableId": variable_id}


@socket_event("variable:delete", access=WRITE, domain=_DOMAIN)
async def delete_variable(call: SocketCall, payload: VariableDelete) -> Mapping[str, object]:
    """Take a variable out of a workflow."""
    told = {"variableId": payload.variable_id}
    change = partial(operations.delete_variable, variable_id=payload.variable_id)
    return await _edit(call, payload, "variable:delete", told, change)


@socket_event("workflow:update", access=WRITE, domain=_DOMAIN)
async def update_workflow(call: SocketCall, payload: WorkflowUpdate) -> Mapping[str, object]:
    """Change edges, loops, parallels or anything else of a workflow."""
    return await _edit(call, payload, "workflow:update", {}, payload.change())


async def _edit(
    call: SocketCall, payload: Edit, kind: str, told: Mapping[str, Any], change: Change
) -> dict[str, object]:
    editor = Editor(call.caller.user_id, call.connection.sid)
    asked = Asked({"type": kind, **told}, editor, payload.operation_id, payload.expected_version)
    workflow_id = payload.workflow_id
    # One at a time, so that a busy workflow's editors do not hold all connections waiting.
    rooms = call.hub.part(Rooms)
    async with rooms.turn(workflow_id):
        async with call.services.store.unit(call.workspace_id) as unit:
            edited = await edit(call.services, unit, workflow_id, asked, change)
        if not edited.is_repeat:
            await rooms.told(workflow_id, edited.logged(editor))
    return {
        "version": edited.version,
        "operationId": edited.operation_id,
        "patch": edited.operation["patch"],
        "inverse": edited.inverse,
        "duplicate": edited.is_repeat,
    }
