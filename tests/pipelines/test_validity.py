"""What is refused, and that the sentence names the block."""

from __future__ import annotations

from typing import Any

import pytest

from core.errors import ValidationFailed
from pipelines.validity import check, require_valid
from pipelines.workflow import parse
from tests.pipelines.shapes import block, definition, loop, parallel

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
    "a name that no reference spells": (
        definition([{**block("x"), "name": "Q & A"}, block("a", template="<q&a.text>")], "s>x x>a"),
        "unresolvable_reference",
        '"a"',
    ),
    "a name with a dot": (
        definition([{**block("x"), "name": "v1.2"}, block("a", template="<v1.2.text>")], "s>x x>a"),
        "unresolvable_reference",
        '"a"',
    ),
    "a reference with blanks": (
        definition(
            [{**block("x"), "name": "My X"}, block("a", template="! <My X.text>")], "s>x x>a"
        ),
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


def test_an_edge_back_to_where_a_loop_begins_is_no_cycle() -> None:
    raw = definition([block("a"), block("b")], "s>l a>b b>a", loops=loop("l", "a b", iterations=2))
    assert check(parse(raw), runnable=True) == []


def test_any_other_cycle_inside_a_loop_is_one() -> None:
    raw = definition(
        [block("a"), block("b"), block("c")],
        "s>l a>b b>c c>b",
        loops=loop("l", "a b c", iterations=2),
    )
    assert {item["code"] for item in check(parse(raw), runnable=False)} == {"cycle"}


def _in(kind: str = "template", /, **fields: Any) -> dict[str, Any]:
    return block("a", kind, **fields)


ONCE = loop("l", "a", iterations=1)
CONTAINERS: dict[str, tuple[dict[str, Any], str, str]] = {
    "in nothing": (definition([_in(_data={"parentId": "l"})], ""), "unknown_container", '"a"'),
    "in an entry without a block": (
        {"blocks": {"s": block("s", "start"), "a": _in()}, "loops": loop("l", "a")},
        "unknown_container",
        '"a"',
    ),
    "in itself": (
        definition([], "s>l", loops=loop("l", "m") | loop("m", "l")),
        "container_cycle",
        '"l"',
    ),
    "edge out of the inside": (
        definition([_in(), block("z")], "s>l a>z", loops=loop("l", "a")),
        "edge_crosses_container",
        '"a" leads by source to Block "z"',
    ),
    "edge into the inside": (
        definition([_in()], "s>a", loops=loop("l", "a")),
        "edge_crosses_container",
        '"s" leads by source to Block "a"',
    ),
    "start handle to the outside": (
        definition([_in(), block("z")], "s>l l:loop-start-source>z", loops=loop("l", "a")),
        "edge_crosses_container",
        '"l" leads by loop-start-source to Block "z", but',
    ),
    "a parallel's handle of a loop": (
        definition([_in()], "s>l l:parallel-start-source>a", loops=loop("l", "a")),
        "bad_handle",
        '"l"',
    ),
    "no entry": (definition([block("l", "loop")], "s>l"), "container_entry", '"l"'),
    "entry of the other kind": (
        definition([block("l", "loop"), _in()], "s>l", parallels=parallel("l", "a", count=1)),
        "container_entry",
        '"l"',
    ),
    "nothing inside": (
        definition([_in(_enabled=False)], "s>l", loops=ONCE),
        "container_empty",
        '"l"',
    ),
    "no count": (definition([_in()], "s>l", loops=loop("l", "a")), "setting", '"l"'),
    "too many": (
        definition([_in()], "s>l", loops=loop("l", "a", iterations=10_001)),
        "setting",
        '"l"',
    ),
    "unknown type": (
        definition([_in()], "s>l", loops=loop("l", "a", loopType="until", iterations=1)),
        "setting",
        '"l"',
    ),
    "a text for items": (
        definition([_in()], "s>l", loops=loop("l", "a", loopType="forEach", forEachItems="abc")),
        "setting",
        '"l"',
    ),
    "a condition that cannot be read": (
        definition([_in()], "s>l", loops=loop("l", "a", loopType="while", whileCondition="1 +")),
        "setting",
        '"l"',
    ),
    "too many at once": (
        definition([_in()], "s>p", parallels=parallel("p", "a", count=1, batchSize=1000)),
        "setting",
        '"p"',
    ),
    "retry of a whole": (
        definition(
            [block("l", "loop", _retry={"maxTries": 2}), _in()],
            "s>l",
            loops=ONCE,
        ),
        "container_retry",
        '"l"',
    ),
    "a response inside": (
        definition([_in("response")], "s>l", loops=ONCE),
        "not_inside",
        '"a"',
    ),
    "reference into the inside": (
        definition([_in(), block("z", template="<a.text>")], "s>l l>z", loops=ONCE),
        "reference_not_upstream",
        '"z" refers to <a.text>, but Block "a" stands inside',
    ),
    "reference to the loop around": (
        definition([_in(template="<l.results>")], "s>l", loops=ONCE),
        "reference_not_upstream",
        '"a"',
    ),
    "loop's binding outside": (
        definition(
            [_in(), block("z", template="<loop.index>")],
            "s>l l>z",
            loops=ONCE,
        ),
        "unresolvable_reference",
        '"z" refers to <loop.index>',
    ),
    "what comes later in a parallel": (
        definition(
            [_in(template="<b.text>"), block("b")],
            "s>p a>b",
            parallels=parallel("p", "a b", count=1),
        ),
        "reference_not_upstream",
        '"a"',
    ),
}


@pytest.mark.parametrize("name", CONTAINERS)
def test_containers_refused_with_a_sentence_that_names_the_block(name: str) -> None:
    raw, code, named = CONTAINERS[name]
    with pytest.raises(ValidationFailed) as caught:
        require_valid(parse(raw), runnable=True)
    assert named in caught.value.message
    assert caught.value.details["issues"][0]["code"] == code


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
