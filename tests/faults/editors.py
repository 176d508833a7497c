"""Editors of one workflow that lose their connections: by operations, and by CRDT."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import socketio
from pycrdt import Doc, Map, create_sync_message, create_update_message, handle_sync_message
from socketio.exceptions import SocketIOError

from core.ids import new_id
from pipelines.editing.patch import PARTS, Content, by_id, patched, same

SHARED = ("t", "u")  # blocks that all work on


@dataclass
class Desk:
    """What all editors share: where the processes listen, who they are, and what they work on."""

    urls: list[str]
    key: str
    workflow_id: str
    chance: random.Random = field(default_factory=lambda: random.Random(11))


class Editor:
    """Has a connection, most of the time; ``mark`` is the number that only it writes."""

    def __init__(self, desk: Desk, number: int) -> None:
        self.desk, self.number = desk, number
        self.sent = self.acknowledged = 0
        self.client: Any = None
        self.gone = asyncio.Event()

    @property
    def register(self) -> str:
        return f"mark{self.number}"

    async def connect(self) -> None:
        """Connect to whichever process answers, and open the workflow."""
        while True:
            client = socketio.AsyncClient(reconnection=False)
            self.gone = gone = asyncio.Event()
            client.on("disconnect", lambda *_, gone=gone: gone.set())
            self.listen(client)
            with suppress(SocketIOError, TimeoutError, OSError):
                url = self.desk.chance.choice(self.desk.urls)
                auth = {"token": self.desk.key}
                await client.connect(url, auth=auth, transports=["websocket"], wait_timeout=10)
                self.client = client
                await self.opened(await self.ask("workflow:join"))
                return
            await client.disconnect()
            await asyncio.sleep(0.1)

    async def ask(self, event: str, **fields: Any) -> dict[str, Any]:
        sent = {"workflowId": self.desk.workflow_id, **fields}
        answer: asyncio.Future[dict[str, Any]] = asyncio.get_running_loop().create_future()

        def take(given: dict[str, Any]) -> None:
            if not answer.done():
                answer.set_result(given)

        await self.client.emit(event, sent, callback=take)
        gone = asyncio.create_task(self.gone.wait())
        await asyncio.wait({answer, gone}, timeout=60, return_when=asyncio.FIRST_COMPLETED)
        gone.cancel()
        if not answer.done():
            raise TimeoutError("no answer before the connection broke")
        return answer.result()

    async def drop(self) -> None:
        """Lose the connection without a word."""
        with suppress(SocketIOError, OSError, asyncio.CancelledError):
            await self.client.eio.disconnect(abort=True)
        self.gone.set()

    async def work(self, count: int, pace: Any) -> None:
        """Make edits, one after the other; those that got no answer are made sure of."""
        await self.connect()
        while self.sent < count:
            await pace()
            self.sent += 1
            if self.desk.chance.random() < 0.02:
                task = asyncio.create_task(self.drop())
                await self.edit_soundly()
                await task
            else:
                await self.edit_soundly()
            self.acknowledged = self.sent
        if self.gone.is_set():  # with the last edit, whose answer came just before
            await self.connect()

    async def edit_soundly(self) -> None:
        retry = False
        while True:
            try:
                await self.edit(retry)
            except (SocketIOError, TimeoutError, OSError):
                retry = True
                await self.drop()
                await self.connect()
            else:
                return

    def listen(self, client: socketio.AsyncClient) -> None:
        raise NotImplementedError

    async def opened(self, joined: dict[str, Any]) -> None:
        raise NotImplementedError

    async def edit(self, retry: bool) -> None:
        raise NotImplementedError

    def holds(self, content: Content) -> bool:
        raise NotImplementedError


class OperationEditor(Editor):
    """Sends operations, and follows patches in the order of versions."""

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__(desk, number)
        self.content: Content = {}
        self.version = 0
        self.ahead: dict[int, list[Any]] = {}
        self.answered: dict[str, int] = {}  # versions by operation id
        self._asked: tuple[str, dict[str, Any]] = ("", {})
        self._has_block = False

    def listen(self, client: socketio.AsyncClient) -> None:
        client.on("workflow:update", self.told)

    async def opened(self, joined: dict[str, Any]) -> None:
        if joined["version"] > self.version:
            self.content, self.version = joined["workflow"], joined["version"]
            self.follow()

    def told(self, data: dict[str, Any]) -> None:
        operation = data["operation"]
        assert operation["type"] != "workflow:replace", "every edit is in the log"
        self.ahead[data["version"]] = operation["patch"]
        self.follow()

    def follow(self) -> None:
        self.ahead = {
            version: patch for version, patch in self.ahead.items() if version > self.version
        }
        while self.version + 1 in self.ahead:
            self.version += 1
            self.content = patched(self.content, self.ahead.pop(self.version))

    async def edit(self, retry: bool) -> None:
        if not retry:
            event, fields = self._some_edit()
            self._asked = event, {**fields, "operationId": new_id("op")}
        event, fields = self._asked
        answer = await self.ask(event, **fields)
        assert answer["ok"], (event, fields, answer)
        self.answered[fields["operationId"]] = answer["version"]
        self.ahead[answer["version"]] = answer["patch"]
        self.follow()

    def _some_edit(self) -> tuple[str, dict[str, Any]]:
        chance, number = self.desk.chance, self.sent
        kind = chance.random()
        shared = {"blockId": chance.choice(SHARED)}
        if kind < 0.25:
            return "block:update", {
                **shared,
                "changes": {"position": {"x": number, "y": self.number}},
            }
        if kind < 0.5:
            text = f"{self.number} says {number}"
            return "subblock:update", {**shared, "subblockId": "template", "value": text}
        if kind < 0.6:
            self._has_block = not self._has_block
            own = f"own{self.number}"
            if not self._has_block:
                return "block:delete", {"blockId": own}
            block = {"id": own, "type": "wait", "name": own}
            edge = {"id": f"e{own}", "source": "s", "target": own}
            return "block:add", {"block": block, "edges": [edge]}
        value = {"name": self.register, "type": "number", "value": number}
        return "variable:set", {"variableId": self.register, **value}

    def holds(self, content: Content) -> bool:
        return all(same(by_id(self.content, part), by_id(content, part)) for part in PARTS)


class DocumentEditor(Editor):
    """Writes into a document of its own, which y-protocols keep in step."""

    def __init__(self, desk: Desk, number: int) -> None:
        super().__init__(desk, number)
        self.doc: Doc[Any] = Doc()
        self.roots = {part: self.doc.get(part, type=Map) for part in PARTS}
        self._answers: set[asyncio.Task[Any]] = set()

    def listen(self, client: socketio.AsyncClient) -> None:
        client.on("yjs:update", self.take)

    async def opened(self, joined: dict[str, Any]) -> None:
        await self.sync()

    async def sync(self) -> None:
        answer = await self.ask("yjs:update", update=create_sync_message(self.doc))
        assert answer["ok"], answer

    async def take(self, data: dict[str, Any]) -> None:
        reply = handle_sync_message(data["update"][1:], self.doc)
        if reply is not None:
            task = asyncio.create_task(self._reply(reply))
            self._answers.add(task)
            task.add_done_callback(self._answers.discard)

    async def _reply(self, message: bytes) -> None:
        with suppress(SocketIOError, TimeoutError, OSError):
            await self.ask("yjs:update", update=message)

    async def edit(self, retry: bool) -> None:
        state = self.doc.get_state()
        if not retry:
            self._some_edit()
        # What got no answer goes again with all that there is: it counts once in any case.
        update = self.doc.get_update() if retry else self.doc.get_update(state)
        answer = await self.ask("yjs:update", update=create_update_message(update))
        assert answer["ok"], answer

    def _some_edit(self) -> None:
        chance, number = self.desk.chance, self.sent
        kind = chance.random()
        blocks = self.roots["blocks"]
        block = chance.choice(SHARED)
        if kind < 0.25 and block in blocks:
            blocks[block]["position"] = {"x": number, "y": self.number}
        elif kind < 0.5 and block in blocks:
            setting = {"id": "template", "type": "short-input", "value": f"doc says {number}"}
            blocks[block]["subBlocks"]["template"] = setting
        value = {"id": self.register, "name": self.register, "type": "number", "value": number}
        self.roots["variables"][self.register] = value

    def holds(self, content: Content) -> bool:
        held = {part: root.to_py() for part, root in self.roots.items()}
        return all(same(held[part], by_id(content, part)) for part in PARTS)
