"""Word of a turn that has begun, for whoever shows chats as they go on."""

from __future__ import annotations

import json
from typing import Any

import structlog
from redis.exceptions import RedisError

from copilot.begin import Turn
from core.redis_names import TURNS_CHANNEL
from core.services import Services
from core.store.messages import Message

log = structlog.get_logger(__name__)


async def announce(services: Services, turn: Turn) -> None:
    """Tell all processes whose turn it is, and what was asked; the turn goes on without it."""
    if turn.user_id is None or turn.asked is None:
        return
    word = {
        "userId": turn.user_id,
        "workspaceId": turn.message.workspace_id,
        "messageId": turn.message.id,
        "question": as_new(turn.asked),
    }
    try:
        await services.redis.publish(TURNS_CHANNEL, json.dumps(word))
    except (RedisError, OSError):
        log.warning("a turn was not announced", message_id=turn.message.id)


def as_new(message: Message) -> dict[str, Any]:
    """Return a message as ``message:new`` shows it."""
    return {
        "id": message.id,
        "chatId": message.chat_id,
        "role": message.role,
        "content": message.content,
        "createdAt": message.created_at.isoformat().replace("+00:00", "Z"),
        "status": message.status or "completed",
    }
