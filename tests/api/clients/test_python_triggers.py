"""The Python client: what starts workflows, and what they are made from."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from nuxa import AsyncNuxaClient

from tests.api.conftest import Member
from tests.pipelines.shapes import block, definition

HELLO = definition([block("t", template="<start.event>")], "s>t")


@pytest.fixture
async def client(member: Member) -> AsyncIterator[AsyncNuxaClient]:
    key, url = member.program.headers["x-api-key"], str(member.program.base_url)
    async with AsyncNuxaClient(key, base_url=url) as opened:
        yield opened


@pytest.fixture
async def workflow_id(client: AsyncNuxaClient) -> str:
    workflow = await client.workflows.create({"name": "hello", **HELLO})
    await client.workflows.deploy(workflow.id)
    return workflow.id


async def test_webhooks(client: AsyncNuxaClient, workflow_id: str) -> None:
    set_up = await client.webhooks.set(workflow_id, "none", allowedAddresses=["127.0.0.1"])
    assert (await client.webhooks.get(workflow_id)).url == set_up.url
    ran = await client.webhooks.send(workflow_id, {"event": "x"}, headers={"webhook-id": "d"})
    assert (ran.success, ran.result) == (True, {"text": "x"})
    (taken,) = [row async for row in client.webhooks.deliveries(workflow_id)]
    assert (taken.delivery_id, taken.status) == ("d", "completed")
    again = await client.webhooks.redeliver(workflow_id, taken.id, idempotency_key="k")
    assert again.execution_id != ran.execution_id
    await client.webhooks.delete(workflow_id)
