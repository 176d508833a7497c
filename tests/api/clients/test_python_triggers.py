"""The Python client: what starts workflows, and what they are made from."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from pathlib import Path

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


async def test_versions(client: AsyncNuxaClient, workflow_id: str) -> None:
    second = await client.workflows.take_version(workflow_id, name="second")
    assert [row.number async for row in client.workflows.versions(workflow_id)] == [2, 1]
    assert (await client.workflows.version(workflow_id, 2)).blocks is not None
    assert (await client.workflows.compare(workflow_id, 1, against=second.number))["blocks"] == []
    assert (await client.workflows.restore(workflow_id, 1)).version == 2
    assert (await client.workflows.deploy(workflow_id, version=2)).is_deployed
    assert (await client.workflows.export(workflow_id))["format"] == "nuxa"


async def test_imports(client: AsyncNuxaClient, workflow_id: str, tmp_path: Path) -> None:
    exported = await client.workflows.export(workflow_id)
    copy = await client.workflows.import_definition(exported, name="copy")
    assert (copy.workflow.name, copy.warnings) == ("copy", [])
    templates = [row async for row in client.workflows.templates()]
    made = await client.workflows.import_definition(templates[0].workflow)
    assert made.workflow.name == templates[0].name
    file = tmp_path / "w.json"
    file.write_text(json.dumps(exported))
    assert (await client.workflows.import_file(file, name="filed")).workflow.name == "filed"


async def test_schedules(client: AsyncNuxaClient, workflow_id: str) -> None:
    planned = await client.schedules.set(workflow_id, "0 7 * * 1-5", timezone="Europe/Berlin")
    assert (await client.schedules.get(workflow_id)).next_fire_at == planned.next_fire_at
    assert [row async for row in client.schedules.fires(workflow_id)] == []
    await client.schedules.delete(workflow_id)


async def test_published_chats(client: AsyncNuxaClient, workflow_id: str) -> None:
    published = await client.workflows.publish_chat(workflow_id, greeting="Hello!")
    assert (published.greeting, published.memory_messages) == ("Hello!", 20)
    assert (await client.workflows.chat(workflow_id)).created_at == published.created_at
    question = {"message": "Hi", "workflowId": workflow_id, "mode": "workflow-chat"}
    answer = await client.copilot.chat(question)
    assert (answer.content, answer.citations) == ("", [])
    await client.workflows.unpublish_chat(workflow_id)


async def test_logs(client: AsyncNuxaClient, workflow_id: str, tmp_path: Path) -> None:
    result = await client.workflows.execute(workflow_id, {"input": {"event": "x"}})
    assert (await client.logs.stats(status=["completed"]))["runs"] == 1
    saved = await client.logs.export(tmp_path / "runs.csv", format="csv")
    assert result.execution_id in saved.read_text()


async def test_client_of_subscriptions_makes_changes_and_deletes_one(
    member: Member,
) -> None:
    key = {"name": "admin", "scopes": ["read", "write", "admin"]}
    admin = (await member.browser.post("/api/auth/api-keys", json=key)).json()["key"]
    url = str(member.program.base_url)
    async with AsyncNuxaClient(admin, base_url=url) as nuxa:
        made = await nuxa.workspaces.create_subscription(
            member.workspace_id, "https://hooks.example.com/", ["document.failed"]
        )
        assert made["secret"].startswith("whsec_")
        mine = (member.workspace_id, made["id"])
        changed = await nuxa.workspaces.update_subscription(*mine, {"enabled": False})
        assert changed == await nuxa.workspaces.get_subscription(*mine)
        listed = [row async for row in nuxa.workspaces.subscriptions(member.workspace_id)]
        assert listed == [changed]
        assert [row async for row in nuxa.workspaces.event_deliveries(*mine)] == []
        await nuxa.workspaces.delete_subscription(*mine)
