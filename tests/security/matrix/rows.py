"""One row of every kind, as a tenant has it."""

from __future__ import annotations

from core.ids import new_id
from core.services import Services
from core.store.agents import Agent
from core.store.base import now
from core.store.chats import Chat
from core.store.checkpoints import Checkpoint
from core.store.event_subscriptions import EventDelivery, EventSubscription
from core.store.executions import Execution
from core.store.messages import Message
from core.store.passkeys import Passkey
from core.store.pauses import Asked
from core.store.published_chats import PublishedChat
from core.store.tool_sources import ToolSource
from core.store.unit import Unit
from core.store.webhooks import Webhook, WebhookDelivery
from pipelines.tools.remote.listed import ListedTool
from tests.api.bearers import tokens_of_session
from tests.api.conftest import Member
from tests.api.memberships import join_workspace
from tests.api.voice.sessions import recorded
from tests.bases import write_base


async def one_of_each(member: Member, services: Services) -> dict[str, str]:
    """Make one of everything of the member's; return their ids by kind."""
    program, browser = member.program, member.browser
    files = {"file": ("f.txt", b"some text")}
    artifact = {"type": "code", "title": "a", "content": "secret"}
    workflow = (await program.post("/api/workflows", json={"name": "w"})).json()["id"]
    return {
        "workspace_id": member.workspace_id,
        "user_id": member.user_id,
        "file_id": (await program.post("/api/files/upload", files=files)).json()["id"],
        "artifact_id": (await program.post("/api/artifacts", json=artifact)).json()["id"],
        "grant_id": await _granted(member),
        "key_id": (await browser.get("/api/auth/api-keys")).json()["data"][0]["id"],
        "session_id": (await browser.get("/api/auth/sessions")).json()["data"][0]["id"],
        "workflow_id": workflow,
        "passkey_id": await _passkey(member, services),
        "invitation_id": await _invitation(member),
        **await _passage(member, services),
        **await _talk(member, services, workflow),
        **await _source(member, services),
        **await _subscription(member, services),
        "voice_session_id": await recorded(member, services),
    }


async def _granted(member: Member) -> str:
    await tokens_of_session(member)
    return str((await member.browser.get("/api/auth/grants")).json()["data"][0]["id"])


async def _passkey(member: Member, services: Services) -> str:
    row = Passkey(id=new_id("pk"), user_id=member.user_id, name="phone", sign_count=0)
    row.credential_id, row.public_key = new_id("credential"), b"key"
    async with services.store.system() as system:
        return (await system.passkeys.add(row)).id


async def _invitation(member: Member) -> str:
    path = f"/api/workspaces/{member.workspace_id}/invitations"
    asked = {"email": f"{new_id('user')}@example.com", "role": "read"}
    return str((await member.browser.post(path, json=asked)).json()["id"])


async def _passage(member: Member, services: Services) -> dict[str, str]:
    text = "The slipway is closed on Mondays."
    base = await write_base(services.store, member.workspace_id, text)
    path = f"/api/knowledge/{base}/documents"
    document = (await member.program.get(path)).json()["data"][0]["id"]
    chunk = (await member.program.get(f"{path}/{document}/chunks")).json()["data"][0]["id"]
    return {"base_id": base, "document_id": document, "chunk_id": chunk}


