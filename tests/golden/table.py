"""Shapes of one level: rows, branches, joins, errors, disabled blocks, ends."""

from __future__ import annotations

from tests.golden.shape import CHECK, FAILING, Shape, condition
from tests.pipelines.shapes import block, definition

LEVELS: dict[str, Shape] = {
    "start alone": Shape(
        definition([], ""),
        {"n": 1},
        "s+",
        {"input": {"n": 1}, "n": 1},
    ),
    "ten in a row": Shape(
        definition(
            [
                block(f"b{i}", template=f"<{'start.x' if i == 0 else f'b{i - 1}.text'}>{i}")
                for i in range(10)
            ],
            "s>b0 " + " ".join(f"b{i}>b{i + 1}" for i in range(9)),
        ),
        {"x": "-"},
        "s+ b0+ b1+ b2+ b3+ b4+ b5+ b6+ b7+ b8+ b9+",
        {"text": "-0123456789"},
    ),
    "diamond": Shape(
        definition(
            [block("l"), block("r"), block("j", template="<l.text>+<r.text>")],
            "s>l s>r l>j r>j",
        ),
        None,
        "s+ l+ r+ j+",
        {"text": "l+r"},
    ),
    "branch not taken is skipped": Shape(
        definition(
            [CHECK, block("yes"), block("no")],
            "s>check check:condition-big>yes check:condition-else>no",
        ),
        {"n": 11},
        "s+ check+ yes+ no-",
        {"text": "yes"},
    ),
    "join after skip": Shape(
        definition(
            [CHECK, block("yes"), block("no"), block("j", template="[<yes.text>|<no.text>]")],
            "s>check check:condition-big>yes check:condition-else>no yes>j no>j",
        ),
        {"n": 1},
        "s+ check+ yes- no+ j+",
        {"text": "[|no]"},
    ),
    "skip runs down a whole branch": Shape(
        definition(
            [CHECK, block("y1"), block("y2"), block("y3"), block("no")],
            "s>check check:condition-big>y1 y1>y2 y2>y3 check:condition-else>no",
        ),
        {"n": 1},
        "s+ check+ no+ y1- y2- y3-",
        {"text": "no"},
    ),
    "nested conditions": Shape(
        definition(
            [
                condition("c1", ("a", "<start.n> > 0")),
                condition("c2", ("b", "<start.n> > 100"), ("c", "<start.n> > 10")),
                block("neg"),
                block("huge"),
                block("mid"),
                block("low"),
            ],
            "s>c1 c1:condition-a>c2 c1:condition-else>neg c2:condition-b>huge "
            "c2:condition-c>mid c2:condition-else>low",
        ),
        {"n": 50},
        "s+ c1+ c2+ mid+ neg- huge- low-",
        {"text": "mid"},
    ),
    "two handles of one condition to one block": Shape(
        definition([CHECK, block("j")], "s>check check:condition-big>j check:condition-else>j"),
        {"n": 1},
        "s+ check+ j+",
        {"text": "j"},
    ),
    "error handle": Shape(
        definition(
            [
                condition("c", ("x", "<start.n> > 'a' + 1 - 1")),
                block("ok"),
                block("rescue", template="caught: <c.error>"),
            ],
            "s>c c:condition-x>ok c:error>rescue",
        ),
        {"n": 1},
        "s+ c! ok- rescue+",
        {"text": "caught: - needs numbers, not text and number; use number(…)."},
    ),
    "fan-out of twenty and their join": Shape(
        definition(
            [block(f"f{i}") for i in range(20)]
            + [block("j", template="".join(f"<f{i}.text>" for i in range(20)))],
            " ".join(f"s>f{i} f{i}>j" for i in range(20)),
        ),
        None,
        "s+ j+ f0+ f1+ f2+ f3+ f4+ f5+ f6+ f7+ f8+ "
        "f9+ f10+ f11+ f12+ f13+ f14+ f15+ f16+ f17+ f18+ f19+",
        {"text": "".join(f"f{i}" for i in range(20))},
    ),
    "disabled block lets the run through": Shape(
        definition(
            [block("off", _enabled=False), block("after", template="[<off.text>]")],
            "s>off off>after",
        ),
        None,
        "s+ off- after+",
        {"text": "[]"},
    ),
    "disabled condition skips its branches": Shape(
        definition(
            [{**CHECK, "enabled": False}, block("yes"), block("no"), block("side")],
            "s>check s>side check:condition-big>yes check:condition-else>no",
        ),
        {"n": 1},
        "s+ check- yes- no- side+",
        {"text": "side"},
    ),
    "what the start does not reach does not run": Shape(
        definition([block("a"), block("island"), block("beach")], "s>a island>beach"),
        None,
        "s+ a+",
        {"text": "a"},
    ),
    "several ends": Shape(
        definition([block("a"), block("b")], "s>a s>b"),
        None,
        "s+ a+ b+",
        {"a": {"text": "a"}, "b": {"text": "b"}},
    ),
    "response": Shape(
        definition(
            [
                block("a"),
                block("r", "response", status=201, data={"said": "<a.text>"}),
                block("late"),
            ],
            "s>a a>r r>late",
        ),
        None,
        "s+ a+ r+ late+",
        {"data": {"said": "a"}, "status": 201, "headers": {}},
    ),
    "variables": Shape(
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
        "s+ v+ t+",
        {"text": "hi! 7"},
    ),
    "join after two skips": Shape(
        definition(
            [
                condition("c", ("a", "<start.n> == 1"), ("b", "<start.n> == 2")),
                block("x"),
                block("y"),
                block("z"),
                block("j", template="<x.text><y.text><z.text>"),
            ],
            "s>c c:condition-a>x c:condition-b>y c:condition-else>z x>j y>j z>j",
        ),
        {"n": 2},
        "s+ c+ x- y+ z- j+",
        {"text": "y"},
    ),
    "join of a branch and what is always there": Shape(
        definition(
            [CHECK, block("yes"), block("side"), block("j", template="<yes.text>|<side.text>")],
            "s>check s>side check:condition-big>yes yes>j side>j",
        ),
        {"n": 1},
        "s+ check+ yes- side+ j+",
        {"text": "|side"},
    ),
    "diamond in a diamond": Shape(
        definition(
            [
                block("a"),
                block("b"),
                block("c", template="<a.text>c"),
                block("d", template="<a.text>d"),
                block("e", template="<c.text><d.text>"),
                block("f", template="<e.text><b.text>"),
            ],
            "s>a s>b a>c a>d c>e d>e e>f b>f",
        ),
        None,
        "s+ a+ b+ c+ d+ e+ f+",
        {"text": "acadb"},
    ),
    "a long and a short way to a join": Shape(
        definition(
            [block("a"), block("b"), block("c"), block("j", template="<c.text><a.text>")],
            "s>a a>b b>c c>j a>j",
        ),
        None,
        "s+ a+ b+ c+ j+",
        {"text": "ca"},
    ),
    "two edges between two blocks": Shape(
        definition([block("a"), block("b")], "s>a a>b a>b"), None, "s+ a+ b+", {"text": "b"}
    ),
    "all branches skipped ends with the condition": Shape(
        definition([CHECK, block("yes")], "s>check check:condition-big>yes"),
        {"n": 1},
        "s+ check+ yes-",
        {
            "conditionResult": False,
            "selectedPath": {"id": "else", "title": "else", "handle": "condition-else"},
        },
    ),
    "three ways of one condition": Shape(
        definition(
            [
                condition("c", ("a", "<start.n> > 9"), ("b", "<start.n> > 4")),
                block("x"),
                block("y"),
            ],
            "s>c c:condition-a>x c:condition-b>y",
        ),
        {"n": 5},
        "s+ c+ x- y+",
        {"text": "y"},
    ),
    "a named else": Shape(
        definition(
            [condition("c", ("a", "false"), ("else", "")), block("x"), block("y")],
            "s>c c:condition-a>x c:condition-else>y",
        ),
        None,
        "s+ c+ x- y+",
        {"text": "y"},
    ),
    "error handle that is not needed": Shape(
        definition([block("a"), block("b"), block("r")], "s>a a>b a:error>r"),
        None,
        "s+ a+ b+ r-",
        {"text": "b"},
    ),
    "error and success meet again": Shape(
        definition(
            [FAILING, block("ok"), block("r"), block("j", template="<ok.text><r.text>")],
            "s>bad bad:condition-x>ok bad:error>r ok>j r>j",
        ),
        None,
        "s+ bad! ok- r+ j+",
        {"text": "r"},
    ),
    "error in an error's branch": Shape(
        definition(
            [FAILING, condition("worse", ("x", "2 / 0")), block("r", template="<worse.error>")],
            "s>bad bad:error>worse worse:error>r",
        ),
        None,
        "s+ bad! worse! r+",
        {"text": "/ divides by zero; test the divisor first."},
    ),
    "two handlers of one error": Shape(
        definition([FAILING, block("a"), block("b")], "s>bad bad:error>a bad:error>b"),
        None,
        "s+ bad! a+ b+",
        {"a": {"text": "a"}, "b": {"text": "b"}},
    ),
    "an error beside what goes well": Shape(
        definition([FAILING, block("a"), block("r")], "s>bad s>a bad:error>r"),
        None,
        "s+ bad! a+ r+",
        {"a": {"text": "a"}, "r": {"text": "r"}},
    ),
    "retry that is not needed": Shape(
        definition([block("a", _retry={"maxTries": 3, "waitMs": 0})], "s>a"),
        None,
        "s+ a+",
        {"text": "a"},
    ),
    "time limit that is not reached": Shape(
        definition([block("a", _timeoutMs=5000)], "s>a"), None, "s+ a+", {"text": "a"}
    ),
    "time limit that is": Shape(
        definition(
            [block("w", "wait", seconds=2, _timeoutMs=20), block("r", template="late")],
            "s>w w:error>r",
        ),
        None,
        "s+ w! r+",
        {"text": "late"},
    ),
    "disabled block in a branch that is skipped": Shape(
        definition(
            [CHECK, block("off", _enabled=False), block("after")],
            "s>check check:condition-big>off off>after",
        ),
        {"n": 1},
        "s+ check+ off- after-",
        {
            "conditionResult": False,
            "selectedPath": {"id": "else", "title": "else", "handle": "condition-else"},
        },
    ),
    "several disabled in a row": Shape(
        definition(
            [block("a", _enabled=False), block("b", _enabled=False), block("c")], "s>a a>b b>c"
        ),
        None,
        "s+ a- b- c+",
        {"text": "c"},
    ),
    "response in one of two branches": Shape(
        definition(
            [CHECK, block("yes", "response", data="big"), block("no", "response", data="small")],
            "s>check check:condition-big>yes check:condition-else>no",
        ),
        {"n": 1},
        "s+ check+ yes- no+",
        {"data": "small", "status": 200, "headers": {}},
    ),
    "response and what runs beside it": Shape(
        definition([block("r", "response", data=1), block("a")], "s>r s>a"),
        None,
        "s+ r+ a+",
        {"data": 1, "status": 200, "headers": {}},
    ),
    "variables set in a branch": Shape(
        definition(
            [
                CHECK,
                block("v", "variables", assignments=[{"name": "x", "value": "set"}]),
                block("j", template="<variable.x>"),
            ],
            "s>check check:condition-big>v check:condition-else>j v>j",
            variables={"1": {"id": "1", "name": "x", "value": "as it was"}},
        ),
        {"n": 1},
        "s+ check+ v- j+",
        {"text": "as it was"},
    ),
    "a block reached twice over one condition": Shape(
        definition(
            [condition("c", ("a", "true")), block("x"), block("j", template="<x.text>")],
            "s>c c:condition-a>x c:condition-a>j x>j",
        ),
        None,
        "s+ c+ x+ j+",
        {"text": "x"},
    ),
}
