from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import ValidationFailed
from pipelines.editing.patch import by_id, difference, patched, same

_VALUES = st.one_of(st.none(), st.booleans(), st.integers(0, 2), st.text(max_size=2))
_BLOCKS = st.dictionaries(
    st.sampled_from("abc"),
    st.fixed_dictionaries(
        {"name": _VALUES, "subBlocks": st.dictionaries(st.sampled_from("xyz"), _VALUES)},
        optional={"data": st.dictionaries(st.sampled_from("pq"), _VALUES)},
    ),
)
_EDGES = st.lists(st.sampled_from("efg"), unique=True).flatmap(
    lambda ids: st.tuples(*(st.fixed_dictionaries({"id": st.just(i), "to": _VALUES}) for i in ids))
)
_CONTENTS = st.fixed_dictionaries(
    {
        "name": st.text(max_size=2),
        "description": st.none() | st.text(max_size=2),
        "blocks": _BLOCKS,
        "edges": _EDGES.map(list),
        "loops": st.dictionaries(st.sampled_from("ab"), _VALUES),
        "parallels": st.just({}),
        "variables": st.dictionaries(st.sampled_from("ab"), _VALUES),
    }
)


def _keyed(content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "edges": by_id(content, "edges")}


@given(_CONTENTS, _CONTENTS)
def test_the_difference_leads_there_and_back(one: dict[str, Any], other: dict[str, Any]) -> None:
    kept = copy.deepcopy(one)
    there = patched(one, difference(one, other))
    assert same(_keyed(there), _keyed(other))
    assert same(_keyed(patched(there, difference(other, one))), _keyed(one))
    assert one == kept


def test_it_names_what_changed_and_no_more(content: dict[str, Any]) -> None:
    after = copy.deepcopy(content)
    after["blocks"]["t"]["subBlocks"]["template"]["value"] = "Hi"
    after["edges"].pop()
    setting = after["blocks"]["t"]["subBlocks"]["template"]
    assert difference(content, after) == [
        {"op": "set", "path": ["blocks", "t", "subBlocks", "template"], "value": setting},
        {"op": "remove", "path": ["edges", "e2"]},
    ]


@pytest.mark.parametrize(("one", "other"), [(1, True), (0, False), ([1], [True]), (None, False)])
def test_true_is_not_one(one: Any, other: Any) -> None:
    assert not same({"a": one}, {"a": other})
    assert same(1, 1.0)


@pytest.mark.parametrize(
    "path",
    [[], ["blocks"], ["other", "a"], ["edges", "e1", "source"], ["name", "x"],
     ["blocks", "t", "subBlocks", "template", "value"], ["blocks", "none", "name"],
     ["blocks", "t", "name", "x"]],
)  # fmt: skip
def test_a_step_to_no_place_is_refused(path: list[str], content: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        patched(content, [{"op": "set", "path": path, "value": 1}])


def test_what_is_not_there_cannot_be_removed(content: dict[str, Any]) -> None:
    with pytest.raises(ValidationFailed):
        patched(content, [{"op": "remove", "path": ["variables", "none"]}])
