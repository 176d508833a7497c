"""One table of workflow shapes: what runs, what is skipped, what each block brings forth."""

from __future__ import annotations

from typing import Any

import pytest

from tests.pipelines.shapes import block, definition, play

Shape = tuple[dict[str, Any], Any, dict[str, str], Any]


def _condition(name: str, *cases: tuple[str, str]) -> dict[str, Any]:
    conditions = [{"id": case, "title": case, "value": value} for case, value in cases]
    return block(name, "condition", conditions=conditions)


_CHECK = _condition("check", ("big", "<start.n> > 10"))

SHAPES: dict[str, Shape] = {
    "start alone": (
        definition([], ""),
        {"n": 1},
        {"s": "success"},
        {"input": {"n": 1}, "n": 1},
    ),
    "ten in a row": (
        definition(
            [
                block(f"b{i}", template=f"<{'start.x' if i == 0 else f'b{i - 1}.text'}>{i}")
                for i in range(10)
            ],
            "s>b0 " + " ".join(f"b{i}>b{i + 1}" for i in range(9)),
        ),
        {"x": "-"},
        {"s": "success", **{f"b{i}": "success" for i in range(10)}},
        {"text": "-0123456789"},
    ),
    "diamond": (
        definition(
            [block("l"), block("r"), block("j", template="<l.text>+<r.text>")],
            "s>l s>r l>j r>j",
        ),
        None,
        {"s": "success", "l": "success", "r": "success", "j": "success"},
        {"text": "l+r"},
    ),
    "branch not taken is skipped": (
        definition(
            [_CHECK, block("yes"), block("no")],
            "s>check check:condition-big>yes check:condition-else>no",
        ),
        {"n": 11},
        {"s": "success", "check": "success", "yes": "success", "no": "skipped"},
        {"text": "yes"},
    ),
    "join after skip": (
        definition(
            [_CHECK, block("yes"), block("no"), block("j", template="[<yes.text>|<no.text>]")],
            "s>check check:condition-big>yes check:condition-else>no yes>j no>j",
        ),
        {"n": 1},
        {"s": "success", "check": "success", "yes": "skipped", "no": "success", "j": "success"},
        {"text": "[|no]"},
    ),
    "skip runs down a whole branch": (
        definition(
            [_CHECK, block("y1"), block("y2"), block("y3"), block("no")],
            "s>check check:condition-big>y1 y1>y2 y2>y3 check:condition-else>no",
        ),
        {"n": 1},
        {
            "s": "success",
            "check": "success",
            "no": "success",
            "y1": "skipped",
            "y2": "skipped",
            "y3": "skipped",
        },
        {"text": "no"},
    ),
    "nested conditions": (
        definition(
            [
                _condition("c1", ("a", "<start.n> > 0")),
                _condition("c2", ("b", "<start.n> > 100"), ("c", "<start.n> > 10")),
                block("neg"),
                block("huge"),
                block("mid"),
                block("low"),
            ],
            "s>c1 c1:condition-a>c2 c1:condition-else>neg c2:condition-b>huge "
            "c2:condition-c>mid c2:condition-else>low",
        ),
        {"n": 50},
        {
            "s": "success",
            "c1": "success",
            "c2": "success",
            "mid": "success",
            "neg": "skipped",
            "huge": "skipped",
            "low": "skipped",
        },
        {"text": "mid"},
    ),
    "two handles of one condition to one block": (
        definition([_CHECK, block("j")], "s>check check:condition-big>j check:condition-else>j"),
        {"n": 1},
        {"s": "success", "check": "success", "j": "success"},
        {"text": "j"},
    ),
    "error handle": (
        definition(
            [
                _condition("c", ("x", "<start.n> > 'a' + 1 - 1")),
                block("ok"),
                block("rescue", template="caught: <c.error>"),
            ],
            "s>c c:condition-x>ok c:error>rescue",
        ),
        {"n": 1},
        {"s": "success", "c": "error", "ok": "skipped", "rescue": "success"},
        {"text": "caught: - needs numbers, not text and number; use number(…)."},
    ),
    "fan-out of twenty and their join": (
        definition(
            [block(f"f{i}") for i in range(20)]
            + [block("j", template="".join(f"<f{i}.text>" for i in range(20)))],
            " ".join(f"s>f{i} f{i}>j" for i in range(20)),
        ),
        None,
        {"s": "success", "j": "success", **{f"f{i}": "success" for i in range(20)}},
        {"text": "".join(f"f{i}" for i in range(20))},
    ),
    "disabled block lets the run through": (
        definition(
            [block("off", _enabled=False), block("after", template="[<off.text>]")],
            "s>off off>after",
        ),
        None,
        {"s": "success", "off": "skipped", "after": "success"},
        {"text": "[]"},
    ),
    "disabled condition skips its branches": (
        definition(
            [{**_CHECK, "enabled": False}, block("yes"), block("no"), block("side")],
            "s>check s>side check:condition-big>yes check:condition-else>no",
        ),
        {"n": 1},
        {"s": "success", "check": "skipped", "yes": "skipped", "no": "skipped", "side": "success"},
        {"text": "side"},
    ),
    "what the start does not reach does not run": (
        definition([block("a"), block("island"), block("beach")], "s>a island>beach"),
        None,
        {"s": "success", "a": "success"},
        {"text": "a"},
    ),
    "several ends": (
        definition([block("a"), block("b")], "s>a s>b"),
        None,
        {"s": "success", "a": "success", "b": "success"},
        {"a": {"text": "a"}, "b": {"text": "b"}},
    ),
    "response": (
        definition(
            [
                block("a"),
                block("r", "response", status=201, data={"said": "<a.text>"}),
                block("late"),
            ],
            "s>a a>r r>late",
        ),
        None,
        {"s": "success", "a": "success", "r": "success", "late": "success"},
        {"data": {"said": "a"}, "status": 201, "headers": {}},
    ),
    "variables": (
        definition(
            [
                block("v", "variables", assignments=[{"name": "x", "value": "<variable.x>!"}]),
                block("t", template="<variable.x> <variable.y>"),
            ],
            "s>v v>t",
            variables={
                "1": {"id": "1", "name": "x", "value": "hi"},
                "2": {"id": "2", "name": "y", "value": 7},
            },
        ),
        None,
        {"s": "success", "v": "success", "t": "success"},
        {"text": "hi! 7"},
    ),
}


@pytest.mark.parametrize("name", SHAPES)
async def test_shape(name: str) -> None:
    raw, given, statuses, output = SHAPES[name]
    played = await play(raw, given)
    assert played.statuses == statuses
    assert played.result is not None
    assert played.result.output == output


@pytest.mark.parametrize("name", SHAPES)
async def test_every_block_ends_once_and_after_those_before_it(name: str) -> None:
    raw, given, *_ = SHAPES[name]
    played = await play(raw, given)
    ended = [record.block_id for record in played.journal.records]
    assert len(ended) == len(set(ended))
    for edge in raw["edges"]:
        if edge["target"] in ended:
            assert ended.index(edge["source"]) < ended.index(edge["target"])


@pytest.mark.parametrize("name", SHAPES)
async def test_replay_runs_nothing_again_and_answers_the_same(name: str) -> None:
    raw, given, _, output = SHAPES[name]
    first = await play(raw, given)
    count = len(first.journal.records)
    again = await play(raw, given, journal=first.journal)
    assert len(again.journal.records) == count
    assert again.events == []
    assert again.result is not None
    assert again.result.output == output
