"""Reading only what an edit changed comes to the same as reading all of it."""

from __future__ import annotations

import copy
import random
from collections.abc import Callable
from typing import Any

import pytest

from core.errors import NuxaError
from pipelines.editing import operations
from pipelines.editing.content import Known, checked, examined
from pipelines.editing.patch import PARTS, Content, difference
from pipelines.editing.recent import RecentWorkflows

_ODD: tuple[Any, ...] = (
    *(None, 0, 1.5, True, "", "x" * 300, "<start.input>", "<gone.text>", "<variable.limit>"),
    *([], {}, {"id": "t"}, float("nan"), "\x00", "\ud800", [[[]]]),
)
_FIELDS = ("name", "type", "position", "enabled", "subBlocks", "data", "timeoutMs", "note", "id")


def _any_edit(chance: random.Random) -> Callable[[Content], Content]:
    """Return an edit that may make sense or not."""
    block, value = chance.choice(("s", "t", "u", "n1", "n2", "gone")), chance.choice(_ODD)
    new = {"id": block, "type": "template", "name": f"Step {chance.randint(1, 3)}"}
    edge = {"id": f"e{chance.randint(1, 4)}", "source": chance.choice("stu"), "target": block}
    field, setting = chance.choice(_FIELDS), chance.choice(("template", "inputFormat", "other"))
    moved = {"position": {"x": chance.randint(0, 9), "y": value}}
    variable = {chance.choice(("name", "value", "type")): value}
    part = chance.choice(PARTS)
    return chance.choice(
        (
            lambda c: operations.add_block(c, new, [edge] if chance.random() < 0.5 else []),
            lambda c: operations.update_block(c, block, {field: value}),
            lambda c: operations.update_block(c, block, moved),
            lambda c: operations.update_sub_block(c, block, setting, value, []),
            lambda c: operations.delete_block(c, block),
            lambda c: operations.set_variable(c, chance.choice("vw"), variable),
            lambda c: operations.delete_variable(c, chance.choice("vw")),
            lambda c: operations.replace(c, {"edges": [*c["edges"], edge]}),
            lambda c: operations.replace(c, {part: value}),
            lambda c: operations.replace(c, {chance.choice(("name", "description")): value}),
        )
    )


async def _outcome(work: Any) -> Any:
    try:
        return await work
    except NuxaError as error:
        return type(error), error.message, error.details


async def test_it_is_the_same_as_reading_all(content: dict[str, Any]) -> None:
    chance = random.Random(7)
    known: Known = await examined(content, None)
    taken = refused = 0
    for _ in range(1500):
        try:
            wanted = _any_edit(chance)(known.content)
        except (NuxaError, TypeError, KeyError, AttributeError):
            continue  # no edit at all; sockets answer it before anything is read
        before = copy.deepcopy(known.content)
        whole = await _outcome(checked(copy.deepcopy(wanted)))
        near = await _outcome(examined(wanted, known))
        assert known.content == before, "what was known is never written to"
        if isinstance(near, Known):
            assert near.content == whole
            assert near.definition.wire() == {part: whole[part] for part in PARTS}
            known, taken = near, taken + 1
        else:
            assert near == whole
            refused += 1
    assert taken > 200
    assert refused > 200


async def test_what_an_edit_leaves_stays_the_same_object(content: dict[str, Any]) -> None:
    known = await examined(content, None)
    wanted = operations.update_block(known.content, "t", {"position": {"x": 5, "y": 6}})
    after = await examined(wanted, known)
    assert after.content["blocks"]["s"] is known.content["blocks"]["s"]
    assert after.definition.blocks["s"] is known.definition.blocks["s"]
    assert [step["path"] for step in difference(known.content, after.content)] == [
        ["blocks", "t", "position"]
    ]


@pytest.mark.parametrize("first", [1, 2])
async def test_room_is_made_and_nothing_older_is_kept(first: int, content: dict[str, Any]) -> None:
    known = await examined(content, None)
    recent = RecentWorkflows(most=2 * known.size)
    recent.keep("a", 3, known)
    recent.keep("a", first, known)
    assert recent.get("a") is not None
    assert getattr(recent.get("a"), "version", None) == 3
    recent.keep("b", 1, known)
    recent.keep("c", 1, known)
    assert recent.get("a") is None
    assert recent.get("c") is not None
