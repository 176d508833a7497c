"""A workflow as a CRDT document: the messages of y-protocols over ``yjs:update``.

A client sends sync step 1 and gets step 2, and step 1 of the server's if it may write. From then on
updates come and go. Who may only read is answered, and what they send is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pydantic import AliasChoices, Field

from api import access
from api.access import READ, WRITE
from api.sockets.event import SocketCall, socket_event
from api.workflows.editing.awareness import AwarenessStates
from api.workflows.editing.joining import Opened, WorkflowRef, opened_by
from api.workflows.editing.rooms import Rooms
from core.errors import Forbidden, PayloadTooLarge
from pipelines.editing import shelf
from pipelines.editing.edit import Editor
from pipelines.editing.merging import locked, merge
from pipelines.editing.protocol import (
    awareness_message,
    read_awareness,
    read_message,
    step1,
    step2,
)
from pipelines.editing.updates import LARGEST

_DOMAIN: Final = "workflows"


class YjsUpdate(WorkflowRef):
    """``update``: one message of y-protocols, binary."""

    update: bytes = Field(validation_alias=AliasChoices("update", "data", "message"))


@socket_event("yjs:update", access=READ, domain=_DOMAIN, is_counted=False)
async def sync(call: SocketCall, payload: YjsUpdate) -> Mapping[str, object]:
    """Take a message of y-protocols; what it is answered with comes as ``yjs:update``."""
    opened = opened_by(call, payload.workflow_id)
    if len(payload.update) > LARGEST:
        raise PayloadTooLarge(f"A message has at most {LARGEST} bytes; send several.")
    message = read_message(payload.update)
    if message.kind == "step1":
        return await _answer(call, opened, message.content)
    if message.kind == "query":
        await _tell_awareness(call, opened)
        return {}
    if message.kind == "awareness":
        states = read_awareness(message.content)
        await call.hub.part(AwarenessStates).take(opened, states)
        return {}
    access.authorize(call.caller, WRITE, _DOMAIN)
    return await _merge(call, opened, message.content, is_step2=message.kind == "step2")


async def _answer(call: SocketCall, opened: Opened, vector: bytes) -> Mapping[str, object]:
    """Send what a client lacks, and ask for what it has; updates come from now on."""
    room = opened.room
    await call.hub.enter(call.connection.sid, room.document_name)
    turn = call.hub.part(Rooms).turn(room.workflow_id)
    async with turn, call.services.store.unit(room.workspace_id) as unit:
        row = await locked(unit, room.workflow_id)
        found = await shelf.find_or_make(unit, row)
        missing, own = found.document.missing(vector), found.document.vector()
        version, number = row.version, found.number
    if room.number is None:
        room.number = number
    await _send(call, room.workflow_id, step2(missing))
    if _may_write(call):
        await _send(call, room.workflow_id, step1(own))
    await _tell_awareness(call, opened)
    return {"version": version}


async def _merge(
    call: SocketCall, opened: Opened, update: bytes, *, is_step2: bool
) -> Mapping[str, object]:
    workflow_id = opened.room.workflow_id
    editor = Editor(call.caller.user_id, call.connection.sid)
    turn = call.hub.part(Rooms).turn(workflow_id)
    async with turn, call.services.store.unit(opened.workspace_id) as unit:
        merged = await merge(call.services, unit, workflow_id, update, editor)
    if merged.problem is not None:
        raise merged.problem  # what undoes it is on its way
    if not merged.is_new and not is_step2:
        # It may build on what never came. Step 2 answers this very question: asked no more.
        async with call.services.store.unit(opened.workspace_id) as unit:
            found = await shelf.find_or_make(unit, await locked(unit, workflow_id))
            own = found.document.vector()
        await _send(call, workflow_id, step1(own))
    return {"version": merged.version}


def _may_write(call: SocketCall) -> bool:
    try:
        access.authorize(call.caller, WRITE, _DOMAIN)
    except Forbidden:
        return False
    return True


async def _tell_awareness(call: SocketCall, opened: Opened) -> None:
    states = await call.hub.part(AwarenessStates).known(opened.room)
    if states:
        await _send(call, opened.room.workflow_id, awareness_message(states))


async def _send(call: SocketCall, workflow_id: str, message: bytes) -> None:
    data: dict[str, Any] = {"workflowId": workflow_id, "update": message}
    await call.connection.send("yjs:update", data)
