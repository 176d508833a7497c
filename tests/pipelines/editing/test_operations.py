from __future__ import annotations

from typing import Any

import pytest

from core.errors import Conflict, NotFound, ValidationFailed
from pipelines.editing import operations
from pipelines.editing.content import checked
from tests.pipelines.editing.conftest import block


async def test_references_follow_a_new_name(content: dict[str, Any]) -> None:
    after = await checked(operations.update_block(content, "t", {"name": "Warm Welcome"}))
    settings = after["blocks"]["u"]["subBlocks"]["template"]
    assert settings["value"] == "Then: <warmwelcome.text>"
    assert after["blocks"]["t"]["subBlocks"] == content["blocks"]["t"]["subBlocks"]


async def test_a_name_that_no_reference_can_spell_is_for_those_that_none_names(
    content: dict[str, Any],
) -> None:
    with pytest.raises(ValidationFailed):
        operations.update_block(content, "t", {"name": "Why?!"})
    after = await checked(operations.update_block(content, "u", {"name": "Why?!"}))
    assert after["blocks"]["u"]["name"] == "Why?!"


def test_null_clears_and_what_is_not_named_stays(content: dict[str, Any]) -> None:
    after = operations.update_block(content, "t", {"retry": {"maxTries": 2}})
    again = operations.update_block(after, "t", {"retry": None, "enabled": False})
    assert again["blocks"]["t"] == {**content["blocks"]["t"], "enabled": False}


def test_a_block_keeps_its_id(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        operations.update_block(content, "t", {"id": "z"})
    with pytest.raises(Conflict):
        operations.add_block(content, block("t", "wait", "Wait"))


async def test_a_container_goes_with_all_that_is_in_it(content: dict[str, Any]) -> None:
    inner = {**block("i", "template", "Inner", template="x"), "data": {"parentId": "l"}}
    grown = operations.add_block(content, block("l", "loop", "Each"))
    grown = operations.add_block(grown, inner)
    grown["loops"] = {"l": {"id": "l", "nodes": ["i"], "loopType": "for", "iterations": 2}}
    grown["edges"] = [*grown["edges"], {"id": "e3", "source": "u", "target": "l"}]
    after = await checked(operations.delete_block(await checked(grown), "l"))
    assert after == content


async def test_what_others_refer_to_stays(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed, match="greeting"):
        await checked(operations.delete_block(content, "t"))


def test_a_setting_is_set_if_it_is_what_was_expected(content: dict[str, Any]) -> None:
    after = operations.update_sub_block(content, "u", "template", "new", ["Then: <greeting.text>"])
    assert after["blocks"]["u"]["subBlocks"]["template"]["value"] == "new"
    with pytest.raises(Conflict):
        operations.update_sub_block(after, "u", "template", "newer", ["Then: <greeting.text>"])


async def test_variables(content: dict[str, Any]) -> None:
    after = await checked(operations.set_variable(content, "v", {"value": 4}))
    assert after["variables"]["v"] == {"id": "v", "name": "limit", "type": "number", "value": 4}
    assert operations.delete_variable(after, "v")["variables"] == {}
    with pytest.raises(NotFound):
        operations.delete_variable(content, "w")
    with pytest.raises(ValidationFailed):  # one without a name
        await checked(operations.set_variable(content, "w", {"value": 4}))


@pytest.mark.parametrize("value", [float("nan"), "\x00", "\ud800"])
async def test_what_cannot_be_stored_is_refused(value: Any, content: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        await checked(operations.set_variable(content, "v", {"value": value}))
