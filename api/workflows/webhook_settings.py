"""A workflow's webhook: who may send it, and what was taken."""

from __future__ import annotations

import json
from typing import Literal

from api.access import READ, WRITE
from api.call import Call, Reply
from api.endpoint import endpoint
from api.errors import found
from api.paging import Page, PageQuery, cursor_of
from api.workflows.answers import headers_of
from api.workflows.webhook_schemas import (
    DeliveryAnswer,
    WebhookAccepted,
    WebhookBody,
    WebhookSettings,
)
from core.ids import new_id
from core.store.webhooks import Webhook, WebhookDelivery
from pipelines import run
from pipelines.run import RunRequest


@endpoint("GET", "/api/workflows/<workflow_id>/webhook", access=READ)
async def get_webhook(call: Call, workflow_id: str) -> WebhookSettings:
    """Return who may send a workflow's webhook; its secrets are never shown."""
    return _shown(call, await _webhook(call, workflow_id))


@endpoint("PUT", "/api/workflows/<workflow_id>/webhook", access=WRITE)
async def put_webhook(call: Call, workflow_id: str, body: WebhookBody) -> WebhookSettings:
    """Set who may send a workflow's webhook, and whether the sender waits for the run."""
    found(await call.unit.workflows.lock(workflow_id), "workflow")
    row = await call.unit.webhooks.get(workflow_id)
    if row is None:
        row = call.unit.webhooks.add(Webhook(workflow_id=workflow_id))
    row.auth, row.allowed_addresses, row.secret_name = (
        body.auth,
        body.allowed_addresses,
        body.secret_name,
    )
    # Slack waits for three seconds.
    row.mode = "async" if body.auth == "slack" else body.mode
    if "secrets" in body.model_fields_set:
        sealer = call.services.sealer
        row.sealed_secrets = sealer.seal(json.dumps(body.secrets)) if body.secrets else None
    call.audit("webhook.set", workflow_id, auth=body.auth, mode=body.mode)
    await call.unit.flush()
    return _shown(call, row)


@endpoint("DELETE", "/api/workflows/<workflow_id>/webhook", access=WRITE)
async def delete_webhook(call: Call, workflow_id: str) -> None:
    """Let nobody but holders of an API key send a workflow's webhook any more."""
    await call.unit.webhooks.delete(await _webhook(call, workflow_id))
    call.audit("webhook.deleted", workflow_id)


@endpoint("GET", "/api/workflows/<workflow_id>/webhook/deliveries", access=READ)
async def list_deliveries(
    call: Call, workflow_id: str, query: PageQuery[Literal["createdAt", "event"]]
) -> Page[DeliveryAnswer]:
    """List the webhooks that were taken in the last seven days, newest first."""
    found(await call.unit.workflows.get(workflow_id), "workflow")
    page = await call.unit.webhooks.deliveries(workflow_id, query.request())
    statuses = await call.unit.executions.statuses([row.execution_id for row in page.rows])
    data = [_entry(row, statuses.get(row.execution_id)) for row in page.rows]
    return Page(data=data, next_cursor=cursor_of(page.next))


@endpoint(
    "POST",
    "/api/workflows/<workflow_id>/webhook/deliveries/<delivery_id>/redeliver",
    access=WRITE,
    answers={202: WebhookAccepted},
)
async def redeliver(call: Call, workflow_id: str, delivery_id: str) -> Reply:
    """Run what is deployed now once more on what a webhook said; the run goes on by itself."""
    unit = call.unit
    first = found(await unit.webhooks.delivery(workflow_id, delivery_id), "delivery")
    its_run = found(await unit.executions.get(first.execution_id), "run of this delivery any more")
    again = WebhookDelivery(
        id=new_id("dlv"),
        workflow_id=workflow_id,
        delivery_id=None,
        execution_id=new_id("exec"),
        event=first.event,
        method=first.method,
        address=first.address,
        redelivery_of=first.id,
    )
    await unit.webhooks.claim(again)
    request = RunRequest(
        trigger="webhook",
        input=its_run.input,
        execution_id=again.execution_id,
        created_by=call.user_id,
        slots=call.seat.workspace.allowed.concurrent_executions,
        slot_account=call.seat.workspace.slot_account,
    )
    row = await run.start(unit, call.services, workflow_id, request)
    return Reply(WebhookAccepted(execution_id=row.id), 202, headers_of(row))


async def _webhook(call: Call, workflow_id: str) -> Webhook:
    found(await call.unit.workflows.get(workflow_id), "workflow")
    return found(await call.unit.webhooks.get(workflow_id), "webhook")


def _shown(call: Call, row: Webhook) -> WebhookSettings:
    return WebhookSettings(
        workflow_id=row.workflow_id,
        url=f"{call.services.settings.base_url}/api/webhooks/{row.workflow_id}",
        auth=row.auth,
        mode=row.mode,
        allowed_addresses=row.allowed_addresses,
        has_secret=row.sealed_secrets is not None or row.secret_name is not None,
        secret_name=row.secret_name,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def _entry(row: WebhookDelivery, status: str | None) -> DeliveryAnswer:
    names = set(DeliveryAnswer.model_fields) - {"status"}
    return DeliveryAnswer(status=status, **{name: getattr(row, name) for name in names})
