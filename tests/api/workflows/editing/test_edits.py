"""Edits: kept, told to the others and to nobody twice, taken back. What is refused is in
``tests/api/events``."""

from __future__ import annotations

from typing import Any

import pytest

from api.app import create_app
from api.sockets import server
from api.sockets.server import Sockets
from core.config import Settings
from pipelines.editing.patch import patched, same
from tests.api.conftest import Member, serving
from tests.api.events.case import filled
from tests.api.events.editing import EDITING
from tests.api.workflows.editing.conftest import Open


async def _workflow(member: Member, workflow_id: str) -> dict[str, Any]:
    found = await member.browser.get(f"/api/workflows/{workflow_id}")
    return dict(found.json())


@pytest.mark.parametrize("event", EDITING)
async def test_an_edit_is_kept_acknowledged_and_told_to_the_others(
    event: str, member: Member, join: Open, workflow_id: str
) -> None:
    sender, other = await join(member), await join(member)
    before = await _workflow(member, workflow_id)
    sent = filled(EDITING[event].sent, {"$workflow": workflow_id})
    answer = await sender.done(event, **{"operationId": "op-1", **sent})
    assert (answer["version"], answer["operationId"]) == (before["version"] + 1, "op-1")
    after = await _workflow(member, workflow_id)
    told = await other.hears("workflow:update" if event == "workflow:update" else event)
    assert (told["version"], told["userId"]) == (after["version"], member.user_id)
    if event != "workflow:update":
        told = await other.hears("workflow:update")
    operation = told["operation"]
    assert operation["type"] == event
    assert same(patched(before, operation["patch"])["blocks"], after["blocks"])
    assert await sender.heard_nothing("workflow:update")
    undone = {"operation": {"patch": answer["inverse"]}}
    await sender.done("workflow:update", **undone)
    back = await _workflow(member, workflow_id)
    for part in ("blocks", "loops", "parallels", "variables"):
        assert back[part] == before[part]
    assert sorted(back["edges"], key=str) == sorted(before["edges"], key=str)


async def test_a_repeat_is_acknowledged_and_not_applied(member: Member, join: Open) -> None:
    sender = await join(member)
    first = await sender.done("variable:set", variableId="v", value=1, operationId="a")
    await sender.done("variable:set", variableId="v", value=2)
    again = await sender.done("variable:set", variableId="v", value=1, operationId="a")
    assert (again["version"], again["duplicate"]) == (first["version"], True)
    joined = await sender.done("workflow:join")
    assert joined["workflow"]["variables"]["v"]["value"] == 2


async def test_a_setting_somebody_else_changed_is_not_overwritten(
    member: Member, join: Open
) -> None:
    sender = await join(member)
    sent = {"blockId": "t", "subblockId": "template", "expectedValue": "Hello <start.input>"}
    await sender.done("subblock:update", value="one", **sent)
    assert await sender.refused("subblock:update", value="two", **sent) == "CONFLICT"


async def test_edits_by_routes_reach_open_editors(
    member: Member, join: Open, workflow_id: str
) -> None:
    editor = await join(member)
    path = f"/api/workflows/{workflow_id}"
    number = (await member.browser.post(f"{path}/versions", json={})).json()["number"]
    patch = {"name": "Renamed", "variables": {}}
    changed = (await member.browser.patch(path, json=patch)).json()
    told = await editor.hears("workflow:update")
    assert told["version"] == changed["version"]
    assert told["operation"]["patch"] == [
        {"op": "set", "path": ["name"], "value": "Renamed"},
        {"op": "remove", "path": ["variables", "v"]},
    ]
    await member.browser.post(f"{path}/versions/{number}/restore")
    assert (await editor.hears("workflow:update"))["version"] == changed["version"] + 1
    await member.browser.delete(path)
    assert (await editor.hears("workflow:leave"))["reason"] == "deleted"
    assert await editor.refused("cursor:move", cursor=None) == "CONFLICT"


async def test_a_change_beside_the_log_is_told_whole(
    member: Member, join: Open, workflow_id: str, services: Any
) -> None:
    editor = await join(member)
    async with services.store.unit(member.workspace_id) as unit:
        row = await unit.workflows.lock(workflow_id)
        row.definition, row.version = {**row.definition, "variables": {}}, row.version + 1
    told = await editor.hears("workflow:update")
    assert told["operation"]["type"] == "workflow:replace"
    assert told["operation"]["workflow"]["variables"] == {}
    await editor.done("variable:set", variableId="v", name="limit")
    assert told["version"] == 2


async def test_a_role_taken_away_ends_writing_at_once_and_the_room_soon(
    member: Member, stranger: Member, reader: dict[str, Any], join: Open, settings: Settings
) -> None:
    person = f"/api/workspaces/{member.workspace_id}/members/{stranger.user_id}"
    await member.browser.patch(person, json={"role": "write"})
    app = create_app(settings)
    app.sockets = Sockets(lambda: app.services, sweep_seconds=0.5)  # ten are usual
    async with serving(settings, app) as url:
        editor, other = await join(stranger, url=url, **reader), await join(member, url=url)
        await editor.done("variable:set", variableId="v", value=1)
        await member.browser.delete(person)
        assert await editor.refused("variable:set", variableId="v", value=2) == "NOT_FOUND"
        assert (await editor.hears("workflow:leave"))["reason"] == "denied"
        assert (await other.hears("user:leave"))["userId"] == stranger.user_id
        await other.done("variable:set", variableId="v", value=3)
        assert await editor.heard_nothing("workflow:update")
        for one in (editor, other):
            await one.client.disconnect()


def test_sockets_are_swept_often_enough() -> None:
    """Who lost a role is out within 30 s."""
    assert server._SWEEP_SECONDS * 2 < 30


async def test_the_example_of_the_reference_works_without_an_operation_id(
    member: Member, join: Open
) -> None:
    sender, other = await join(member), await join(member)
    await sender.done("block:update", blockId="t", changes={"name": "New Name"})
    told = await other.hears("block:update")
    assert told["changes"] == {"name": "New Name"}
    assert told["operationId"]
