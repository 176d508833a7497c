"""What CRDT clients say of themselves (y-protocols' awareness): passed on, kept half a minute.

A hash in Redis, a field a client of CRDT, so that who joins in another process is told too.
"""

from __future__ import annotations

import json
import time
from collections.abc import Awaitable
from functools import partial
from typing import Any, Final, cast

from api.sockets.hub import Hub
from api.workflows.editing.joining import Opened
from api.workflows.editing.rooms import Room
from core import redis_names
from core.errors import Conflict
from pipelines.editing.protocol import Awareness, awareness_message

_GONE_SECONDS: Final = 30.0
_KEEP_SECONDS: Final = 120
_MOST_OF_A_SOCKET: Final = 20


class AwarenessStates:
    """The awareness of the workflows that are open."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._redis = hub, hub.services.redis
        self._ours: dict[tuple[str, str], dict[int, int]] = {}  # clocks by client, of each socket

    async def take(self, opened: Opened, states: list[Awareness]) -> None:
        """Keep and pass on what is news of a socket's own clients, or of its user's."""
        room, sid = opened.room, opened.connection.sid
        entries = await self._entries(room)
        news = [state for state in states if _is_news(state, entries, opened.user["userId"])]
        own = self._clients_of(opened)
        for state in news:
            own[state.client] = state.clock
        if len(own) > _MOST_OF_A_SOCKET:
            raise Conflict(f"At most {_MOST_OF_A_SOCKET} clients of Yjs on a socket.")
        if news:
            await self._forget(room, [c for c, entry in entries.items() if _is_old(entry)])
            await self._keep(room, opened.user["userId"], news)
            await self._tell(room, news, sid)

    async def known(self, room: Room) -> list[Awareness]:
        """Return what is known of all clients, those that are gone left out."""
        entries = await self._entries(room)
        states = [
            Awareness(client, entry["clock"], entry["state"])
            for client, entry in entries.items()
            if not _is_old(entry)
        ]
        return [state for state in states if not state.is_gone]

    async def close(self) -> None:
        self._ours.clear()

    def _clients_of(self, opened: Opened) -> dict[int, int]:
        key = (opened.room.workflow_id, opened.connection.sid)
        if key not in self._ours:
            self._ours[key] = {}
            leave = partial(self._leave, opened.room, opened.connection.sid, opened.user["userId"])
            opened.on_close.append(leave)
        return self._ours[key]

    async def _leave(self, room: Room, sid: str, user_id: str) -> None:
        """Say that a socket's clients are gone."""
        clocks = self._ours.pop((room.workflow_id, sid), {})
        gone = [Awareness(client, clock + 1, "null") for client, clock in clocks.items()]
        if gone:
            await self._keep(room, user_id, gone)
            await self._tell(room, gone, sid)

    async def _tell(self, room: Room, states: list[Awareness], skip: str) -> None:
        data = {"workflowId": room.workflow_id, "update": awareness_message(states)}
        await self._hub.tell_all(room.document_name, "yjs:update", data, skip)

    async def _keep(self, room: Room, user_id: str, states: list[Awareness]) -> None:
        head = {"userId": user_id, "seen": time.time()}
        fields = {
            str(state.client): json.dumps({**head, "clock": state.clock, "state": state.state})
            for state in states
        }
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(_key(room), mapping=cast("dict[Any, Any]", fields))
            pipe.expire(_key(room), _KEEP_SECONDS)
            await pipe.execute()

    async def _forget(self, room: Room, clients: list[int]) -> None:
        """Drop clients that are gone: each page that is loaded anew is another."""
        if clients:
            await self._redis.hdel(_key(room), *map(str, clients))

    async def _entries(self, room: Room) -> dict[int, dict[str, Any]]:
        found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(_key(room)))
        return {int(client): json.loads(entry) for client, entry in found.items()}


def _key(room: Room) -> str:
    return redis_names.awareness(room.workspace_id, room.workflow_id)


def _is_old(entry: dict[str, Any]) -> bool:
    return bool(time.time() - entry["seen"] > _GONE_SECONDS)


def _is_news(state: Awareness, entries: dict[int, dict[str, Any]], user_id: str) -> bool:
    """Whether a state is newer than what is known, and of the user who says it."""
    known = entries.get(state.client)
    if known is None or _is_old(known):
        return True
    is_newer: bool = state.clock > known["clock"] or (
        state.clock == known["clock"] and state.is_gone and known["state"] != "null"
    )
    return is_newer and known["userId"] == user_id
