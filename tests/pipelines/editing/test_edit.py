"""One path: checked, versioned, logged, not twice."""

from __future__ import annotations

import asyncio
from functools import partial

import pytest

from core.errors import Conflict, NotFound, ValidationFailed
from core.services import Services
from pipelines.editing import operations
from pipelines.editing.edit import Asked, Edited, Editor, edit
from pipelines.editing.patch import Content, patched, same
from tests.conftest import Owner
from tests.pipelines.editing.conftest import Apply, stored


def _set(value: int) -> object:
    return partial(operations.set_variable, variable_id="v", fields={"value": value})


async def test_an_edit_counts_and_can_be_taken_back(
    apply: Apply, services: Services, owner: Owner, workflow_id: str
) -> None:
    before, version = await stored(services, owner, workflow_id)
    edited = await apply(_set(7))
    after, now = await stored(services, owner, workflow_id)
    assert (now, edited.version) == (version + 1, version + 1)
    assert same(after, patched(before, edited.operation["patch"]))
    back = await apply(partial(patched, steps=edited.inverse))
    assert same((await stored(services, owner, workflow_id))[0], before)
    assert back.version == version + 2


async def test_an_id_seen_before_is_not_applied_twice(
    apply: Apply, services: Services, owner: Owner, workflow_id: str
) -> None:
    first = await apply(_set(7), operation_id="one")
    await apply(_set(8), operation_id="two")
    again = await apply(_set(7), operation_id="one")
    assert again == Edited(first.version, "one", first.operation, first.inverse, is_repeat=True)
    content, version = await stored(services, owner, workflow_id)
    assert (content["variables"]["v"]["value"], version) == (8, first.version + 1)


async def test_an_id_of_another_edit_is_a_conflict_and_drops_nothing_silently(
    services: Services, owner: Owner, workflow_id: str
) -> None:
    async def one(kind: str, user_id: str, value: int) -> Edited:
        asked = Asked({"type": kind}, Editor(user_id), "one")
        async with services.store.unit(owner.workspace_id) as unit:
            return await edit(services, unit, workflow_id, asked, _set(value))

    await one("variable:set", owner.user_id, 7)
    for kind, user_id in (("variable:set", "usr_other"), ("block:update", owner.user_id)):
        with pytest.raises(Conflict, match="operationId"):
            await one(kind, user_id, 8)
    assert (await one("variable:set", owner.user_id, 7)).is_repeat


async def test_what_was_refused_may_be_sent_again(apply: Apply) -> None:
    with pytest.raises(ValidationFailed):
        await apply(partial(operations.delete_block, block_id="t"), operation_id="one")
    assert not (await apply(_set(7), operation_id="one")).is_repeat


async def test_a_version_that_has_passed_is_a_conflict(
    apply: Apply, services: Services, owner: Owner, workflow_id: str
) -> None:
    await apply(_set(7), expected_version=1)
    with pytest.raises(Conflict) as refused:
        await apply(_set(8), expected_version=1)
    assert refused.value.details == {"version": 2}
    assert (await stored(services, owner, workflow_id))[0]["variables"]["v"]["value"] == 7


async def test_edits_at_once_are_one_after_the_other(
    apply: Apply, services: Services, owner: Owner, workflow_id: str
) -> None:
    def one_more(content: Content) -> Content:
        value = content["variables"]["v"]["value"] + 1
        return operations.set_variable(content, "v", {"value": value})

    edits = await asyncio.gather(*(apply(one_more) for _ in range(30)))
    content, version = await stored(services, owner, workflow_id)
    assert (content["variables"]["v"]["value"], version) == (33, 31)
    assert sorted(e.version for e in edits) == list(range(2, 32))
    async with services.store.unit(owner.workspace_id) as unit:
        log = await unit.workflow_operations.after(workflow_id, 0, 100)
    values = [entry.operation["patch"][0]["value"]["value"] for entry in log]
    assert values == list(range(4, 34))


async def test_another_tenants_workflow_is_not_there(
    services: Services, make_owner, workflow_id: str
) -> None:
    other = await make_owner()
    async with services.store.unit(other.workspace_id) as unit:
        with pytest.raises(NotFound):
            asked = Asked({"type": "test"}, Editor(other.user_id))
            await edit(services, unit, workflow_id, asked, _set(1))
