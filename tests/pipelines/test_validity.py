"""What is refused, and that the sentence names the block."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import ValidationFailed
from pipelines.validity import check, require_valid
from pipelines.workflow import parse
from tests.pipelines.shapes import block, definition

_CASES = [{"id": "a", "title": "a", "value": "true"}]

REFUSED: dict[str, tuple[dict[str, Any], str, str]] = {
    "cycle": (definition([block("a"), block("b")], "s>a a>b b>a"), "cycle", '"a"'),
    "self-cycle": (definition([block("a")], "s>a a>a"), "cycle", '"a"'),
    "unknown type": (definition([block("a", "teleport")], "s>a"), "unknown_block_type", '"a"'),
    "dangling edge": (definition([block("a")], "s>a a>ghost"), "dangling_edge", '"a"'),
    "dangling source": (definition([block("a")], "ghost>a"), "dangling_edge", '"a"'),
    "unknown name": (
        definition([block("a", template="<ghost.text>")], "s>a"),
        "unresolvable_reference",
        '"a"',
    ),
    "unknown output": (
        definition([block("a"), block("b", template="<a.texd>")], "s>a a>b"),
        "unresolvable_reference",
        '"b"',
    ),
    "unknown variable": (
        definition([block("a", template="<variable.x>")], "s>a"),
        "unresolvable_reference",
        '"a"',
    ),
    "loop outside": (
        definition([block("a", template="<loop.index>")], "s>a"),
        "unresolvable_reference",
        '"a"',
    ),
    "reference in an expression": (
        definition(
            [block("a", "condition", conditions=[{"id": "x", "value": "<gone.y> == 1"}])], "s>a"
        ),
        "unresolvable_reference",
        '"a"',
    ),
    "bad handle": (definition([block("a"), block("b")], "s>a a:router-x>b"), "bad_handle", '"a"'),
    "bad condition handle": (
        definition([block("a", "condition", conditions=_CASES), block("b")], "s>a a:condition-b>b"),
        "bad_handle",
        '"a"',
    ),
    "same name": (
        definition([block("a"), {**block("b"), "name": " A "}], "s>a s>b"),
        "duplicate_name",
        '"a"',
    ),
    "reserved name": (
        definition([{**block("a"), "name": "Variable"}], "s>a"),
        "reserved_name",
        '"Variable"',
    ),
    "edge into the start": (definition([block("a")], "s>a a>s"), "edge_into_start", '"s"'),
    "id differs from key": (
        {"blocks": {"k": block("a")}, "edges": []},
        "id_mismatch",
        '"a"',
    ),
    "missing setting": (
        definition([block("a", template="")], "s>a"),
        "setting",
        '"a": the setting template',
    ),
    "wrong type of setting": (
        definition([block("a", "response", status="many")], "s>a"),
        "setting",
        '"a": status',
    ),
    "unsafe header": (
        definition([block("a", "response", headers={"Set-Cookie": "x=1"})], "s>a"),
        "setting",
        '"a": headers',
    ),
    "bad expression": (
        definition([block("a", "condition", conditions=[{"id": "x", "value": "1 +"}])], "s>a"),
        "setting",
        '"a": condition x',
    ),
    "reference to what comes later": (
        definition([block("a", template="<b.text>"), block("b")], "s>a a>b"),
        "reference_not_upstream",
        '"a"',
    ),
    "two starts": (
        definition([block("s", "start"), block("t", "start")], ""),
        "start",
        '"s" and Block "t"',
    ),
    "no start": ({"blocks": {"a": block("a")}, "edges": []}, "start", "exactly one start"),
    "disabled start": (
        definition([block("s", "start", _enabled=False)], ""),
        "start",
        '"s" is disabled',
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_with_a_sentence_that_names_the_block(name: str) -> None:
    raw, code, named = REFUSED[name]
    with pytest.raises(ValidationFailed) as caught:
        require_valid(parse(raw), runnable=True)
    assert named in caught.value.message
    first = caught.value.details["issues"][0]
    assert first["code"] == code
    assert first["path"].split(".")[0] in ("blocks", "edges")


@pytest.mark.parametrize("name", ["missing setting", "no start", "reference to what comes later"])
def test_a_draft_may_be_unfinished(name: str) -> None:
    assert check(parse(REFUSED[name][0]), runnable=False) == []


def test_a_cycle_inside_a_loop_is_no_cycle() -> None:
    raw = definition(
        [block("a"), block("b")],
        "a>b b>a",
        loops={"l": {"id": "l", "nodes": ["a", "b"], "loopType": "for"}},
    )
    assert "cycle" not in {item["code"] for item in check(parse(raw), runnable=False)}


def test_a_cycle_through_a_loop_is_one() -> None:
    raw = definition(
        [block("a"), block("b"), block("c")],
        "a>b b>c c>a",
        loops={"l": {"id": "l", "nodes": ["a", "b"], "loopType": "for"}},
    )
    assert "cycle" in {item["code"] for item in check(parse(raw), runnable=False)}


def test_a_wrong_field_names_the_block_it_is_in() -> None:
    raw = definition([block("Writer", _retry={"maxTries": 99})], "s>Writer")
    with pytest.raises(ValidationFailed, match=r'Block "Writer", retry\.maxTries') as caught:
        parse(raw)
    assert caught.value.details["issues"][0]["path"] == "blocks.Writer.retry.maxTries"


def test_fields_that_we_do_not_know_come_back_as_they_were() -> None:
    raw = definition([block("a", _height=114, _data={"parentId": None, "extent": "x"})], "s>a")
    raw["metadata"] = {"from": "elsewhere"}
    raw["edges"][0]["type"] = "default"
    wire = parse(raw).wire()
    assert wire["metadata"] == {"from": "elsewhere"}
    blocks = wire["blocks"]
    assert isinstance(blocks, dict)
    kept = blocks["a"]
    assert isinstance(kept, dict)
    assert kept["height"] == 114
    assert kept["data"] == {"parentId": None, "extent": "x"}
    assert "retry" not in kept
    assert parse(wire).wire() == wire
