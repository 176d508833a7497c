"""What runs do between the first call and their end: wait to be answered, and send webhooks."""

from __future__ import annotations

from typing import Literal

from api.access import READ, WRITE
from api.call import Call, Reply
from api.endpoint import endpoint
from api.paging import Page, WholeQuery, part_of
from api.workflows.runs import of_workflow
from api.workflows.schemas import Accepted, ResumeBody, SentWebhook, accepted
from pipelines import pauses

_EXECUTION = "/api/workflows/<workflow_id>/executions/<execution_id>"


@endpoint("POST", f"{_EXECUTION}/resume", access=WRITE, answers={202: Accepted})
async def resume_execution(
    call: Call, workflow_id: str, execution_id: str, body: ResumeBody
) -> Reply:
    """Answer what a paused run asks, once, and have it go on; follow it by its stream.

    The same answer again changes nothing; another one is a 409, as is one that comes too late.
    """
    await of_workflow(call, workflow_id, execution_id)
    workspace = call.seat.workspace
    run = await pauses.resume(
        call.unit,
        call.services,
        execution_id,
        body.context_id,
        body.input,
        workspace.allowed.concurrent_executions,
        workspace.slot_account,
    )
    return Reply(accepted(run), 202, {"X-Execution-Id": run.id})


@endpoint("GET", f"{_EXECUTION}/webhooks", access=READ)
async def list_sent_webhooks(
    call: Call,
    workflow_id: str,
    execution_id: str,
    query: WholeQuery[Literal["createdAt", "status", "url"]],
) -> Page[SentWebhook]:
    """List the webhooks that a run has sent, each with its attempts."""
    await of_workflow(call, workflow_id, execution_id)
    rows, cursor = part_of(await call.unit.sent_webhooks.of(execution_id), query)
    return Page(data=[SentWebhook.model_validate(row) for row in rows], next_cursor=cursor)
