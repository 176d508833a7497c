"""Setting a workflow's webhook, and the list of what was taken."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest

from core.services import Services
from core.store.base import now
from core.store.pages import PageRequest
from core.store.webhooks import WebhookDelivery
from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition
from workers.upkeep import forget_webhook_deliveries

ECHO = definition([block("t", template="<start.event>")], "s>t")


@pytest.fixture
async def workflow_id(member: Member) -> str:
    made = await member.browser.post("/api/workflows", json={"name": "W", **ECHO})
    found: str = made.json()["id"]
    await member.browser.post(f"/api/workflows/{found}/deploy")
    return found


async def test_set_shown_and_deleted_and_its_secrets_never_shown(
    member: Member, workflow_id: str, services: Services
) -> None:
    path = f"/api/workflows/{workflow_id}/webhook"
    assert (await member.program.get(path)).status_code == 404
    secret = "s" * 20
    given = {"auth": "hmac", "mode": "async", "secrets": [secret], "allowedAddresses": ["10.0.0.7"]}
    made = await member.program.put(path, json=given)
    assert made.status_code == 200
    assert made.json()["url"].endswith(f"/api/webhooks/{workflow_id}")
    assert (made.json()["hasSecret"], made.json()["mode"]) == (True, "async")
    assert made.json()["allowedAddresses"] == ["10.0.0.7/32"]
    kept = (await member.program.put(path, json={"auth": "bearer"})).json()
    assert (kept["hasSecret"], kept["auth"], kept["mode"]) == (True, "bearer", "sync")
    shown = await member.program.get(path)
    assert shown.json() == kept
    assert secret not in made.text + shown.text
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.webhooks.get(workflow_id)
    assert row is not None and secret not in str(row.sealed_secrets)
    audit = (await member.browser.get(f"/api/workspaces/{member.workspace_id}/audit")).text
    assert "webhook.set" in audit and secret not in audit
    assert (await member.program.delete(path)).status_code == 204
    assert (await member.program.delete(path)).status_code == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {},
        {"auth": "basic"},
        {"auth": "hmac", "secrets": ["short"]},
        {"auth": "hmac", "secrets": ["with spaces in between"]},
        {"auth": "none", "allowedAddresses": ["example.com"]},
        {"auth": "none", "allowedAddresses": ["10.0.0.1/8"]},
        {"auth": "none", "mode": "later"},
    ],
)
async def test_refused(member: Member, workflow_id: str, wrong: dict[str, object]) -> None:
    path = f"/api/workflows/{workflow_id}/webhook"
    assert (await member.program.put(path, json=wrong)).status_code == 400
    assert (await member.program.get(path)).status_code == 404


async def test_deliveries_are_listed_and_sent_again(
    member: Member, anonymous: httpx.AsyncClient, workflow_id: str
) -> None:
    path = f"/api/workflows/{workflow_id}/webhook"
    await member.program.put(path, json={"auth": "none"})
    sent = {"event": "ping", "data": 1}
    headers = {"webhook-id": "d-1"}
    first = await anonymous.post(f"/api/webhooks/{workflow_id}", json=sent, headers=headers)
    [row] = (await member.program.get(f"{path}/deliveries")).json()["data"]
    assert row["executionId"] == first.json()["executionId"]
    assert (row["deliveryId"], row["event"], row["method"]) == ("d-1", "ping", "POST")
    assert (row["status"], row["redeliveryOf"]) == ("completed", None)
    once = {"Idempotency-Key": "k"}
    again = f"{path}/deliveries/{row['id']}/redeliver"
    answers = [await member.program.post(again, headers=once) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [202, 202]
    assert answers[0].json() == answers[1].json()
    newest, _ = (await member.program.get(f"{path}/deliveries")).json()["data"]
    assert newest["redeliveryOf"] == row["id"]
    assert newest["executionId"] == answers[0].json()["executionId"]
    record = await member.program.get(f"/api/v1/executions/{newest['executionId']}")
    assert record.json()["input"]["body"] == sent
    assert (await member.program.post(f"{path}/deliveries/dlv_x/redeliver")).status_code == 404


async def test_after_seven_days_an_id_may_come_anew(
    member: Member, anonymous: httpx.AsyncClient, workflow_id: str, services: Services
) -> None:
    await member.program.put(f"/api/workflows/{workflow_id}/webhook", json={"auth": "none"})

    async def send() -> str:
        headers = {"webhook-id": "d-1"}
        answer = await anonymous.post(f"/api/webhooks/{workflow_id}", json={}, headers=headers)
        found: str = answer.json()["executionId"]
        return found

    async def age() -> None:
        async with services.store.unit(member.workspace_id) as unit:
            rows = (await unit.webhooks.deliveries(workflow_id, PageRequest(10))).rows
            assert now() + timedelta(days=6, hours=23) < rows[0].expires_at
            for row in rows:
                row.expires_at = now() - timedelta(seconds=1)

    first = await send()
    assert await send() == first
    await age()
    second = await send()
    assert second != first
    await age()
    await forget_webhook_deliveries(services)
    async with services.store.unit(member.workspace_id) as unit:
        left: list[WebhookDelivery] = list(
            (await unit.webhooks.deliveries(workflow_id, PageRequest(10))).rows
        )
    assert left == []
