"""Chat over sockets: the same turns that streams give, shown to all sockets of a chat's owner.

Who connects while a turn goes on is told it as it stands, question and answer so far, and from
there on what everybody is told: as with a stream that is taken up again, no word is missing and
none comes twice.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, Final, Literal

import structlog
from pydantic import Field
from redis.exceptions import RedisError

from api.access import READ, Identity
from api.copilot.schemas import AskBody, MessageAnswer
from api.errors import found
from api.reauthorization import stream_while_allowed
from api.sockets.connection import Connection
from api.sockets.event import SocketCall, socket_event
from api.sockets.hub import Hub, Told, greeting
from api.wire import Wire
from copilot.announcing import as_new
from copilot.begin import begin
from copilot.events import LAST_TYPE, follow
from copilot.turn import launch
from core.errors import NotFound
from core.redis_names import TURNS_CHANNEL, chats_room
from core.rights import Rights, Role
from core.services import Services
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
    async with call.services.store.unit(call.workspace_id) as unit:
        ask = replace(payload.ask(), rights=call.caller.rights)
        turn = await begin(unit, call.services, call.caller.user_id, ask)
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
        room = chats_room(identity.user_id, identity.workspace_id)
        await hub.enter(connection.sid, room)
        hub.part(ShownTurns).catch_up(connection, room)


def _sees_chats(identity: Identity) -> bool:
    return Rights(Role.READ, identity.scopes).unscoped(Role.READ, _DOMAIN) is None


@dataclass
class _Shown:
    """A turn that this process shows, and what its sockets were told of it."""

    rooms: list[str]
    question: dict[str, Any]
    answer: dict[str, Any] | None = None  # once that was told
    content: str = ""

    def so_far(self) -> list[Told]:
        if self.answer is None:
            return []
        answer = {**self.answer, "content": self.content, "status": "running"}
        return [("message:new", self.question), ("message:new", answer)]


class ShownTurns:
    """Follows the turns of the users whose sockets are in this process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._listening = asyncio.create_task(self._listen())
        self._showing: set[asyncio.Task[None]] = set()
        self._shown: dict[str, _Shown] = {}  # by the answer's id

    def catch_up(self, connection: Connection, room: str) -> None:
        """Show a socket that has entered its room what goes on already."""
        # Soon, so that the client is told first that it is connected.
        asyncio.get_running_loop().call_soon(self._tell_so_far, connection.sid, room)
        self._start(self._find(connection.identity), "finding turns that go on")

    def _tell_so_far(self, sid: str, room: str) -> None:
        for shown in self._shown.values():
            if room in shown.rooms:
                self._hub.tell_here(sid, shown.so_far())

    async def _find(self, identity: Identity) -> None:
        """Follow the turns that began when no socket of their user was here."""
        services = self._hub.services
        async with services.store.system() as system:
            running = await system.turn_jobs.running_of(identity.user_id, identity.workspace_id)
        for message_id, workspace_id in running:
            if message_id in self._shown:
                continue
            async with services.store.unit(workspace_id) as unit:
                message = await unit.messages.get(message_id, identity.user_id)
                asked = await unit.messages.before(message, 1) if message else []
            if asked:
                word = {"userId": identity.user_id, "workspaceId": workspace_id}
                self._begin({**word, "messageId": message_id, "question": as_new(asked[0])})

    async def close(self) -> None:
        tasks = [self._listening, *self._showing]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _listen(self) -> None:
        while True:
            with suppress(RedisError, OSError):
                async with self._hub.services.redis.pubsub() as calls:
                    await calls.subscribe(TURNS_CHANNEL)
                    while True:
                        heard = await calls.get_message(ignore_subscribe_messages=True, timeout=5)
                        if heard is not None:
                            self._begin(json.loads(heard["data"]))
            await asyncio.sleep(_RETRY_SECONDS)

    def _begin(self, word: dict[str, Any]) -> None:
        rooms = [chats_room(word["userId"], None), chats_room(word["userId"], word["workspaceId"])]
        message_id = word["messageId"]
        if message_id not in self._shown and any(self._hub.has(room) for room in rooms):
            shown = self._shown[message_id] = _Shown(rooms, word["question"])
            task = self._start(self._show_turn(word, shown), "showing a turn")
            task.add_done_callback(lambda _: self._shown.pop(message_id, None))

    def _start(self, work: Coroutine[Any, Any, None], what: str) -> asyncio.Task[None]:
        task = asyncio.create_task(_soundly(work, what))
        self._showing.add(task)
        task.add_done_callback(self._showing.discard)
        return task

    async def _show_turn(self, word: dict[str, Any], shown: _Shown) -> None:
        def tell(event: str, data: dict[str, Any]) -> None:
            for room in shown.rooms:
                self._hub.tell_here(room, [(event, data)])

        async def reload() -> Message | None:
            async with self._hub.services.store.unit(word["workspaceId"]) as unit:
                return await unit.messages.get(word["messageId"], word["userId"])

        message = await reload()
        if message is None:
            return  # deleted already
        shown.answer = as_new(message)
        for name, data in shown.so_far():
            tell(name, data)
        head = {"id": message.id, "chatId": message.chat_id}
        events = follow(self._hub.services.events, message, reload, 0)
        check = partial(_require_member, self._hub.services, word["userId"], word["workspaceId"])
        async for told in stream_while_allowed(check, events):
            if told is not None and told.data["type"] == "text":
                delta = told.data["payload"]["delta"]
                shown.content += delta
                tell("message:update", {**head, "delta": delta, "status": "running"})
            elif told is not None and told.data["type"] == LAST_TYPE:
                status = told.data["payload"]["status"]
                whole = await _last(reload)
                shown.answer = None  # who comes now is told by the end alone
                tell("message:update", {**head, **whole, "status": status})


async def _soundly(work: Coroutine[Any, Any, None], what: str) -> None:
    try:
        await work
    # Logged whole; the turn itself goes on, and a stream shows it.
    except Exception:
        log.exception(f"{what} failed")


async def _require_member(services: Services, user_id: str, workspace_id: str) -> None:
    async with services.store.system() as system:
        if await system.workspaces.seat(user_id, workspace_id) is None:
            raise NotFound("You are no member of this workspace any more.")


async def _last(reload: Any) -> dict[str, Any]:
    """Return the whole of a finished message, nothing where it was deleted meanwhile."""
    message = await reload()
    if message is None:
        return {}
    return MessageAnswer.model_validate(message).model_dump(mode="json", by_alias=True)
