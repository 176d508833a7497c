"""What a user says to the copilot's doings: allows or skips calls, takes edits back."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from pydantic import Field

from api.access import READ, WRITE
from api.call import Call
from api.copilot.schemas import Id
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.wire import Wire
from copilot import saving
from copilot.approvals import Decision, decide
from copilot.toolbox import find
from core.errors import Conflict, Forbidden


class OneDecision(Wire):
    """``messageId`` is needed only where calls of several messages have the same id."""

    tool_call_id: Id
    decision: Decision
    message_id: Id | None = None


class Decisions(Wire):
    decisions: list[OneDecision] = Field(min_length=1, max_length=50)


class Decided(Wire):
    tool_call_id: str
    message_id: str
    name: str
    decision: Literal["allow", "allowForChat", "skip"]


class DecisionsAnswer(Wire):
    decisions: list[Decided]


class CheckpointAnswer(Wire):
    """``version`` is the snapshot of the workflow that has what was there before the edit."""

    id: str
    workflow_id: str
    chat_id: str | None
    message_id: str | None
    version: int = Field(validation_alias="number")
    reverted_at: datetime | None
    created_at: datetime


class CheckpointQuery(PageQuery[Literal["createdAt"]]):
    chat_id: str | None = None
    workflow_id: str | None = None


class Reverted(Wire):
    """``version`` is the workflow's count of edits now."""

    workflow_id: str
    version: int


@endpoint("POST", "/api/copilot/approvals", access=READ, errors=(Forbidden, Conflict))
async def decide_calls(call: Call, body: Decisions) -> DecisionsAnswer:
    """Allow or skip calls of tools that wait for it, all or none; the same again changes nothing.

    Only who may use a tool may allow it.
    """
    rows = [
        (
            each.decision,
            await decide(
                call.unit,
                find,
                call.user_id,
                call.caller.rights,
                each.decision,
                each.tool_call_id,
                each.message_id,
            ),
        )
        for each in body.decisions
    ]
    return DecisionsAnswer(
        decisions=[
            Decided(
                tool_call_id=row.tool_call_id,
                message_id=row.message_id,
                name=row.name,
                decision=decision,
            )
            for decision, row in rows
        ]
    )


@endpoint("GET", "/api/copilot/checkpoints", access=READ)
async def list_checkpoints(call: Call, query: CheckpointQuery) -> Page[CheckpointAnswer]:
    """List what the caller's workflows were before the copilot changed them, newest first."""
    if query.chat_id is not None:
        found(await call.unit.chats.get(query.chat_id, call.user_id), "chat")
    if query.workflow_id is not None:
        found(await call.unit.workflows.get(query.workflow_id), "workflow")
    page = await call.unit.checkpoints.page(
        call.user_id, query.request(), query.chat_id, query.workflow_id
    )
    data = [CheckpointAnswer.model_validate(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("POST", "/api/copilot/checkpoints/<checkpoint_id>/revert", access=WRITE)
async def revert_checkpoint(call: Call, checkpoint_id: str) -> Reverted:
    """Make a workflow again what it was; what it is now is kept as a version first."""
    row = found(await call.unit.checkpoints.get(checkpoint_id, call.user_id), "checkpoint")
    workflow = await saving.revert(call.services, call.unit, row, call.user_id)
    call.audit("workflow.reverted", workflow.id, checkpoint=row.id)
    return Reverted(workflow_id=workflow.id, version=workflow.version)
