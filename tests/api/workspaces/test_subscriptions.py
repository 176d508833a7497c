"""Subscriptions to events over HTTP."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import text

from core.ids import new_id
from core.services import Services
from core.store.event_subscriptions import MAX_SUBSCRIPTIONS, EventDelivery
from tests.api.conftest import Member, SignUp

URL = "https://hooks.example.com/nuxa"


def _path(member: Member) -> str:
    return f"/api/workspaces/{member.workspace_id}/subscriptions"


async def _create(member: Member, **more: Any) -> dict[str, Any]:
    body = {"url": URL, "events": ["document.failed"], **more}
    answer = await member.browser.post(_path(member), json=body)
    assert answer.status_code == 201, answer.text
    assert answer.headers["cache-control"] == "no-store"
    created: dict[str, Any] = answer.json()
    return created


async def test_create_subscription_shows_its_secret_once(member: Member) -> None:
    created = await _create(member)
    assert created["secret"].startswith("whsec_")
    shown = (await member.browser.get(f"{_path(member)}/{created['id']}")).json()
    assert "secret" not in shown
    listed = (await member.browser.get(_path(member))).json()["data"]
    assert [row["id"] for row in listed] == [created["id"]]
    assert "secret" not in listed[0]


async def test_update_subscription_enables_it_and_clears_its_notice(
    member: Member, services: Services
) -> None:
    created = await _create(member)
    async with services.store.engine.begin() as connection:
        await connection.execute(
            text(
                "UPDATE event_subscriptions"
                " SET enabled = false, notice = 'n', consecutive_failures = 20"
            )
        )
    changes = {"enabled": True, "events": ["execution.failed", "execution.failed"]}
    answer = await member.browser.patch(f"{_path(member)}/{created['id']}", json=changes)
    assert answer.status_code == 200
    shown = answer.json()
    assert (shown["enabled"], shown["notice"], shown["consecutiveFailures"]) == (True, None, 0)
    assert shown["events"] == ["execution.failed"]


async def test_redeliver_event_queues_an_ended_delivery_only(
    member: Member, services: Services
) -> None:
    created = await _create(member)
    delivery = EventDelivery(id=new_id("evt"), subscription_id=created["id"])
    delivery.event, delivery.data, delivery.status = "document.failed", {"a": 1}, "failed"
    delivery.attempts = [{"at": "2026-01-01T00:00:00+00:00", "status": 500, "durationMs": 1.0}]
    async with services.store.unit(member.workspace_id) as unit:
        unit.event_subscriptions.add_delivery(delivery)
    deliveries = f"{_path(member)}/{created['id']}/deliveries"
    (listed,) = (await member.browser.get(deliveries)).json()["data"]
    assert (listed["status"], listed["attempts"][0]["status"]) == ("failed", 500)
    again = await member.browser.post(f"{deliveries}/{delivery.id}/redeliver")
    assert (again.status_code, again.json()["status"]) == (202, "pending")
    twice = await member.browser.post(f"{deliveries}/{delivery.id}/redeliver")
    assert twice.status_code == 409


async def test_delete_subscription_deletes_its_deliveries(
    member: Member, services: Services
) -> None:
    created = await _create(member)
    delivery = EventDelivery(id=new_id("evt"), subscription_id=created["id"])
    delivery.event, delivery.data = "document.failed", {}
    async with services.store.unit(member.workspace_id) as unit:
        unit.event_subscriptions.add_delivery(delivery)
    path = f"{_path(member)}/{created['id']}"
    assert (await member.browser.delete(path)).status_code == 204
    assert (await member.browser.get(path)).status_code == 404
    async with services.store.engine.begin() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM event_deliveries")) == 0


@pytest.mark.parametrize(
    "body",
    [
        {"url": "http://127.0.0.1/", "events": ["document.failed"]},
        {"url": "http://169.254.169.254/", "events": ["document.failed"]},
        {"url": "file:///etc/passwd", "events": ["document.failed"]},
        {"url": URL, "events": []},
        {"url": URL, "events": ["document.read"]},
        {"url": URL, "events": ["document.failed"], "secret": "short"},
    ],
)
async def test_create_subscription_with_bad_fields_is_refused(
    body: dict[str, Any], member: Member
) -> None:
    assert (await member.browser.post(_path(member), json=body)).status_code == 400


async def test_create_subscription_beyond_the_limit_is_a_conflict(member: Member) -> None:
    for _ in range(MAX_SUBSCRIPTIONS):
        await _create(member)
    body = {"url": URL, "events": ["document.failed"]}
    assert (await member.browser.post(_path(member), json=body)).status_code == 409


async def test_subscriptions_take_the_role_admin(member: Member, sign_up: SignUp) -> None:
    created = await _create(member)
    assert (await member.program.get(_path(member))).status_code == 403
    stranger = await sign_up()
    path = f"{_path(stranger)}/{created['id']}"
    assert (await stranger.browser.get(path)).status_code == 404
    assert (await stranger.browser.delete(path)).status_code == 404
