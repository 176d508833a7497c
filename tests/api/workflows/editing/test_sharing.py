"""CRDT clients over sockets: in step with each other, with other editors, and with the record."""

from __future__ import annotations

import asyncio
import json
import time
from typing import Any

import pytest
from pycrdt import (
    Doc,
    Map,
    YMessageType,
    create_sync_message,
    create_update_message,
    handle_sync_message,
)

from core import redis_names
from core.services import Services
from pipelines.editing.patch import PARTS, by_id, same
from pipelines.editing.protocol import Awareness, awareness_message, read_awareness, read_message
from tests.api.conftest import Member
from tests.api.workflows.editing.conftest import Editor, Open


class Shared:
    """A document kept in step through an editor's socket, by pycrdt's own protocol code."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        self.doc: Doc[Any] = Doc()
        self.roots = {part: self.doc.get(part, type=Map) for part in PARTS}
        self.awareness: list[Awareness] = []
        self._answers: set[asyncio.Task[Any]] = set()
        editor.client.on("yjs:update", self._take)

    async def send(self, message: bytes) -> dict[str, Any]:
        return await self.editor.ask("yjs:update", update=message)

    async def sync(self) -> None:
        assert (await self.send(create_sync_message(self.doc)))["ok"]

    async def change(self, part: str, key: str, value: Any) -> dict[str, Any]:
        state = self.doc.get_state()
        self.roots[part][key] = value
        return await self.send(create_update_message(self.doc.get_update(state)))

    async def _take(self, data: dict[str, Any]) -> None:
        message = data["update"]
        if message[0] == YMessageType.AWARENESS:
            self.awareness += read_awareness(read_message(message).content)
            return
        reply = handle_sync_message(message[1:], self.doc)
        if reply is not None:
            task = asyncio.create_task(self.editor.ask("yjs:update", update=reply))
            self._answers.add(task)

    async def agrees(self, member: Member) -> None:
        """Return once the document is what the record holds."""
        async with asyncio.timeout(15):
            while True:
                path = f"/api/workflows/{self.editor.workflow_id}"
                record = (await member.browser.get(path)).json()
                if all(same(self.roots[p].to_py(), by_id(record, p)) for p in PARTS):
                    return
                await asyncio.sleep(0.05)


@pytest.fixture
async def share(join: Open) -> Any:
    async def one(member: Member, **options: Any) -> Shared:
        shared = Shared(await join(member, **options))
        await shared.sync()
        return shared

    return one


VARIABLE = {"id": "v", "name": "limit", "type": "number", "value": 8}


async def test_documents_and_record_are_in_step(member: Member, share: Any, join: Open) -> None:
    one, other, editor = await share(member), await share(member), await join(member)
    assert (await one.change("variables", "v", VARIABLE))["ok"]
    told = await editor.hears("workflow:update")
    assert told["operation"]["type"] == "yjs:update"
    assert told["operation"]["patch"] == [
        {"op": "set", "path": ["variables", "v"], "value": VARIABLE}
    ]
    await editor.done("block:update", blockId="t", changes={"name": "By an operation"})
    path = f"/api/workflows/{editor.workflow_id}"
    await member.browser.patch(path, json={"description": "not in the document", "edges": []})
    for shared in (one, other):
        await shared.agrees(member)
    assert other.roots["blocks"]["t"]["name"] == "By an operation"


async def test_what_makes_no_sense_is_answered_by_its_correction(
    member: Member, share: Any
) -> None:
    one, other = await share(member), await share(member)
    answer = await one.change("edges", "e7", {"id": "e7", "source": "s", "target": "gone"})
    assert (answer["ok"], answer["error"]["code"]) == (False, "VALIDATION_ERROR")
    await one.agrees(member)
    await other.agrees(member)
    assert "e7" not in one.roots["edges"]
    assert (await one.change("variables", "v", VARIABLE))["ok"]
    await other.agrees(member)


async def test_a_readers_updates_are_dropped(
    member: Member, stranger: Member, reader: dict[str, Any], share: Any
) -> None:
    writer, watcher = await share(member), await share(stranger, **reader)
    answer = await watcher.change("variables", "v", VARIABLE)
    assert answer["error"]["code"] == "FORBIDDEN"
    step2 = handle_sync_message(create_sync_message(Doc())[1:], watcher.doc)
    assert step2 is not None
    assert (await watcher.send(step2))["error"]["code"] == "FORBIDDEN"
    await writer.agrees(member)
    assert writer.roots["variables"]["v"]["value"] == 3


async def test_awareness_is_passed_on_kept_for_those_who_come_and_ended(
    member: Member, stranger: Member, reader: dict[str, Any], share: Any
) -> None:
    one, other = await share(member), await share(stranger, **reader)
    state = Awareness(77, 1, '{"user": "Mia"}')
    assert (await one.send(awareness_message([state])))["ok"]
    await _until(lambda: state in other.awareness)
    late = await share(member)
    await _until(lambda: state in late.awareness)
    stolen = Awareness(77, 5, '{"user": "somebody else"}')
    assert (await other.send(awareness_message([stolen])))["ok"]
    await one.editor.client.disconnect()
    await _until(lambda: Awareness(77, 2, "null") in late.awareness)
    assert stolen not in late.awareness
    assert (await late.send(b"\x01\x02\x01\x4d"))["error"]["code"] == "VALIDATION_ERROR"


async def _until(holds: Any) -> None:
    async with asyncio.timeout(10):
        while not holds():
            await asyncio.sleep(0.02)


async def test_awareness_that_is_old_is_forgotten(
    member: Member, share: Any, services: Services, workflow_id: str
) -> None:
    """A page that is loaded anew is another client of CRDT: all day long they would add up."""
    old = {"userId": "usr_x", "seen": time.time() - 31, "clock": 1, "state": "null"}
    key = redis_names.awareness(member.workspace_id, workflow_id)
    await services.redis.hset(key, mapping={str(n): json.dumps(old) for n in range(100, 200)})
    one = await share(member)
    assert (await one.send(awareness_message([Awareness(7, 1, "{}")])))["ok"]
    assert await services.redis.hkeys(key) == [b"7"]
