"""Every socket event is authorized in the workspace of the thing it touches."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest
from pycrdt import Doc, Map, create_update_message

from api.access import READ
from api.app import SLICES
from api.sockets.event import EVENTS
from tests.api.conftest import Member
from tests.api.workflows.editing.conftest import Editor, Open
from tests.pipelines.editing.conftest import RAW

for _slice in SLICES:  # fills the table of events
    import_module(_slice)


def _yjs_update() -> bytes:
    """A client's update that adds a block to the shared document."""
    document: Doc[Any] = Doc()
    block = {"id": "stolen", "type": "start", "name": "Stolen", "subBlocks": {}}
    document.get("blocks", type=Map)["stolen"] = Map(block)
    return bytes(create_update_message(document.get_update()))


PAYLOADS: dict[str, Callable[[], dict[str, Any]]] = {
    "block:add": lambda: {"block": {"type": "template", "name": "Stolen"}},
    "block:update": lambda: {"blockId": next(iter(RAW["blocks"])), "changes": {"name": "Stolen"}},
    "block:delete": lambda: {"blockId": next(iter(RAW["blocks"]))},
    "subblock:update": lambda: {
        "blockId": next(iter(RAW["blocks"])),
        "subblockId": "template",
        "value": "stolen",
    },
    "variable:set": lambda: {"variable": {"name": "stolen", "type": "string", "value": "x"}},
    "variable:delete": lambda: {"variableId": "any"},
    "workflow:update": lambda: {"changes": {"name": "Stolen"}},
    "workflow:join": dict,
    "user:join": dict,
    "workflow:leave": dict,
    "user:leave": dict,
    "cursor:move": lambda: {"cursor": {"x": 1, "y": 1}},
    "yjs:update": lambda: {"update": _yjs_update()},
    "message:new": lambda: {"message": "Change it.", "mode": "workflow-studio"},
    "message:update": lambda: {"id": "msg_any", "status": "aborted"},
    "copilot:tool": lambda: {"name": "edit_workflow", "arguments": {}},
    "audio:start": lambda: {"sessionId": "vs_any"},
    "audio:chunk": lambda: {"sessionId": "vs_any", "data": b"\0\0"},
    "audio:end": lambda: {"sessionId": "vs_any"},
}
WITHOUT_WORKFLOW = {"message:update", "audio:start", "audio:chunk", "audio:end"}
WRITING = {name for name, event in EVENTS.items() if event.access != READ} | {"yjs:update"}


def _fields(name: str) -> dict[str, Any]:
    return PAYLOADS[name]()


async def _send(editor: Editor, name: str, **more: Any) -> dict[str, Any]:
    fields = {**_fields(name), **more}
    if name in WITHOUT_WORKFLOW:
        answer: dict[str, Any] = await editor.client.call(name, fields, timeout=15)
        return answer
    return await editor.ask(name, **fields)


async def _definition(owner: Member, workflow_id: str) -> dict[str, Any]:
    return dict((await owner.browser.get(f"/api/workflows/{workflow_id}")).json())


def test_payloads_of_this_matrix_cover_the_table_of_events() -> None:
    assert set(PAYLOADS) == set(EVENTS)


@pytest.mark.parametrize("name", sorted(WRITING))
async def test_event_of_reader_naming_own_workspace_changes_nothing(
    name: str,
    member: Member,
    stranger: Member,
    reader: dict[str, Any],
    join: Open,
    workflow_id: str,
) -> None:
    editor = await join(stranger, **reader)
    before = await _definition(member, workflow_id)
    answer = await _send(editor, name, workspaceId=stranger.workspace_id)
    assert not answer["ok"], answer
    assert answer["error"]["code"] in ("NOT_FOUND", "FORBIDDEN", "CONFLICT")
    assert await _definition(member, workflow_id) == before


@pytest.mark.parametrize("name", sorted(WRITING))
async def test_event_of_reader_changes_nothing(
    name: str,
    member: Member,
    stranger: Member,
    reader: dict[str, Any],
    join: Open,
    workflow_id: str,
) -> None:
    editor = await join(stranger, **reader)
    before = await _definition(member, workflow_id)
    answer = await _send(editor, name)
    assert (answer["ok"], answer["error"]["code"]) == (False, "FORBIDDEN")
    assert await _definition(member, workflow_id) == before


@pytest.mark.parametrize("name", sorted(EVENTS))
async def test_event_of_other_tenant_is_refused(
    name: str, member: Member, stranger: Member, open_socket: Open, workflow_id: str
) -> None:
    editor = await open_socket(stranger)
    before = await _definition(member, workflow_id)
    for named in ({}, {"workspaceId": member.workspace_id}):
        answer = await _send(editor, name, **named)
        assert not answer["ok"], answer
        assert answer["error"]["code"] in ("NOT_FOUND", "CONFLICT")
    assert await _definition(member, workflow_id) == before


@pytest.mark.parametrize("name", sorted(EVENTS))
async def test_event_of_removed_member_is_refused(
    name: str,
    member: Member,
    stranger: Member,
    reader: dict[str, Any],
    join: Open,
    workflow_id: str,
) -> None:
    editor = await join(stranger, **reader)
    path = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    assert (await member.browser.delete(path)).status_code in (200, 204)
    if EVENTS[name].is_piece:  # authorized when the stream began; the sweep ends it
        leave = await editor.hears("workflow:leave")
        assert leave["reason"] == "denied"
    before = await _definition(member, workflow_id)
    answer = await _send(editor, name)
    await asyncio.sleep(0)
    assert not answer["ok"], answer
    assert await _definition(member, workflow_id) == before
