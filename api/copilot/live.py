"""Chat over sockets: the same turns that streams give, shown to all sockets of a chat's owner."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any, Final, Literal

import structlog
from pydantic import Field
from redis.exceptions import RedisError

from api.access import READ, Identity
from api.copilot.schemas import AskBody, MessageAnswer
from api.errors import found
from api.sockets.connection import Connection
from api.sockets.event import SocketCall, socket_event
from api.sockets.hub import Hub, greeting
from api.wire import Wire
from copilot.announcing import CHANNEL, as_new
from copilot.begin import begin
from copilot.events import LAST_TYPE, follow
from copilot.turn import launch
from core.rights import Rights, Role
from core.store.messages import TERMINAL, Message

_DOMAIN: Final = "copilot"
_RETRY_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class MessageUpdate(Wire):
    """Ends a turn that is being written."""

    id: str = Field(max_length=100)
    status: Literal["aborted"]


@socket_event("message:new", access=READ, domain=_DOMAIN)
async def new_message(call: SocketCall, payload: AskBody) -> Mapping[str, object]:
    """Ask the copilot; question and answer come as ``message:new``, its text as
    ``message:update``."""
    settings = call.services.settings
    async with call.services.store.unit(call.workspace_id) as unit:
        ask = replace(payload.ask(), rights=call.caller.rights)
        turn = await begin(unit, settings, call.caller.user_id, ask)
        if turn.is_new:
            unit.after_commit(partial(launch, call.services, turn))
    message = turn.message
    return {"chatId": message.chat_id, "messageId": message.id, "status": message.status}


@socket_event("message:update", access=READ, domain=_DOMAIN)
async def update_message(call: SocketCall, payload: MessageUpdate) -> Mapping[str, object]:
    """End a turn within a second or two, keeping what was written; again changes nothing."""
    async with call.services.store.unit(call.workspace_id) as unit:
        message = found(await unit.messages.get(payload.id, call.caller.user_id), "message")
        await unit.messages.request_cancel(message)
    return {"status": message.status if message.status in TERMINAL else "aborting"}


@greeting
async def show_chats(hub: Hub, connection: Connection) -> None:
    """Have a socket shown its user's chats, in the workspaces that it reaches."""
    identity = connection.identity
    if _sees_chats(identity) and connection.voice_session_id is None:
        hub.part(ShownTurns)
        await hub.enter(connection.sid, _room(identity.user_id, identity.workspace_id))


def _sees_chats(identity: Identity) -> bool:
    return Rights(Role.READ, identity.scopes).unscoped(Role.READ, _DOMAIN) is None


def _room(user_id: str, workspace_id: str | None) -> str:
    return f"chats:{user_id}:{workspace_id or 'all'}"


class ShownTurns:
    """Follows the turns of the users whose sockets are in this process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._listening = asyncio.create_task(self._listen())
        self._showing: set[asyncio.Task[None]] = set()

    async def close(self) -> None:
        tasks = [self._listening, *self._showing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            with suppress(RedisError, OSError):
                async with self._hub.services.redis.pubsub() as calls:
                    await calls.subscribe(CHANNEL)
                    while True:
                        heard = await calls.get_message(ignore_subscribe_messages=True, timeout=5)
                        if heard is not None:
                            self._begin(json.loads(heard["data"]))
            await asyncio.sleep(_RETRY_SECONDS)

    def _begin(self, word: dict[str, Any]) -> None:
        rooms = [_room(word["userId"], None), _room(word["userId"], word["workspaceId"])]
        if any(self._hub.has(room) for room in rooms):
            task = asyncio.create_task(self._show(word, rooms))
            self._showing.add(task)
            task.add_done_callback(self._showing.discard)

    async def _show(self, word: dict[str, Any], rooms: list[str]) -> None:
        try:
            await self._show_turn(word, rooms)
        # Logged whole; the turn itself goes on, and a stream shows it.
        except Exception:
            log.exception("showing a turn failed", message_id=word["messageId"])

    async def _show_turn(self, word: dict[str, Any], rooms: list[str]) -> None:
        async def tell(event: str, data: dict[str, Any]) -> None:
            for room in rooms:
                self._hub.tell_here(room, [(event, data)])

        async def reload() -> Message | None:
            async with self._hub.services.store.unit(word["workspaceId"]) as unit:
                return await unit.messages.get(word["messageId"], word["userId"])

        message = await reload()
        if message is None:
            return  # deleted already
        await tell("message:new", word["question"])
        await tell("message:new", {**as_new(message), "content": "", "status": "running"})
        head = {"id": message.id, "chatId": message.chat_id}
        async for event in follow(self._hub.services.events, message, reload, 0):
            if event is not None and event.data["type"] == "text":
                delta = event.data["payload"]["delta"]
                await tell("message:update", {**head, "delta": delta, "status": "running"})
            elif event is not None and event.data["type"] == LAST_TYPE:
                status = event.data["payload"]["status"]
                await tell("message:update", {**head, **await _last(reload), "status": status})


async def _last(reload: Any) -> dict[str, Any]:
    """Return the whole of a finished message, nothing where it was deleted meanwhile."""
    message = await reload()
    if message is None:
        return {}
    return MessageAnswer.model_validate(message).model_dump(mode="json", by_alias=True)
