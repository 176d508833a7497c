"""Who has a workflow open, in all processes together.

A hash in Redis, a field a socket, which the socket's process renews. Fields of a process that died
grow old; whoever first takes one away tells the room that its user has left.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable
from typing import Any, Final, cast

import structlog

from api.sockets.hub import Hub
from api.workflows.editing.rooms import Room, Rooms
from core import redis_names

_RENEW_SECONDS: Final = 10.0
_GONE_SECONDS: Final = 30.0
_KEEP_SECONDS: Final = 120

log = structlog.get_logger(__name__)


class Presence:
    """The users of the open workflows."""

    def __init__(self, hub: Hub) -> None:
        self._hub, self._redis = hub, hub.services.redis
        self._users: dict[tuple[str, str], dict[str, Any]] = {}  # ours, by workflow and socket
        self._renewing = asyncio.create_task(self._renew())

    async def enter(self, room: Room, user: dict[str, Any]) -> None:
        """Put in a socket's user and tell the others."""
        self._users[room.workflow_id, user["socketId"]] = user
        await self._write(room, [user])
        data = {"workflowId": room.workflow_id, "user": user, **user}
        await self._hub.tell_all(room.name, "user:join", data, user["socketId"])

    async def leave(self, room: Room, socket_id: str) -> None:
        """Take out a socket's user and tell the others, once."""
        user = self._users.pop((room.workflow_id, socket_id), None)
        if user is not None:
            await self._take_out(room, user)

    async def users(self, workspace_id: str, workflow_id: str) -> list[dict[str, Any]]:
        """Return the users of a workflow, first come first."""
        key = redis_names.presence(workspace_id, workflow_id)
        users = [entry["user"] for entry in await self._entries(key) if not _is_old(entry)]
        return sorted(users, key=lambda user: str(user["joinedAt"]))

    async def close(self) -> None:
        self._renewing.cancel()
        await asyncio.gather(self._renewing, return_exceptions=True)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(_RENEW_SECONDS)
            try:
                for room in list(self._hub.part(Rooms).open.values()):
                    await self._renew_room(room)
            # Logged whole, and done again ten seconds later.
            except Exception:
                log.exception("renewing who is present failed")

    async def _renew_room(self, room: Room) -> None:
        ours = [user for (at, _), user in self._users.items() if at == room.workflow_id]
        if ours:
            await self._write(room, ours)
        for entry in await self._entries(_key(room)):
            if _is_old(entry):
                await self._take_out(room, entry["user"])

    async def _take_out(self, room: Room, user: dict[str, Any]) -> None:
        gone = await self._redis.hdel(_key(room), user["socketId"])
        if gone:
            data = {"workflowId": room.workflow_id, "user": user, **user}
            await self._hub.tell_all(room.name, "user:leave", data, user["socketId"])

    async def _write(self, room: Room, users: list[dict[str, Any]]) -> None:
        seen = time.time()
        fields = {user["socketId"]: json.dumps({"user": user, "seen": seen}) for user in users}
        async with self._redis.pipeline(transaction=False) as pipe:
            pipe.hset(_key(room), mapping=cast("dict[Any, Any]", fields))
            pipe.expire(_key(room), _KEEP_SECONDS)
            await pipe.execute()

    async def _entries(self, key: str) -> list[dict[str, Any]]:
        found = await cast("Awaitable[dict[bytes, bytes]]", self._redis.hgetall(key))
        return [json.loads(entry) for entry in found.values()]


def _key(room: Room) -> str:
    return redis_names.presence(room.workspace_id, room.workflow_id)


def _is_old(entry: dict[str, Any]) -> bool:
    return bool(time.time() - entry["seen"] > _GONE_SECONDS)
