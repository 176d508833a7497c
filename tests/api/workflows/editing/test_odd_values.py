"""Values that some client cannot hold: of numbers and depths."""

from __future__ import annotations

from typing import Any

import pytest

from pipelines.editing.patch import same
from tests.api.conftest import Member
from tests.api.workflows.editing.conftest import Open
from tests.api.workflows.editing.test_sharing import Shared


def _nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value", [2**53 + 1, -(2**64), 2**70, 1e30, {"deep": [2**70]}, _nested(90)]
)
async def test_what_javascript_holds_reaches_editors_and_documents(
    value: Any, member: Member, join: Open
) -> None:
    sender, other = await join(member), Shared(await join(member))
    await other.sync()
    await sender.done("variable:set", variableId="v", value=value)
    told = await other.editor.hears("variable:set")
    assert same(told["variable"]["value"], value)
    await other.agrees(member)
    assert (await other.change("variables", "w", {"id": "w", "name": "x", "value": 1}))["ok"]
    await other.agrees(member)


@pytest.mark.parametrize("value", [10**400, [{"a": -(10**309)}], _nested(120), _nested(190)])
async def test_what_no_document_holds_is_refused_and_the_room_goes_on(
    value: Any, member: Member, join: Open
) -> None:
    sender, other = await join(member), Shared(await join(member))
    await other.sync()
    sent = {"blockId": "t", "subblockId": "template", "value": value}
    assert await sender.refused("subblock:update", **sent) == "VALIDATION_ERROR"
    made = {"name": "n", "variables": {"v": {"id": "v", "name": "a", "value": value}}}
    assert (await member.browser.post("/api/workflows", json=made)).status_code == 400
    path = f"/api/workflows/{sender.workflow_id}"
    assert (await member.browser.patch(path, json=made)).status_code == 400
    await sender.done("variable:set", variableId="v", value="9" * 400)
    assert (await other.editor.hears("workflow:update"))["version"] == 2
    await other.agrees(member)
