"""Runs: started in three ways, listed, followed, cancelled."""

from __future__ import annotations

import re
from dataclasses import replace

from api.access import READ, WRITE
from api.call import Call, Reply
from api.endpoint import Described, Media, endpoint
from api.errors import found
from api.paging import Page, cursor_of
from api.stream import last_event_id, require_given, stream_events
from api.workflows.answers import (
    SYNC_SECONDS,
    headers_of,
    is_answered_by_block,
    is_over_time,
    paused_answer,
    said_by_block,
)
from api.workflows.events import ExecutionEvent
from api.workflows.schemas import (
    Accepted,
    ExecuteBody,
    ExecutionAnswer,
    ExecutionQuery,
    Paused,
    PausedRun,
    RunAnswer,
    RunTimes,
    accepted,
    record_of,
)
from core.errors import Forbidden, NotFound, TimedOut, ValidationFailed
from core.ids import new_id
from core.store.executions import Execution, ExecutionFilter
from pipelines import background, run
from pipelines.level import Extent
from pipelines.live import duration_ms, follow, log_name, paused_data
from pipelines.run import RunRequest
from pipelines.starting import start_alone

EVENTS = Media("text/event-stream", ExecutionEvent)
_EXECUTE: Described = {
    "answers": {
        200: (RunAnswer, EVENTS),
        202: Accepted | PausedRun,
        408: RunAnswer,
        "default": Media("*/*"),
    },
    "headers": ("X-Run-Id", "X-Execution-Mode"),
    "gives": dict.fromkeys((200, 202, 408), ("X-Execution-Id",)),
}
_RUN_ID = re.compile(r"[A-Za-z0-9_.:-]{1,100}")


@endpoint("POST", "/api/workflows/<workflow_id>/execute", access=WRITE, **_EXECUTE)
@endpoint("POST", "/api/v1/workflows/<workflow_id>/execute", access=WRITE.key_only(), **_EXECUTE)
async def execute_workflow(call: Call, workflow_id: str, body: ExecuteBody) -> Reply:
    """Run a workflow: wait for its end, follow its events (``stream``), or neither (``async``).

    A ``response`` block replaces status, headers and body of the first of these; a run that pauses
    is a 202 which says how to resume it.
    """
    request, is_async = _request(call, body), _is_async(call, body)
    begun = await _begun(call, request)
    if begun is not None:
        return await _attached(call, begun, body, is_async)
    where = (call.services, call.workspace_id, workflow_id)
    if is_async:
        return _accepted(call, await start_alone(*where, request))
    owner = new_id("api")
    if not body.stream:
        limit = request.timeout_seconds or SYNC_SECONDS
        request = replace(request, timeout_seconds=limit)
    request = replace(request, runner=owner)
    row = await start_alone(*where, request)
    task = background.launch(call.services, row, owner)
    if body.stream:
        return _stream(call, row, 0)
    waiting = background.ended(call.services, row, task)
    return await _answer(call, await call.wait_while_allowed(waiting))