async def _talk(member: Member, services: Services, workflow: str) -> dict[str, str]:
    execution, chat, message = new_id("exec"), new_id("chat"), new_id("msg")
    delivery = WebhookDelivery(id=new_id("dlv"), workflow_id=workflow, execution_id=execution)
    delivery.method, delivery.address = "POST", "192.0.2.1"
    async with services.store.unit(member.workspace_id) as unit:
        run = Execution(id=execution, workflow_id=workflow, definition={}, trigger="manual")
        run.status, run.input, run.output = "completed", {}, {}
        assert await unit.executions.insert(run)
        unit.webhooks.add(
            Webhook(workflow_id=workflow, auth="none", mode="sync", allowed_addresses=[])
        )
        await unit.webhooks.claim(delivery)
        unit.published_chats.add(PublishedChat(workflow_id=workflow, memory_messages=20))
        context = await _paused(unit, workflow)
        begun = Chat(id=chat, user_id=member.user_id, title="t", mode="workspace-chat")
        asked = Message(id=new_id("msg"), chat_id=chat, role="user", content="secret?")
        said = Message(id=message, chat_id=chat, role="assistant", content="secret")
        agent = Agent(id=new_id("agent"), name="theirs", system_prompt="secret", public=True)
        agent.knowledge_base_ids, agent.tools, agent.approvals = [], [], "none"
        unit.agents.add(agent)
        await unit.messages.begin_turn(begun, asked, said)
        checkpoint = Checkpoint(id=new_id("cp"), user_id=member.user_id, workflow_id=workflow)
        checkpoint.chat_id, checkpoint.number = chat, 1
        unit.checkpoints.add(checkpoint)
    return {
        "context_id": context,
        "execution_id": execution,
        "delivery_id": delivery.id,
        "chat_id": chat,
        "message_id": message,
        "checkpoint_id": checkpoint.id,
        "agent_id": agent.id,
    }


async def _paused(unit: Unit, workflow: str) -> str:
    """Have the run wait for a person; return what she is to name."""
    run = Execution(id=new_id("exec"), workflow_id=workflow, definition={}, trigger="manual")
    run.status, run.input, run.output, run.lease_owner = "running", {}, {}, "me"
    assert await unit.executions.insert(run)
    pause = await unit.pauses.ask(run.id, "me", ("b", ""), Asked("human", {"fields": []}))
    assert pause is not None
    return pause.id


async def _source(member: Member, services: Services) -> dict[str, str]:
    tool = await write_source(services, member.workspace_id)
    async with services.store.unit(member.workspace_id) as unit:
        (source,) = await unit.tool_sources.every()
    return {"source_id": source.id, "tool_name": tool}


async def _subscription(member: Member, services: Services) -> dict[str, str]:
    row = EventSubscription(id=new_id("sub"), url="https://example.com/", enabled=False)
    row.events, row.sealed_secret = ["document.failed"], services.sealer.seal("secret")
    delivery = EventDelivery(id=new_id("evt"), workspace_id=member.workspace_id)
    delivery.subscription_id, delivery.event, delivery.data = row.id, "document.failed", {}
    delivery.status, delivery.attempts = "failed", []
    async with services.store.unit(member.workspace_id) as unit:
        unit.event_subscriptions.add(row)
        unit.event_subscriptions.add_delivery(delivery)
    return {"subscription_id": row.id, "event_delivery_id": delivery.id}


async def write_source(services: Services, workspace_id: str) -> str:
    """Write a source with one tool, which no other workspace has; return the tool's name."""
    source = ToolSource(id=new_id("src"), kind="mcp", url="http://192.0.2.1/mcp")
    source.name = f"desk{workspace_id[-8:]}"
    name = f"{source.name}__peek"
    peek = ListedTool(name, "secret", {"type": "object"}, read_only=True, call={"name": "peek"})
    source.tools, source.left_out, source.refreshed_at = [peek.wire()], [], now()
    source.trust_read_only = False
    async with services.store.unit(workspace_id) as unit:
        unit.tool_sources.add(source)
    return name


async def invite(owner: Member, guest: Member, role: str = "admin") -> None:
    """Let somebody into the owner's workspace."""
    await join_workspace(owner, guest, role)


async def own_rows_in(owner: Member, guest: Member) -> dict[str, str]:
    """Make a key and a chat of a guest's in the owner's workspace; return their ids by kind."""
    named = {"workspaceId": owner.workspace_id}
    key = await guest.browser.post("/api/auth/api-keys", json={"name": "k", **named})
    asked = await guest.browser.post("/api/copilot/chat", json={"message": "Hello", **named})
    assert (key.status_code, asked.status_code) == (201, 200)
    chat = asked.json()
    return {"key_id": key.json()["id"], "chat_id": chat["chatId"], "message_id": chat["messageId"]}
