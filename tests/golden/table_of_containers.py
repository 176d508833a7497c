"""Shapes of levels in levels: loops, parallels, and both in each other."""

from __future__ import annotations

from typing import Any

from tests.golden.shape import FAILING, Shape, condition
from tests.pipelines.shapes import block, definition, loop, parallel


def _texts(*texts: str) -> dict[str, Any]:
    return {"results": [{"text": text} for text in texts], "count": len(texts)}


CONTAINERS: dict[str, Shape] = {
    "loop for": Shape(
        definition(
            [block("a", template="<loop.index>")], "s>l", loops=loop("l", "a", iterations=3)
        ),
        None,
        "s+ a+ l+",
        _texts("0", "1", "2"),
    ),
    "loop for nothing": Shape(
        definition([block("a")], "s>l", loops=loop("l", "a", iterations="<start.n>")),
        {"n": 0},
        "s+ l+",
        _texts(),
    ),
    "loop forEach by its handles": Shape(
        definition(
            [block("a", template="<loop.currentItem>!"), block("z", template="<l.count>")],
            "s>l l:loop-start-source>a l:loop-end-source>z",
            loops=loop("l", "a", loopType="forEach", forEachItems="<start.items>"),
        ),
        {"items": ["x", "y"]},
        "s+ a+ l+ z+",
        {"text": "2"},
    ),
    "loop while": Shape(
        definition(
            [block("a", template="<a.text>.")],
            "s>l",
            loops=loop("l", "a", loopType="while", whileCondition="length(<a.text>) < 3"),
        ),
        None,
        "s+ a+ l+",
        _texts(".", "..", "..."),
    ),
    "loop with a branch inside": Shape(
        definition(
            [
                condition("c", ("odd", "<loop.index> % 2 == 1")),
                block("o", template="odd"),
                block("e", template="even"),
                block("j", template="<o.text><e.text>"),
            ],
            "s>l c:condition-odd>o c:condition-else>e o>j e>j",
            loops=loop("l", "c o e j", iterations=3),
        ),
        None,
        "s+ c+ o- e+ j+ l+",
        _texts("even", "odd", "even"),
    ),
    "loop with a diamond inside": Shape(
        definition(
            [block("a"), block("l1"), block("r1"), block("j", template="<l1.text><r1.text>")],
            "s>l a>l1 a>r1 l1>j r1>j",
            loops=loop("l", "a l1 r1 j", iterations=2),
        ),
        None,
        "s+ a+ l1+ r1+ j+ l+",
        _texts("l1r1", "l1r1"),
    ),
    "loop with an edge back": Shape(
        definition(
            [block("a", template="<b.text>a"), block("b", template="<a.text>b")],
            "s>l l:loop-start-source>a a>b b>a",
            loops=loop("l", "a b", iterations=2),
        ),
        None,
        "s+ a+ b+ l+",
        _texts("ab", "abab"),
    ),
    "loop whose error is handled inside": Shape(
        definition(
            [condition("c", ("x", "1 / <loop.index>")), block("r", template="r"), block("k")],
            "s>l c:error>r c:condition-x>k",
            loops=loop("l", "c r k", iterations=2),
        ),
        None,
        "s+ c+ r- k+ l+",
        _texts("r", "k"),
    ),
    "loop whose error is handled outside": Shape(
        definition(
            [FAILING, block("r", template="caught")],
            "s>l l:error>r",
            loops=loop("l", "bad", iterations=2),
        ),
        None,
        "s+ bad! l! r+",
        {"text": "caught"},
    ),
    "loop that is disabled": Shape(
        definition(
            [block("l", "loop", _enabled=False), block("a"), block("z")],
            "s>l l>z",
            loops=loop("l", "a", iterations=2),
        ),
        None,
        "s+ l- z+",
        {"text": "z"},
    ),
    "loop in a branch that is skipped": Shape(
        definition(
            [condition("c", ("x", "false")), block("a"), block("z")],
            "s>c c:condition-x>l l>z c:condition-else>z",
            loops=loop("l", "a", iterations=2),
        ),
        None,
        "s+ c+ l- z+",
        {"text": "z"},
    ),
    "loop over variables": Shape(
        definition(
            [
                block("v", "variables", assignments=[{"name": "x", "value": "<variable.x>+"}]),
                block("z", template="<variable.x>"),
            ],
            "s>l l>z",
            loops=loop("l", "v", iterations=3),
            variables={"1": {"id": "1", "name": "x", "value": ""}},
        ),
        None,
        "s+ v+ l+ z+",
        {"text": "+++"},
    ),
    "loop in a loop": Shape(
        definition(
            [block("a", template="<loop.index>")],
            "s>o o:loop-start-source>i",
            loops=loop("o", "i", iterations=2) | loop("i", "a", iterations=2),
        ),
        None,
        "s+ a+ i+ o+",
        {"results": [_texts("0", "1"), _texts("0", "1")], "count": 2},
    ),
    "parallel count": Shape(
        definition(
            [block("a", template="<parallel.index>")],
            "s>p",
            parallels=parallel("p", "a", count=4, batchSize=2),
        ),
        None,
        "s+ a+ p+",
        _texts("0", "1", "2", "3"),
    ),
    "parallel collection by its handles": Shape(
        definition(
            [
                block("a", template="<parallel.currentItem>"),
                block("b", template="<a.text>!"),
                block("z", template="<p.results>"),
            ],
            "s>p p:parallel-start-source>a a>b p:parallel-end-source>z",
            parallels=parallel("p", "a b", parallelType="collection", distribution=["x", "y"]),
        ),
        None,
        "s+ a+ b+ p+ z+",
        {"text": '[{"text": "x!"}, {"text": "y!"}]'},
    ),
    "parallel of nothing": Shape(
        definition(
            [block("a")],
            "s>p",
            parallels=parallel("p", "a", parallelType="collection", distribution="<start.items>"),
        ),
        {"items": []},
        "s+ p+",
        _texts(),
    ),
    "parallel whose error is handled outside": Shape(
        definition(
            [FAILING, block("r", template="caught")],
            "s>p p:error>r",
            parallels=parallel("p", "bad", count=1),
        ),
        None,
        "s+ bad! p! r+",
        {"text": "caught"},
    ),
    "parallel in a loop": Shape(
        definition(
            [block("a", template="<loop.index><parallel.index>")],
            "s>l",
            loops=loop("l", "p", iterations=2),
            parallels=parallel("p", "a", count=2),
        ),
        None,
        "s+ a+ p+ l+",
        {"results": [_texts("00", "01"), _texts("10", "11")], "count": 2},
    ),
    "loop in a parallel": Shape(
        definition(
            [block("a", template="<parallel.index><loop.index>")],
            "s>p",
            loops=loop("l", "a", iterations=2),
            parallels=parallel("p", "l", count=2),
        ),
        None,
        "s+ a+ l+ p+",
        {"results": [_texts("00", "01"), _texts("10", "11")], "count": 2},
    ),
    "two loops one after the other": Shape(
        definition(
            [block("a", template="<loop.index>"), block("b", template="<l.count><loop.index>")],
            "s>l l>m",
            loops=loop("l", "a", iterations=2) | loop("m", "b", iterations=2),
        ),
        None,
        "s+ a+ l+ b+ m+",
        _texts("20", "21"),
    ),
}
