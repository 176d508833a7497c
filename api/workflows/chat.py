"""A workflow that is published as a chat: who reads the workspace may talk with it.

A turn of it is the copilot's, in the mode ``workflow-chat``.
"""

from __future__ import annotations

from datetime import datetime

from pydantic import Field

from api.access import READ, WRITE
from api.call import Call
from api.endpoint import endpoint
from api.errors import found
from api.wire import Wire
from core.errors import Conflict
from core.store.published_chats import PublishedChat


class ChatBody(Wire):
    """``greeting`` is what clients show before the first question; ``memoryMessages`` is how many
    earlier messages of the chat a run is given, as ``<start.history>``."""

    greeting: str | None = Field(None, max_length=2_000)
    memory_messages: int = Field(20, ge=0, le=40)


class ChatSettings(ChatBody):
    """How a workflow is published as a chat."""

    workflow_id: str
    created_at: datetime
    updated_at: datetime


@endpoint("GET", "/api/workflows/<workflow_id>/chat", access=READ)
async def get_chat_settings(call: Call, workflow_id: str) -> ChatSettings:
    """Return how a workflow is published as a chat."""
    return ChatSettings.model_validate(await _chat(call, workflow_id))


@endpoint("PUT", "/api/workflows/<workflow_id>/chat", access=WRITE)
async def put_chat_settings(call: Call, workflow_id: str, body: ChatBody) -> ChatSettings:
    """Publish a deployed workflow as a chat: whoever may read the workspace may then run it so.

    Ask it by ``POST /api/copilot/chat`` or ``/stream`` with its ``workflowId`` and the mode
    ``workflow-chat``.
    """
    workflow = found(await call.unit.workflows.lock(workflow_id), "workflow")
    if workflow.deployed_version is None:
        raise Conflict(
            f"A chat runs the deployed version: POST /api/workflows/{workflow_id}/deploy first."
        )
    row = await call.unit.published_chats.get(workflow_id)
    if row is None:
        row = call.unit.published_chats.add(PublishedChat(workflow_id=workflow_id))
    row.greeting, row.memory_messages = body.greeting, body.memory_messages
    call.audit("chat.published", workflow_id)
    await call.unit.flush()
    return ChatSettings.model_validate(row)


@endpoint("DELETE", "/api/workflows/<workflow_id>/chat", access=WRITE)
async def delete_chat_settings(call: Call, workflow_id: str) -> None:
    """Publish a workflow as a chat no more; what was said stays with those who said it."""
    await call.unit.published_chats.delete(await _chat(call, workflow_id))
    call.audit("chat.unpublished", workflow_id)


async def _chat(call: Call, workflow_id: str) -> PublishedChat:
    found(await call.unit.workflows.get(workflow_id), "workflow")
    return found(await call.unit.published_chats.get(workflow_id), "published chat")
