"""Every message of y-protocols is let in by the rights in the workflow's workspace."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Awareness, Doc, Map, create_awareness_message, create_sync_message
from pycrdt import create_update_message as as_update

from pipelines.editing.protocol import step2
from tests.api.conftest import Member
from tests.api.workflows.editing.conftest import Editor, Open


def _block() -> Doc[Any]:
    document: Doc[Any] = Doc()
    added = Map({"id": "stolen", "type": "start", "name": "Stolen", "subBlocks": {}})
    document.get("blocks", type=Map)["stolen"] = added
    return document


def _awareness() -> bytes:
    awareness = Awareness(Doc())
    awareness.set_local_state({"user": "stolen"})
    return bytes(create_awareness_message(awareness.encode_awareness_update([awareness.client_id])))


MESSAGES: dict[str, Callable[[], bytes]] = {
    "step1": lambda: bytes(create_sync_message(Doc())),
    "step2": lambda: step2(_block().get_update()),
    "update": lambda: bytes(as_update(_block().get_update())),
    "awareness": _awareness,
    "query": lambda: b"\3",
}


async def _open_document(editor: Editor) -> Editor:
    """Have a client told every update of its workflow's document; drop what it was told so far."""
    await editor.done("yjs:update", update=MESSAGES["step1"]())
    while not editor.told.empty():
        editor.told.get_nowait()
    return editor


async def _blocks(owner: Member, workflow_id: str) -> Any:
    return (await owner.browser.get(f"/api/workflows/{workflow_id}")).json()["blocks"]


@pytest.mark.parametrize("kind", MESSAGES)
async def test_yjs_message_of_other_tenant_is_refused(
    kind: str, member: Member, stranger: Member, join: Open, open_socket: Open, workflow_id: str
) -> None:
    owner, editor = await _open_document(await join(member)), await open_socket(stranger)
    before = await _blocks(member, workflow_id)
    for named in ({}, {"workspaceId": member.workspace_id}, {"workspaceId": stranger.workspace_id}):
        code = await editor.refused("yjs:update", update=MESSAGES[kind](), **named)
        assert code in ("NOT_FOUND", "CONFLICT")
    assert await _blocks(member, workflow_id) == before
    assert await owner.heard_nothing("yjs:update")
    assert editor.told.empty()


@pytest.mark.parametrize("kind", MESSAGES)
async def test_yjs_message_of_removed_member_is_refused(
    kind: str,
    member: Member,
    stranger: Member,
    reader: dict[str, Any],
    join: Open,
    workflow_id: str,
) -> None:
    editor, owner = await join(stranger, **reader), await _open_document(await join(member))
    path = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    assert (await member.browser.delete(path)).status_code == 204
    before = await _blocks(member, workflow_id)
    code = await editor.refused("yjs:update", update=MESSAGES[kind]())
    assert code in ("NOT_FOUND", "CONFLICT", "FORBIDDEN")
    assert await _blocks(member, workflow_id) == before
    assert await owner.heard_nothing("yjs:update")


@pytest.mark.parametrize("kind", ["step2", "update"])
async def test_yjs_message_of_reader_changes_nothing(
    kind: str,
    member: Member,
    stranger: Member,
    reader: dict[str, Any],
    join: Open,
    workflow_id: str,
) -> None:
    editor = await join(stranger, **reader)
    before = await _blocks(member, workflow_id)
    assert await editor.refused("yjs:update", update=MESSAGES[kind]()) == "FORBIDDEN"
    assert await _blocks(member, workflow_id) == before


async def test_document_room_of_removed_member_is_left(
    member: Member, stranger: Member, reader: dict[str, Any], join: Open
) -> None:
    owner, editor = await join(member), await join(stranger, **reader)
    for each in (owner, editor):
        await _open_document(each)
    path = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    assert (await member.browser.delete(path)).status_code == 204
    left = await editor.hears("workflow:leave")
    assert left["reason"] == "denied"
    await owner.done("yjs:update", update=MESSAGES["update"]())
    assert await editor.heard_nothing("yjs:update")
