"""CRDT clients and the record agree, whatever either does."""

from __future__ import annotations

from functools import partial
from typing import Any

import pytest
from pycrdt import Doc, Map

from core.errors import ValidationFailed
from core.services import Services
from pipelines.editing import operations, shelf
from pipelines.editing.edit import Editor
from pipelines.editing.merging import Merged, locked, merge
from pipelines.editing.patch import PARTS, by_id, same
from tests.conftest import Owner
from tests.pipelines.editing.conftest import Apply, block, stored


class Client:
    """A CRDT client beside the server; ``sync`` has it catch up."""

    def __init__(self, services: Services, owner: Owner, workflow_id: str) -> None:
        self._services, self._owner, self._id = services, owner, workflow_id
        self.doc: Doc[Any] = Doc()
        self.roots = {part: self.doc.get(part, type=Map) for part in PARTS}

    async def sync(self) -> None:
        async with self._services.store.unit(self._owner.workspace_id) as unit:
            opened = await shelf.find_or_make(unit, await locked(unit, self._id))
            missing = opened.document.missing(self.doc.get_state())
        self.doc.apply_update(missing)

    async def send(self, update: bytes | None = None) -> Merged:
        async with self._services.store.unit(self._owner.workspace_id) as unit:
            editor = Editor(self._owner.user_id)
            sent = update or self.doc.get_update()
            return await merge(self._services, unit, self._id, sent, editor)

    async def agrees(self) -> bool:
        await self.sync()
        content, _ = await stored(self._services, self._owner, self._id)
        return all(same(self.roots[p].to_py(), by_id(content, p)) for p in PARTS)


@pytest.fixture
async def client(services: Services, owner: Owner, workflow_id: str) -> Client:
    made = Client(services, owner, workflow_id)
    await made.sync()
    return made


async def test_a_document_begins_as_the_record(client: Client) -> None:
    assert await client.agrees()
    assert isinstance(client.roots["blocks"]["t"]["subBlocks"], Map)


async def test_an_update_is_an_edit(client: Client, services: Services, owner: Owner) -> None:
    setting = {"id": "template", "type": "short-input", "value": "Hi"}
    client.roots["blocks"]["u"]["subBlocks"]["template"] = setting
    merged = await client.send()
    assert merged.edited is not None
    assert merged.edited.operation["patch"] == [
        {"op": "set", "path": ["blocks", "u", "subBlocks", "template"], "value": setting}
    ]
    assert await client.agrees()
    assert not (await client.send()).is_new


async def test_an_edit_is_an_update(client: Client, apply: Apply) -> None:
    await apply(partial(operations.update_block, block_id="t", changes={"name": "Warm"}))
    await apply(partial(operations.add_block, block=block("w", "wait", "Wait", seconds=1)))
    await apply(partial(operations.delete_variable, variable_id="v"))
    assert await client.agrees()
    assert client.roots["blocks"]["u"]["subBlocks"]["template"]["value"] == "Then: <warm.text>"


async def test_what_is_left_away_is_filled_in(client: Client) -> None:
    client.roots["blocks"]["n"] = {"type": "wait", "name": "New", "subBlocks": {}}
    client.roots["edges"]["e9"] = {"source": "u", "target": "n"}
    assert (await client.send()).edited is not None
    assert await client.agrees()
    assert client.roots["blocks"]["n"].to_py()["id"] == "n"


def _unknown_type(client: Client) -> None:
    client.roots["blocks"]["t"]["type"] = "no such type"


def _dangling(client: Client) -> None:
    client.roots["edges"]["e9"] = {"id": "e9", "source": "s", "target": "gone"}


def _no_map(client: Client) -> None:
    client.roots["blocks"]["t"] = 3


def _other_id(client: Client) -> None:
    client.roots["blocks"]["t"]["id"] = "z"


def _referred_to(client: Client) -> None:
    del client.roots["blocks"]["t"]


def _nul(client: Client) -> None:
    client.roots["variables"]["v"] = {"id": "v", "name": "\x00"}


@pytest.mark.parametrize(
    "break_it", [_unknown_type, _dangling, _no_map, _other_id, _referred_to, _nul]
)
async def test_what_makes_no_sense_is_taken_back(
    break_it: Any, client: Client, services: Services, owner: Owner, workflow_id: str
) -> None:
    before = await stored(services, owner, workflow_id)
    break_it(client)
    merged = await client.send()
    assert merged.problem is not None
    assert merged.edited is None
    assert await stored(services, owner, workflow_id) == before
    assert await client.agrees()
    client.roots["variables"]["v"] = {"id": "v", "name": "limit", "type": "number", "value": 9}
    assert (await client.send()).edited is not None  # its later updates still count
    assert await client.agrees()


@pytest.mark.parametrize("update", [b"", b"\x00", b"\xff" * 9, b"\x01\x01\x01", b"text"])
async def test_what_is_no_update_changes_nothing(update: bytes, client: Client) -> None:
    with pytest.raises(ValidationFailed):
        await client.send(update or b"\x00\x00\x00")
    assert await client.agrees()


async def test_updates_that_come_too_early_wait_for_no_one(client: Client) -> None:
    state = client.doc.get_state()
    client.roots["variables"]["x"] = {"id": "x", "name": "x"}
    middle = client.doc.get_state()
    client.roots["variables"]["y"] = {"id": "y", "name": "y"}
    assert not (await client.send(client.doc.get_update(middle))).is_new
    assert (await client.send(client.doc.get_update(state))).edited is not None
    assert await client.agrees()


async def test_a_row_changed_beside_this_path_is_caught_up_with(
    client: Client, services: Services, owner: Owner, workflow_id: str
) -> None:
    async with services.store.unit(owner.workspace_id) as unit:
        row = await locked(unit, workflow_id)
        row.definition = {**row.definition, "variables": {}}
        row.version += 1
    assert await client.agrees()


async def test_another_process_has_it_all_after_a_compaction(
    client: Client, monkeypatch: pytest.MonkeyPatch, services: Services, owner: Owner,
    workflow_id: str,
) -> None:  # fmt: skip
    monkeypatch.setattr(shelf, "_COMPACT_EVERY", 2)
    for number in range(11):
        client.roots["variables"]["v"] = {
            "id": "v", "name": "limit", "type": "number", "value": number
        }  # fmt: skip
        await client.send()
        if number % 3 == 0:
            shelf._shelf.clear()
    async with services.store.unit(owner.workspace_id) as unit:
        head = await unit.workflow_documents.head(workflow_id)
        left = await unit.workflow_documents.after(workflow_id, 0)
    assert head is not None
    assert (head.number, head.state_number) == (11, 8)
    assert [update.number for update in left] == [7, 8, 9, 10, 11]
    shelf._shelf.clear()
    fresh = Client(services, owner, workflow_id)
    assert await fresh.agrees()
    assert fresh.roots["variables"]["v"]["value"] == 10
