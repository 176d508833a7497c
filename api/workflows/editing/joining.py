"""Opening a workflow on a socket, pointing at things in it, and leaving."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal

from pydantic import Field

from api.access import READ
from api.errors import found
from api.sockets.connection import Connection, Leaving
from api.sockets.event import SocketCall, socket_event
from api.sockets.hub import Hub
from api.wire import Wire
from api.workflows.editing.presence import Presence
from api.workflows.editing.rooms import Room, Rooms
from api.workflows.editing.telling import closed
from api.workflows.schemas import answer_of
from core.errors import Conflict
from core.rights import Role
from core.store.workflows import Workflow

_MOST_OPEN: Final = 20  # workflows on one socket
_POINTER_SECONDS: Final = 0.04
_DOMAIN: Final = "workflows"


class WorkflowRef(Wire):
    workflow_id: str = Field(max_length=100)


class Point(Wire):
    x: float = Field(allow_inf_nan=False)
    y: float = Field(allow_inf_nan=False)


class Selection(Wire):
    """What is selected; ``none`` has no id."""

    type: Literal["block", "edge", "none"]
    id: str | None = Field(None, max_length=300)


class CursorMove(WorkflowRef):
    """Where the pointer is, ``null`` for outside; what is selected."""

    cursor: Point | None = None
    selection: Selection | None = None


@dataclass
class Opened:
    """A workflow that a socket has open; closed with the socket, or with the role."""

    hub: Hub
    connection: Connection
    room: Room
    user: dict[str, Any]
    needs: Role = Role.READ
    on_close: list[Any] = field(default_factory=list)  # what a CRDT client leaves behind
    _pointer: dict[str, Any] | None = None
    _pointed_at: float = 0.0
    _pointing: asyncio.Task[None] | None = None

    @property
    def workspace_id(self) -> str:
        return self.room.workspace_id

    async def close(self, reason: Leaving) -> None:
        workflow_id, sid = self.room.workflow_id, self.connection.sid
        if self._pointing is not None:
            self._pointing.cancel()
        self.room.members.pop(sid, None)
        rooms = self.hub.part(Rooms)
        if not self.room.members:
            rooms.open.pop(workflow_id, None)
        for room in (self.room.name, self.room.document_name):
            await self.hub.leave(sid, room)
        for call in self.on_close:
            await call()
        await self.hub.part(Presence).leave(self.room, sid)
        if reason == "denied":
            await self.connection.send(*closed(workflow_id, "denied"))

    async def end(self, reason: str) -> None:
        """Close it from the server's side and say why."""
        self.connection.held.pop(name_of(self.room.workflow_id), None)
        await self.connection.send(*closed(self.room.workflow_id, reason))
        await self.close("gone")

    async def point(self, pointer: dict[str, Any]) -> None:
        """Show the others where this user points; what comes too fast, only the last of it."""
        self._pointer = pointer
        if self._pointing is None or self._pointing.done():
            self._pointing = asyncio.create_task(self._show())

    async def _show(self) -> None:
        while self._pointer is not None:  # another may come while one is being shown
            await asyncio.sleep(max(0.0, self._pointed_at + _POINTER_SECONDS - time.monotonic()))
            pointer, self._pointer = self._pointer, None
            self._pointed_at = time.monotonic()
            await self._tell(pointer)

    async def _tell(self, pointer: dict[str, Any]) -> None:
        who = {key: self.user[key] for key in ("socketId", "userId", "userName", "avatarUrl")}
        data = {"workflowId": self.room.workflow_id, **who, **pointer}
        await self.hub.tell_all(self.room.name, "cursor:move", data, self.connection.sid)


def name_of(workflow_id: str) -> str:
    return f"workflow:{workflow_id}"


def opened_by(call: SocketCall, workflow_id: str) -> Opened:
    """Return what a socket has open; raises ``Conflict`` where it never joined, or was evicted."""
    held = call.connection.held.get(name_of(workflow_id))
    is_ours = call.known is None or (held is not None and held.workspace_id == call.workspace_id)
    if not isinstance(held, Opened) or not is_ours:
        raise Conflict("This workflow is not open on this socket; send workflow:join first.")
    return held


@socket_event("workflow:join", access=READ, domain=_DOMAIN)
async def join(call: SocketCall, payload: WorkflowRef) -> dict[str, object]:
    """Open a workflow: what is in it, who is there; from now on every edit comes as an event."""
    return await _join(call, payload.workflow_id)


@socket_event("user:join", access=READ, domain=_DOMAIN)
async def join_users(call: SocketCall, payload: WorkflowRef) -> dict[str, object]:
    """Open a workflow like ``workflow:join``, for those who only want to know who is there."""
    answer = await _join(call, payload.workflow_id)
    return {key: answer[key] for key in ("version", "users")}


@socket_event("workflow:leave", access=READ, domain=_DOMAIN, is_piece=True)
async def leave(call: SocketCall, payload: WorkflowRef) -> None:
    """Close a workflow on this socket; the others are told ``user:leave``."""
    opened = opened_by(call, payload.workflow_id)
    call.connection.held.pop(name_of(payload.workflow_id), None)
    await opened.close("gone")


@socket_event("user:leave", access=READ, domain=_DOMAIN, is_piece=True)
async def leave_users(call: SocketCall, payload: WorkflowRef) -> None:
    """The same as ``workflow:leave``."""
    await leave(call, payload)


@socket_event("cursor:move", access=READ, domain=_DOMAIN, is_piece=True)
async def move_cursor(call: SocketCall, payload: CursorMove) -> None:
    """Show the others a pointer and a selection; nothing of it is kept."""
    pointer = payload.model_dump(by_alias=True, exclude={"workflow_id"}, exclude_unset=True)
    await opened_by(call, payload.workflow_id).point(pointer)


async def _join(call: SocketCall, workflow_id: str) -> dict[str, Any]:
    async with call.services.store.unit(call.workspace_id) as unit:
        row = found(await unit.workflows.get(workflow_id), "workflow")
    if name_of(workflow_id) not in call.connection.held:
        await _open(call, row)
        async with call.services.store.unit(call.workspace_id) as unit:
            # Read again: what came before the room was entered, nobody tells.
            row = found(await unit.workflows.get(workflow_id), "workflow")
    users = await call.hub.part(Presence).users(row.workspace_id, workflow_id)
    workflow = answer_of(row).model_dump(mode="json", by_alias=True)
    return {"workflow": workflow, "version": row.version, "users": users}


async def _open(call: SocketCall, row: Workflow) -> None:
    connection = call.connection
    if sum(isinstance(held, Opened) for held in connection.held.values()) >= _MOST_OPEN:
        raise Conflict(f"At most {_MOST_OPEN} workflows on a socket; leave one first.")
    user = await _user(call)
    rooms = call.hub.part(Rooms)
    room = rooms.open.setdefault(row.id, Room(row.id, row.workspace_id, row.version))
    opened = Opened(call.hub, connection, room, user)
    room.members[connection.sid] = opened
    connection.held[name_of(row.id)] = opened
    await call.hub.enter(connection.sid, room.name)
    await call.hub.part(Presence).enter(room, user)


async def _user(call: SocketCall) -> dict[str, Any]:
    async with call.services.store.system() as system:
        user = found(await system.users.get(call.caller.user_id), "user")
    role = call.caller.role
    return {
        "socketId": call.connection.sid,
        "userId": user.id,
        "userName": user.name,
        "avatarUrl": user.image_url,
        "role": role.name.lower() if role else None,
        "joinedAt": datetime.now(UTC).isoformat().replace("+00:00", "Z"),
    }
