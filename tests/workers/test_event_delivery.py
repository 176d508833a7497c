"""Events reach their subscribers: in the transaction of the change, signed, at least once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from sqlalchemy import text

from core import webhook_signing
from core.config import Settings
from core.http.address import Allowed
from core.ids import new_id
from core.services import Services
from core.store.chats import Chat
from core.store.event_subscriptions import (
    EVENTS,
    MAX_CONSECUTIVE_FAILURES,
    RETRY_DELAYS,
    EventDelivery,
    EventSubscription,
)
from core.store.executions import Execution
from core.store.messages import Message
from core.store.workflows import Workflow
from tests.conftest import Owner
from tests.stand_in import Says, StandIn, standing_in
from workers.event_delivery import deliver_events

SECRET = "whsec_c2VjcmV0LW9mLXRoZS1zdWJzY3JpcHRpb24="


@pytest.fixture
async def endpoint() -> AsyncIterator[StandIn]:
    async with standing_in() as stand_in:
        yield stand_in


@pytest.fixture
async def subscription(
    services: Services, owner: Owner, endpoint: StandIn, monkeypatch: pytest.MonkeyPatch
) -> EventSubscription:
    monkeypatch.setattr(services.http, "_allowed", Allowed.parse("127.0.0.1"))
    return await _subscribe(services, owner, endpoint.url)


async def _subscribe(services: Services, owner: Owner, url: str) -> EventSubscription:
    row = EventSubscription(id=new_id("sub"), url=f"{url}/events", enabled=True)
    row.events, row.sealed_secret = list(EVENTS), services.sealer.seal(SECRET)
    async with services.store.unit(owner.workspace_id) as unit:
        unit.event_subscriptions.add(row)
    return row


async def _add_execution(services: Services, owner: Owner) -> str:
    workflow, execution = new_id("wf"), new_id("exec")
    async with services.store.unit(owner.workspace_id) as unit:
        unit.workflows.add(Workflow(id=workflow, name="w", definition={}))
        await unit.flush()
        row = Execution(id=execution, workflow_id=workflow, definition={}, trigger="manual")
        row.status, row.lease_owner, row.input = "running", "me", {}
        assert await unit.executions.insert(row)
    return execution


async def _end_execution(services: Services, owner: Owner, execution: str, status: str) -> None:
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.executions.get(execution)
        assert row is not None
        assert await unit.executions.finish(row, "me", {"status": status, "output": {"a": "hush"}})


async def _end_one(services: Services, owner: Owner, status: str = "completed") -> str:
    execution = await _add_execution(services, owner)
    await _end_execution(services, owner, execution, status)
    return execution


async def _deliveries(
    services: Services, owner: Owner, subscription: EventSubscription
) -> list[EventDelivery]:
    async with services.store.unit(owner.workspace_id) as unit:
        page = await unit.event_subscriptions.deliveries(subscription.id, None, 100)
    return list(page.rows)


async def _read(services: Services, owner: Owner, row: EventSubscription) -> EventSubscription:
    async with services.store.unit(owner.workspace_id) as unit:
        found = await unit.event_subscriptions.get(row.id)
    assert found is not None
    return found


async def _make_due(services: Services) -> None:
    async with services.store.engine.begin() as connection:
        await connection.execute(text("UPDATE event_deliveries SET next_attempt_at = now()"))


async def test_deliver_events_posts_a_signed_message_once(
    services: Services, owner: Owner, endpoint: StandIn, subscription: EventSubscription
) -> None:
    execution = await _end_one(services, owner)
    await deliver_events(services)
    await deliver_events(services)
    (asked,) = endpoint.asked
    (delivery,) = await _deliveries(services, owner, subscription)
    assert webhook_signing.verify(asked.headers, asked.body, [SECRET]) == delivery.id
    message = asked.json()
    assert message["type"] == "execution.completed"
    assert message["data"]["executionId"] == execution
    assert b"hush" not in asked.body
    assert (delivery.status, len(delivery.attempts)) == ("delivered", 1)


async def test_event_of_a_change_that_is_rolled_back_is_not_recorded(
    services: Services, owner: Owner, subscription: EventSubscription
) -> None:
    execution = await _add_execution(services, owner)
    with pytest.raises(ZeroDivisionError):
        async with services.store.unit(owner.workspace_id) as unit:
            row = await unit.executions.get(execution)
            assert row is not None
            assert await unit.executions.finish(row, "me", {"status": "failed"})
            raise ZeroDivisionError
    assert await _deliveries(services, owner, subscription) == []


async def test_event_of_a_chat_turn_is_recorded_without_its_text(
    services: Services, owner: Owner, subscription: EventSubscription
) -> None:
    chat, answer = new_id("chat"), new_id("msg")
    async with services.store.unit(owner.workspace_id) as unit:
        begun = Chat(id=chat, user_id=owner.user_id, title="t", mode="workspace-chat")
        question = Message(id=new_id("msg"), chat_id=chat, role="user", content="q")
        row = Message(id=answer, chat_id=chat, role="assistant", content="", status="running")
        row.lease_owner = "me"
        await unit.messages.begin_turn(begun, question, row)
    async with services.store.engine.begin() as connection:
        await connection.execute(
            text("UPDATE messages SET status = 'completed', content = 'hush' WHERE id = :id"),
            {"id": answer},
        )
    (delivery,) = await _deliveries(services, owner, subscription)
    assert delivery.event == "chat.turn.completed"
    assert delivery.data["messageId"] == answer
    assert "hush" not in str(delivery.data)


async def test_event_of_another_tenant_or_unsubscribed_is_not_recorded(
    services: Services,
    owner: Owner,
    make_owner: Callable[[], Awaitable[Owner]],
    subscription: EventSubscription,
) -> None:
    await _end_one(services, await make_owner())
    async with services.store.unit(owner.workspace_id) as unit:
        row = await unit.event_subscriptions.get(subscription.id)
        assert row is not None
        row.events = ["execution.failed"]
    await _end_one(services, owner, "completed")
    assert await _deliveries(services, owner, subscription) == []
    await _end_one(services, owner, "failed")
    assert len(await _deliveries(services, owner, subscription)) == 1


async def test_deliver_events_by_two_processes_posts_each_once(
    services: Services, owner: Owner, endpoint: StandIn, subscription: EventSubscription
) -> None:
    for _ in range(20):
        await _end_one(services, owner)
    await asyncio.gather(deliver_events(services), deliver_events(services))
    assert len({asked.headers["webhook-id"] for asked in endpoint.asked}) == 20
    assert len(endpoint.asked) == 20


async def test_deliver_events_after_a_crash_posts_again_under_the_same_id(
    services: Services, owner: Owner, endpoint: StandIn, subscription: EventSubscription
) -> None:
    await _end_one(services, owner)
    async with services.store.system() as unit:
        (lost,) = await unit.event_deliveries.claim(4, 32)  # and its process is killed
    await deliver_events(services)
    assert endpoint.asked == []
    await _make_due(services)
    await deliver_events(services)
    assert [asked.headers["webhook-id"] for asked in endpoint.asked] == [lost.id]


async def test_deliver_events_to_failing_endpoint_retries_then_gives_up(
    services: Services, owner: Owner, endpoint: StandIn, subscription: EventSubscription
) -> None:
    endpoint.answer = lambda asked: Says(500, body=b"x" * 100)
    await _end_one(services, owner)
    for _ in range(len(RETRY_DELAYS) + 3):
        await deliver_events(services)
        await _make_due(services)
    (delivery,) = await _deliveries(services, owner, subscription)
    assert delivery.status == "failed"
    assert len(endpoint.asked) == len(delivery.attempts) == len(RETRY_DELAYS) + 1
    assert len({asked.headers["webhook-id"] for asked in endpoint.asked}) == 1


async def test_deliver_events_after_many_failures_disables_with_a_notice(
    services: Services, owner: Owner, endpoint: StandIn, subscription: EventSubscription
) -> None:
    endpoint.answer = lambda asked: Says(503)
    for _ in range(MAX_CONSECUTIVE_FAILURES):
        await _end_one(services, owner)
    await deliver_events(services)
    row = await _read(services, owner, subscription)
    assert (row.enabled, row.consecutive_failures) == (False, MAX_CONSECUTIVE_FAILURES)
    assert row.notice is not None
    count = len(endpoint.asked)
    await _make_due(services)
    await _end_one(services, owner)
    await deliver_events(services)
    assert len(endpoint.asked) == count


async def test_deliver_events_to_gone_endpoint_disables_at_once(
    services: Services, owner: Owner, endpoint: StandIn, subscription: EventSubscription
) -> None:
    endpoint.answer = lambda asked: Says(410)
    await _end_one(services, owner)
    await deliver_events(services)
    assert (await _read(services, owner, subscription)).enabled is False


async def test_deliver_events_follows_no_redirect_and_no_private_address(
    services: Services,
    owner: Owner,
    endpoint: StandIn,
    subscription: EventSubscription,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endpoint.answer = lambda asked: Says.moved(f"{endpoint.url}/elsewhere", 307)
    await _end_one(services, owner)
    await deliver_events(services)
    assert [asked.path for asked in endpoint.asked] == ["/events"]
    await _subscribe(services, owner, "http://169.254.169.254")
    await _end_one(services, owner)
    await deliver_events(services)
    async with services.store.engine.begin() as connection:
        errors = await connection.scalars(
            text("SELECT attempts -> 0 ->> 'error' FROM event_deliveries")
        )
        assert any("not a public address" in error for error in errors.all())
