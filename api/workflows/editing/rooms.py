"""Who has a workflow open in this process is told of every edit, in order, whoever made it.

The log in the database is what is told, from where the last telling ended: a process that dies
between commit and telling, or a call that is lost, leaves nobody without an edit.
"""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Protocol
from weakref import WeakValueDictionary

import structlog
from redis.exceptions import RedisError

from api.sockets.hub import Hub
from api.workflows.editing.telling import edit_events, reloaded, update_event
from core import redis_names
from core.store.workflow_documents import NumberedUpdate
from core.store.workflow_operations import LoggedOperation, Standing
from pipelines.editing import news, shelf
from pipelines.editing.merging import locked

_LOOK_SECONDS: Final = 1.0
_PAGE: Final = 200

log = structlog.get_logger(__name__)


class Member(Protocol):
    """A socket in a room."""

    async def end(self, reason: str) -> None: ...


@dataclass
class Room:
    """A workflow that sockets of this process have open; told up to ``version`` and ``number``."""

    workflow_id: str
    workspace_id: str
    version: int
    number: int | None = None  # once somebody asked for the document
    members: dict[str, Member] = field(default_factory=dict)  # by socket id
    telling: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def name(self) -> str:
        """The Socket.IO room of all who have it open."""
        return redis_names.workflow_room(self.workspace_id, self.workflow_id)

    @property
    def document_name(self) -> str:
        """The Socket.IO room of those who want the document's updates too."""
        return redis_names.document_room(self.workspace_id, self.workflow_id)

    def is_behind(self, standing: Standing) -> bool:
        is_document_behind = self.number is not None and standing.number > self.number
        return standing.version > self.version or is_document_behind


class Rooms:
    """The open workflows of a process."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self.open: dict[str, Room] = {}
        self._turns: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._called: set[str] = set()
        self._call = asyncio.Event()
        self._tasks = [
            asyncio.create_task(work)
            for work in (self._listen(), self._look(), self._tell_called())
        ]

    def call(self, workflow_id: str) -> None:
        """Have a room told soon what is new."""
        if workflow_id in self.open:
            self._called.add(workflow_id)
            self._call.set()

    def turn(self, workflow_id: str) -> asyncio.Lock:
        """Return the lock under which this process edits a workflow."""
        return self._turns.setdefault(workflow_id, asyncio.Lock())

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _listen(self) -> None:
        """Hear of edits; without Redis, looking finds them a second later."""
        while True:
            with suppress(RedisError, OSError):
                async with self._hub.services.redis.pubsub() as calls:
                    await calls.subscribe(redis_names.WORKFLOWS_CHANNEL)
                    while True:
                        heard = await calls.get_message(ignore_subscribe_messages=True, timeout=5)
                        if heard is not None:
                            for each in news.read(heard["data"]):
                                self._hear(each)
            await asyncio.sleep(_LOOK_SECONDS)

    def _hear(self, heard: news.News) -> None:
        room = self.open.get(heard.workflow_id)
        # What this process did itself it has told already.
        if room and (room.number is not None or heard.version > room.version):
            self.call(heard.workflow_id)

    async def told(self, workflow_id: str, operation: LoggedOperation) -> None:
        """Tell a room at once what this process has just committed, if nothing is missing between;
        else the log is read."""
        room = self.open.get(workflow_id)
        if room is None or room.number is not None or room.telling.locked():
            self.call(workflow_id)
        elif operation.version == room.version + 1:
            async with room.telling:
                self._tell_edit(room, operation)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(_LOOK_SECONDS)
            try:
                await self._look_once()
            # Logged whole, and tried again a second later.
            except Exception:
                log.exception("looking at open workflows failed")

    async def _look_once(self) -> None:
        if not self.open:
            return
        asked = list(self.open)
        async with self._hub.services.store.system() as system:
            found = await system.workflow_standings.of(asked)
        for standing in found:
            room = self.open.get(standing.workflow_id)
            if room and room.is_behind(standing):
                self.call(standing.workflow_id)
        # Of those that were asked about: others have been opened meanwhile.
        for gone in set(asked) - {standing.workflow_id for standing in found}:
            await self._end(gone)

    async def _end(self, workflow_id: str) -> None:
        """Close the room of a workflow that was deleted."""
        room = self.open.get(workflow_id)
        for member in list(room.members.values()) if room else []:
            await member.end("deleted")

    async def _tell_called(self) -> None:
        while True:
            await self._call.wait()
            self._call.clear()
            called, self._called = self._called, set()
            await asyncio.gather(*(self._tell_soundly(workflow_id) for workflow_id in called))

    async def _tell_soundly(self, workflow_id: str) -> None:
        try:
            await self.tell(workflow_id)
        # Logged whole; looking has it tried again.
        except Exception:
            log.exception("telling a room failed", workflow_id=workflow_id)

    async def tell(self, workflow_id: str) -> None:
        """Tell a room all that is new."""
        room = self.open.get(workflow_id)
        if room is None:
            return
        async with room.telling:
            operations, updates = await self._news(room)
            for operation in operations:
                if operation.version != room.version + 1:
                    break
                self._tell_edit(room, operation)
            else:
                operations = operations[_PAGE - 1 :]  # of a full page there may be more
            if operations or not updates:
                await self._reload(room)
            await self._tell_updates(room, updates)

    async def _news(self, room: Room) -> tuple[list[LoggedOperation], list[NumberedUpdate]]:
        async with self._hub.services.store.unit(room.workspace_id) as unit:
            operations = await unit.workflow_operations.after(room.workflow_id, room.version, _PAGE)
            if room.number is None:
                return operations, []
            return operations, await unit.workflow_documents.after(room.workflow_id, room.number)

    def _tell_edit(self, room: Room, operation: LoggedOperation) -> None:
        told = edit_events(room.workflow_id, operation)
        self._hub.tell_here(room.name, told, operation.socket_id)
        room.version = operation.version

    async def _tell_updates(self, room: Room, updates: list[NumberedUpdate]) -> None:
        if room.number is None or not updates:
            return
        if updates[0].number != room.number + 1:  # what was between is in the compacted state
            state, room.number = await self._state(room)
            self._hub.tell_here(room.document_name, [update_event(room.workflow_id, state)])
            return
        for update in updates:
            event = update_event(room.workflow_id, update.content)
            self._hub.tell_here(room.document_name, [event], update.socket_id)
            room.number = update.number

    async def _state(self, room: Room) -> tuple[bytes, int]:
        async with self._hub.services.store.unit(room.workspace_id) as unit:
            opened = await shelf.find_or_make(unit, await locked(unit, room.workflow_id))
            return opened.document.state(), opened.number

    async def _reload(self, room: Room) -> None:
        """Tell a room the whole workflow, where it was changed without a line in the log."""
        async with self._hub.services.store.unit(room.workspace_id) as unit:
            row = await unit.workflows.get(room.workflow_id)
            if row is None or row.version <= room.version:
                return
            logged = await unit.workflow_operations.after(room.workflow_id, room.version, 1)
            if logged and logged[0].version == room.version + 1:
                self.call(room.workflow_id)
                return
            if room.number is not None:  # the document catches up
                await shelf.find(unit, await locked(unit, room.workflow_id))
        self._hub.tell_here(room.name, [reloaded(row)])
        room.version = row.version
        self.call(room.workflow_id)
