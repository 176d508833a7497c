"""Webhooks that come in: whoever may send one has the deployed workflow run.

A delivery is claimed in the transaction that adds its run, so that either both are there or
neither; the same id again finds the run and is answered with it.
"""

from __future__ import annotations

import asyncio
from typing import Final

from pydantic import JsonValue

from api import limits
from api.access import PUBLIC
from api.call import Call, Reply
from api.endpoint import Described, Media, endpoint
from api.errors import found
from api.reading import spool_whole
from api.workflows import slack_events
from api.workflows.answers import (
    SYNC_SECONDS,
    headers_of,
    is_answered_by_block,
    is_over_time,
    paused_answer,
    said_by_block,
)
from api.workflows.schemas import PausedRun
from api.workflows.webhook_auth import admit, verify_signature
from api.workflows.webhook_form import FormDelivery, is_form, read_form_delivery
from api.workflows.webhook_input import delivery_id_of, input_of, read_body
from api.workflows.webhook_schemas import WebhookAccepted, WebhookAnswer
from core.errors import Conflict, Forbidden, MethodNotAllowed, TimedOut, Unauthorized
from core.ids import new_id
from core.services import Services
from core.store.executions import Execution
from core.store.webhooks import Target, WebhookDelivery
from pipelines import background, run
from pipelines.run import RunRequest

REPLAYED: Final = {"Idempotency-Replayed": "true"}
_RECEIVE: Described = {
    "answers": {
        200: WebhookAnswer | slack_events.SlackAnswer,
        202: WebhookAccepted | PausedRun,
        408: WebhookAnswer,
        "default": Media("*/*"),
    },
    "errors": (Unauthorized, Forbidden, MethodNotAllowed, Conflict),
}


class HeadRunsNothing(MethodNotAllowed):
    """Whoever only looks starts no run."""

    valid_methods = ("GET", "POST")


@endpoint("POST", "/api/webhooks/<workflow_id>", access=PUBLIC, raw=True, **_RECEIVE)
async def receive_webhook(call: Call, workflow_id: str) -> Reply:
    """Run the deployed workflow on what a webhook says.

    The run's input is ``{event, data, timestamp, body, headers, query, method}``; of a multipart
    form ``body`` holds the fields, and ``files`` its files: ``{field, fileId, name, mimeType,
    size}``, uploaded to the workspace. A delivery's id
    (``webhook-id``, ``X-GitHub-Delivery``, ``Idempotency-Key``, ``svix-id`` …) that came in the
    last seven days is answered with its first run; where the webhook asks for no authentication,
    by a 202 without its result. A webhook of Slack answers its ``url_verification``, and starts a
    run for each event once. A ``response`` block replaces the answer.
    """
    return await _receive(call, workflow_id)


@endpoint("GET", "/api/webhooks/<workflow_id>", access=PUBLIC, raw=True, **_RECEIVE)
async def receive_webhook_by_get(call: Call, workflow_id: str) -> Reply:
    """Run the deployed workflow on what a webhook says in its query."""
    if call.request.method == "HEAD":
        raise HeadRunsNothing("HEAD starts no run; use GET or POST.")
    return await _receive(call, workflow_id)


async def _receive(call: Call, workflow_id: str) -> Reply:
    async with call.services.store.system() as system:
        target = found(await system.webhook_targets.target(workflow_id), "webhook")
    await admit(call, target)
    facts, settings = call.request, call.services.settings
    is_slack = target.webhook is not None and target.webhook.auth == "slack"
    has_form = facts.method == "POST" and is_form(facts.headers) and not is_slack
    limit = settings.webhook_form_max_bytes if has_form else settings.webhook_max_bytes
    form: FormDelivery | None = None
    async with spool_whole(facts.headers, facts.body, limit) as raw:
        signed_id = await verify_signature(call, target, raw)
        await _count(call, target)
        delivery_id = signed_id or delivery_id_of(facts.headers)
        if has_form:
            form = await read_form_delivery(call.services, facts.headers, raw)
        body = form.body() if form else read_body(facts, bytes(raw))
    given = input_of(facts, body)
    if is_slack:
        if (answer := slack_events.answer_without_run(body)) is not None:
            return Reply(answer)
        delivery_id = slack_events.event_id_of(body)
        given |= slack_events.read_event(body)
    delivery = _new_delivery(call, workflow_id, delivery_id, given["event"])
    return await _run(call, target, delivery, given, form)


def _new_delivery(
    call: Call, workflow_id: str, delivery_id: str | None, event: JsonValue
) -> WebhookDelivery:
    return WebhookDelivery(
        id=new_id("dlv"),
        workflow_id=workflow_id,
        delivery_id=delivery_id,
        execution_id=new_id("exec"),
        method=call.request.method,
        address=call.request.address,
        event=event[:255] if isinstance(event, str) else None,
    )


async def _count(call: Call, target: Target) -> None:
    """Count the call as the workspace's, no longer as one of nobody's at the sender's address."""
    redis = call.services.redis
    await limits.take_back(redis, call.budget)
    call.budget = await limits.spend_workspace(redis, target.workspace)
    call.budget.check()


async def _run(
    call: Call,
    target: Target,
    delivery: WebhookDelivery,
    given: dict[str, JsonValue],
    form: FormDelivery | None,
) -> Reply:
    is_async = target.webhook is not None and target.webhook.mode == "async"
    owner = None if is_async else new_id("api")
    services = call.services
    # A sender that goes away does not tear rows and files apart.
    row, is_new = await asyncio.shield(_begin(services, target, delivery, given, form, owner))
    headers = {} if is_new else REPLAYED
    is_anonymous = target.webhook is not None and target.webhook.auth == "none"
    if owner is None or (not is_new and is_anonymous):
        return Reply(WebhookAccepted(execution_id=row.id), 202, {**headers_of(row), **headers})
    if is_new:
        ended = await background.ended(services, row, background.launch(services, row, owner))
    else:
        ended = await background.watched(services, row)
    reply = await _answer(call, ended)
    reply.headers.update(headers)
    return reply


async def _begin(
    services: Services,
    target: Target,
    delivery: WebhookDelivery,
    given: dict[str, JsonValue],
    form: FormDelivery | None,
    owner: str | None,
) -> tuple[Execution, bool]:
    """Claim a delivery and add its run, or return the run that it has; also whether it is new."""
    try:
        async with services.store.unit(target.workspace.id) as unit:
            earlier = await unit.webhooks.claim(delivery)
            if earlier is not None:
                return found(await unit.executions.get(earlier.execution_id), "run any more"), False
            if form is not None:
                given["files"] = form.add_files(unit)
            request = RunRequest(
                trigger="webhook",
                input=given,
                execution_id=delivery.execution_id,
                timeout_seconds=None if owner is None else SYNC_SECONDS,
                slots=target.workspace.allowed.concurrent_executions,
                slot_account=target.workspace.slot_account,
                runner=owner,
                light_only=True,
            )
            return await run.start(unit, services, delivery.workflow_id, request), True
    finally:
        if form is not None:
            await form.files.discard()


async def _answer(call: Call, row: Execution) -> Reply:
    if row.status == "paused":
        return await paused_answer(call.services.store, row)
    if await is_answered_by_block(call.services.store, row):
        return said_by_block(row)
    body = WebhookAnswer(
        success=row.status == "completed", execution_id=row.id, result=row.output, error=row.error
    )
    return Reply(body, TimedOut.status if is_over_time(row) else 200, headers_of(row))