@endpoint("GET", "/api/workflows/<workflow_id>/executions", access=READ)
async def list_executions(
    call: Call, workflow_id: str, query: ExecutionQuery
) -> Page[ExecutionAnswer]:
    """List a workflow's runs, newest first."""
    found(await call.unit.workflows.get(workflow_id), "workflow")
    found_by = ExecutionFilter(workflow_id=workflow_id, status=query.status)
    page = await call.unit.executions.page(found_by, query.position(), query.limit)
    data = [record_of(row) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint("GET", "/api/workflows/<workflow_id>/executions/<execution_id>", access=READ)
async def get_execution(call: Call, workflow_id: str, execution_id: str) -> ExecutionAnswer:
    """Return a run of a workflow."""
    return await _record(call, await of_workflow(call, workflow_id, execution_id))


@endpoint("GET", "/api/v1/executions/<execution_id>", access=READ.key_only())
async def get_execution_by_id(call: Call, execution_id: str) -> ExecutionAnswer:
    """Return a run."""
    return await _record(call, found(await call.unit.executions.get(execution_id), "execution"))


@endpoint("POST", "/api/workflows/<workflow_id>/executions/<execution_id>/cancel", access=WRITE)
async def cancel_execution(call: Call, workflow_id: str, execution_id: str) -> ExecutionAnswer:
    """Stop a run that waits or runs; one that has ended stays as it is."""
    await of_workflow(call, workflow_id, execution_id)
    return record_of(await run.cancel(call.unit, call.services, execution_id))


@endpoint(
    "GET",
    "/api/workflows/<workflow_id>/executions/<execution_id>/stream",
    access=READ,
    answers={200: EVENTS},
    headers=("Last-Event-ID",),
)
async def stream_execution(call: Call, workflow_id: str, execution_id: str) -> Reply:
    """Follow a run's events, from its first or from after ``Last-Event-ID``."""
    row = await of_workflow(call, workflow_id, execution_id)
    after = last_event_id(call)
    await require_given(call, log_name(row), after)
    return _stream(call, row, after)


async def _begun(call: Call, request: RunRequest) -> Execution | None:
    """Return the run that an earlier call with the same Idempotency-Key has begun."""
    if not call.is_repeat or request.execution_id is None:
        return None
    async with call.services.store.unit(call.workspace_id) as unit:
        return await unit.executions.get(request.execution_id)


async def _record(call: Call, row: Execution) -> ExecutionAnswer:
    """Return a run; of a paused one also what it waits for."""
    record = record_of(row)
    if row.status == "paused":
        pauses = await call.unit.pauses.open_under(row.id)
        record.pause = Paused.model_validate(paused_data(row, pauses))
    return record


async def _attached(call: Call, row: Execution, body: ExecuteBody, is_async: bool) -> Reply:
    if is_async:
        return _accepted(call, row)
    if body.stream:
        after = last_event_id(call)
        await require_given(call, log_name(row), after)
        return _stream(call, row, after)
    return await _answer(
        call, await call.wait_while_allowed(background.watched(call.services, row))
    )


def _accepted(call: Call, row: Execution) -> Reply:
    is_v1 = call.request.path.startswith("/api/v1/")
    return Reply(accepted(row, is_v1=is_v1), 202, headers_of(row))


def _request(call: Call, body: ExecuteBody) -> RunRequest:
    """Return the run that is asked for; raises ``Forbidden`` for what only people may ask."""
    is_person = call.caller.identity.way == "session"
    if body.people_only and not is_person:
        names = ", ".join(body.people_only)
        raise Forbidden(f"Only a signed-in session may send {names}; a key runs what is deployed.")
    run_id = call.request.headers.get("X-Run-Id")
    if run_id is not None and not _RUN_ID.fullmatch(run_id):
        raise ValidationFailed("X-Run-Id takes 1 to 100 letters, digits and the signs _ . : -")
    draft: run.Draft = "if_undeployed" if body.use_draft is None else "never"
    return RunRequest(
        trigger="manual" if is_person else "api",
        input=body.input,
        execution_id=run_id or (f"exec_{call.once_id}" if call.once_id else None),
        draft="never" if not is_person else "always" if body.use_draft else draft,
        extent=Extent(body.start_block_id, body.stop_after_block_id, body.selected_outputs),
        from_execution_id=body.from_execution_id,
        timeout_seconds=body.timeout_seconds,
        created_by=call.user_id,
        slots=call.seat.workspace.allowed.concurrent_executions,
    )


def _is_async(call: Call, body: ExecuteBody) -> bool:
    mode = call.request.headers.get("X-Execution-Mode", "").lower()
    if mode not in ("", "sync", "async"):
        raise ValidationFailed("X-Execution-Mode is sync or async.")
    is_async = body.is_async or mode == "async"
    if is_async and body.stream:
        raise ValidationFailed("A run is either streamed or async; send one of the two.")
    return is_async


async def of_workflow(call: Call, workflow_id: str, execution_id: str) -> Execution:
    row = await call.unit.executions.get(execution_id)
    if row is None or row.workflow_id != workflow_id:
        raise NotFound("There is no such execution of this workflow; list those there are.")
    return row


def _stream(call: Call, row: Execution, after: int) -> Reply:
    services = call.services
    reply = stream_events(follow(services.events, services.store.unit, row, after))
    reply.headers.update(headers_of(row))
    return reply


async def _answer(call: Call, row: Execution) -> Reply:
    """Answer a caller who waited: by the ``response`` block's word, else with the record."""
    if row.status == "paused":
        return await paused_answer(call.services.store, row)
    if await is_answered_by_block(call.services.store, row):
        return said_by_block(row)
    body = RunAnswer(
        success=row.status == "completed",
        execution_id=row.id,
        status=row.status,
        output=row.output,
        error=row.error,
        metadata=RunTimes(
            duration=duration_ms(row), start_time=row.started_at, end_time=row.ended_at
        ),
    )
    return Reply(body, TimedOut.status if is_over_time(row) else 200, headers_of(row))
