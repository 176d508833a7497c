"""Shapes with every kind of block and every handle, over stand-ins at the doors."""

from __future__ import annotations

from tests.golden.doors import SPENT, TOKENS
from tests.golden.shape import Shape
from tests.pipelines.shapes import block, definition, loop, parallel

_ROUTES = [{"id": "one", "title": "One"}, {"id": "two", "title": "Two"}]

BLOCKS: dict[str, Shape] = {
    "agent": Shape(
        definition([block("a", "agent", prompt="<start.q>", model="m/m")], "s>a"),
        {"q": "Hi"},
        "s+ a+",
        {"content": "said: Hi", "toolCalls": [], "citations": [], **SPENT},
    ),
    "agent in a format": Shape(
        definition(
            [
                block(
                    "a",
                    "agent",
                    prompt="x",
                    model="m/m",
                    responseFormat={"type": "object", "properties": {"sum": {"type": "number"}}},
                ),
                block("t", template="<a.sum>"),
            ],
            "s>a a>t",
        ),
        None,
        "s+ a+ t+",
        {"text": "1"},
    ),
    "knowledge": Shape(
        definition(
            [
                block("k", "knowledge", knowledgeBaseId="kb_1", query="<start.q>"),
                block("t", template="<k.results[0].content>"),
            ],
            "s>k k>t",
        ),
        {"q": "noon"},
        "s+ k+ t+",
        {"text": "found: noon"},
    ),
    "router by a model": Shape(
        definition(
            [block("r", "router", prompt="p", model="m/m", routes=_ROUTES), block("x"), block("y")],
            "s>r r:router-one>x r:router-two>y",
        ),
        None,
        "s+ r+ x+ y-",
        {"text": "x"},
    ),
    "api": Shape(
        definition(
            [
                block(
                    "a", "api", url="https://a.example/x", method="POST", body={"q": "<start.q>"}
                ),
                block("t", template="<a.status> <a.data.path>"),
            ],
            "s>a a>t",
        ),
        {"q": 1},
        "s+ a+ t+",
        {"text": "200 /x"},
    ),
    "api that breaks": Shape(
        definition(
            [block("a", "api", url="https://down.example/"), block("r", template="<a.error>")],
            "s>a a:error>r",
        ),
        None,
        "s+ a! r+",
        {"text": "down.example is down."},
    ),
    "function": Shape(
        definition(
            [block("f", "function", code="return <start.n>"), block("t", template="<f.result>")],
            "s>f f>t",
        ),
        {"n": 3},
        "s+ f+ t+",
        {"text": '{"ref_start_n": 3}'},
    ),
    "tool": Shape(
        definition(
            [block("u", "tool", toolName="http_request", params={"url": "<start.u>"})], "s>u"
        ),
        {"u": "https://a.example/"},
        "s+ u+",
        {"called": "http_request", "url": "https://a.example/"},
    ),
    "evaluator by a rule": Shape(
        definition(
            [
                block(
                    "e",
                    "evaluator",
                    content="<start.q>",
                    metrics=[{"name": "long", "expression": "length(<start.q>) > 2"}],
                ),
            ],
            "s>e",
        ),
        {"q": "abc"},
        "s+ e+",
        {"long": 10.0, "reason": "Computed: long = 10."},
    ),
    "evaluator by a model": Shape(
        definition(
            [block("e", "evaluator", content="x", model="m/m", metrics=[{"name": "good"}])], "s>e"
        ),
        None,
        "s+ e+",
        {"good": 10.0, "reason": "because", **SPENT},
    ),
    "guardrails and a condition": Shape(
        definition(
            [
                block("g", "guardrails", content="<start.q>", checks=["json"]),
                block("c", "condition", conditions=[{"id": "ok", "value": "<g.passed>"}]),
                block("y"),
                block("n"),
            ],
            "s>g g>c c:condition-ok>y c:condition-else>n",
        ),
        {"q": "no json"},
        "s+ g+ c+ y- n+",
        {"text": "n"},
    ),
    "webhook": Shape(
        definition([block("w", "webhook", url="https://a.example/", payload={"a": 1})], "s>w"),
        None,
        "s+ w+",
        {"status": 200, "attempts": 1},
    ),
    "workflow": Shape(
        definition(
            [
                block("c", "workflow", workflowId="wf_echo", input={"x": "<start.q>"}),
                block("t", template="<c.output.text>"),
            ],
            "s>c c>t",
        ),
        {"q": "hi"},
        "s+ c+ t+",
        {"text": "hi!"},
    ),
    "workflow in a parallel": Shape(
        definition(
            [block("c", "workflow", workflowId="wf_echo", input={"x": "<parallel.index>"})],
            "s>p",
            parallels=parallel("p", "c", count=2),
        ),
        None,
        "s+ c+ p+",
        {"results": [{"output": {"text": f"{n}!"}} for n in (0, 1)], "count": 2},
    ),
    "wait": Shape(
        definition([block("w", "wait", seconds=0.01), block("z")], "s>w w>z"),
        None,
        "s+ w+ z+",
        {"text": "z"},
    ),
    "a person is asked": Shape(
        definition(
            [block("ask", "humanInTheLoop", message="?"), block("z", template="<ask.ok>")],
            "s>ask ask>z",
        ),
        None,
        "s+ ask+ z+",
        {"text": "yes"},
        {("ask", ""): {"ok": "yes"}},
    ),
    "a person is asked beside other work": Shape(
        definition(
            [
                block("ask", "humanInTheLoop"),
                block("b"),
                block("c"),
                block("j", template="<ask.ok><c.text>"),
            ],
            "s>ask s>b b>c ask>j c>j",
        ),
        None,
        "s+ ask+ b+ c+ j+",
        {"text": "yesc"},
        {("ask", ""): {"ok": "yes"}},
    ),
    "a person is asked in a branch that is skipped": Shape(
        definition(
            [
                block("c", "condition", conditions=[{"id": "x", "value": "false"}]),
                block("ask", "humanInTheLoop"),
                block("j", template="[<ask.ok>]"),
            ],
            "s>c c:condition-x>ask ask>j c:condition-else>j",
        ),
        None,
        "s+ c+ ask- j+",
        {"text": "[]"},
    ),
    "a person is asked in a loop": Shape(
        definition(
            [block("ask", "humanInTheLoop"), block("t", template="<t.text><ask.n>")],
            "s>l ask>t",
            loops=loop("l", "ask t", iterations=2),
        ),
        None,
        "s+ ask+ t+ l+",
        {"results": [{"text": "a"}, {"text": "ab"}], "count": 2},
        {("ask", "0"): {"n": "a"}, ("ask", "1"): {"n": "b"}},
    ),
    "persons are asked side by side": Shape(
        definition(
            [block("ask", "humanInTheLoop"), block("t", template="<ask.n>")],
            "s>p ask>t",
            parallels=parallel("p", "ask t", count=2),
        ),
        None,
        "s+ ask+ t+ p+",
        {"results": [{"text": "a"}, {"text": "b"}], "count": 2},
        {("ask", "0"): {"n": "a"}, ("ask", "1"): {"n": "b"}},
    ),
    "two questions in a row": Shape(
        definition(
            [
                block("one", "humanInTheLoop"),
                block("two", "humanInTheLoop", message="<one.x>?"),
                block("z", template="<one.x><two.x>"),
            ],
            "s>one one>two two>z",
        ),
        None,
        "s+ one+ two+ z+",
        {"text": "12"},
        {("one", ""): {"x": "1"}, ("two", ""): {"x": "2"}},
    ),
    "cost and tokens of two models": Shape(
        definition(
            [
                block("a", "agent", prompt="x", model="m/m"),
                block("b", "agent", prompt="<a.content>", model="m/m"),
                block("t", template="<a.tokens.total> <b.cost>"),
            ],
            "s>a a>b b>t",
        ),
        None,
        "s+ a+ b+ t+",
        {"text": f"{TOKENS['total']} 0.25"},
    ),
}
