"""Dify's nodes, references and conditions, as blocks that run."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import yaml

from pipelines.imports import Imported, read
from tests.pipelines.shapes import play

START = {"id": "1", "type": "start", "title": "Start", "variables": []}


def graph(*nodes: dict[str, Any], **more: Any) -> Imported:
    """Read nodes that are joined one after the other, or by ``edges``."""
    listed = [START, *nodes]
    pairs = pairwise(listed)
    joined = more.pop("edges", [{"source": a["id"], "target": b["id"]} for a, b in pairs])
    shaped = [{"id": node["id"], "data": node} for node in listed]
    workflow = {"graph": {"nodes": shaped, "edges": joined}, **more}
    return read(yaml.safe_dump({"workflow": workflow}))


def answer(text: str, node_id: str = "9") -> dict[str, Any]:
    return {"id": node_id, "type": "answer", "title": f"Answer {node_id}", "answer": text}


async def _text(found: Imported, given: Any = None) -> Any:
    played = await play(found.definition, given)
    assert played.result is not None
    output: Any = played.result.output
    return output["text"]


async def test_references_follow_the_names_that_blocks_get() -> None:
    first = answer("got {{#1.q#}} of {{#sys.query#}}", "2")
    first["title"] = "1st / Greeting!"
    found = graph(first, answer("<{{#2.answer#}}>", "9"))
    assert found.definition.blocks["2"].name == "block 1st - Greeting"
    assert await _text(found, {"q": "x", "query": "y"}) == "<got x of y>"
    assert found.warnings == []


async def test_what_only_looks_like_a_reference_stays_a_text() -> None:
    text = "say {{ name }} and <my.tag> to {{#sys.query#}}"
    assert await _text(graph(answer(text)), {"query": "Ada"}) == (
        "say {{ name }} and <my.tag> to Ada"
    )


async def test_a_reference_that_leads_nowhere_is_empty_and_said() -> None:
    found = graph(answer("[{{#77.text#}}]"))
    assert await _text(found) == "[]"
    assert "77.text" in found.warnings[0]


async def test_jinja_that_fills_in() -> None:
    node = {
        "id": "2",
        "type": "template-transform",
        "title": "T",
        "template": "{{ a }}|{{a[0].n}}|{{ a[0]['n'] }}|{{ a | upper }}|{{ b }}",
        "variables": [{"variable": "a", "value_selector": ["1", "items"]}],
    }
    found = graph(node)
    assert await _text(found, {"items": [{"n": 5}]}) == '[{"n": 5}]|5|5|[{"n": 5}]|'
    assert any("upper" in warning for warning in found.warnings)
    assert any("{{ b }}" in warning for warning in found.warnings)
    left = graph({**node, "template": "{% for x in a %}{{ x }}{% endfor %}"})
    assert not left.definition.blocks["2"].enabled


@pytest.mark.parametrize(
    ("operator", "value", "given", "holds"),
    [
        ("contains", "b", "abc", True),
        ("not contains", "b", "abc", False),
        ("start with", "a", "abc", True),
        ("end with", "a", "abc", False),
        ("is", 'say "x"\\', 'say "x"\\', True),
        ("is not", "a", "b", True),
        ("=", "3", 3, True),
        ("=", "3", "3", True),
        ("≠", "3", 4, True),
        (">", "3", 4, True),
        ("≤", "3", 4, False),
        ("empty", "", "", True),
        ("empty", "", None, True),
        ("not empty", "", "x", True),
        ("null", "", None, True),
        ("is", "{{#1.other#}}", "same", True),
    ],
)
async def test_conditions(operator: str, value: str, given: Any, holds: bool) -> None:
    condition = {
        "comparison_operator": operator,
        "value": value,
        "variable_selector": ["1", "it"],
    }
    choice = {
        "id": "2",
        "type": "if-else",
        "title": "IF/ELSE",
        "cases": [{"case_id": "true", "conditions": [condition], "logical_operator": "and"}],
    }
    edges = [
        {"source": "1", "target": "2"},
        {"source": "2", "target": "3", "sourceHandle": "true"},
        {"source": "2", "target": "4", "sourceHandle": "false"},
    ]
    found = graph(choice, answer("yes", "3"), answer("no", "4"), edges=edges)
    assert await _text(found, {"it": given, "other": "same"}) == ("yes" if holds else "no")


def test_an_operator_that_is_unknown_leaves_the_block_disabled() -> None:
    choice = {
        "id": "2",
        "type": "if-else",
        "title": "Choice",
        "cases": [
            {
                "case_id": "true",
                "conditions": [{"comparison_operator": "smells", "variable_selector": ["1", "x"]}],
            }
        ],
    }
    found = graph(choice)
    assert not found.definition.blocks["2"].enabled
    assert '"Choice"' in found.warnings[0]


async def test_variables_are_set_and_secrets_are_named() -> None:
    setting = {
        "id": "2",
        "type": "assigner",
        "title": "Set",
        "items": [
            {
                "variable_selector": ["conversation", "level"],
                "operation": "over-write",
                "input_type": "variable",
                "value": ["1", "n"],
            }
        ],
    }
    found = graph(
        setting,
        answer("{{#conversation.level#}} {{#env.top#}}"),
        conversation_variables=[{"name": "level", "value": 1, "value_type": "number"}],
        environment_variables=[
            {"name": "top", "value": "10", "value_type": "string"},
            {"name": "TOKEN", "value": "", "value_type": "secret"},
        ],
    )
    assert await _text(found, {"n": 7}) == "7 10"
    assert any("TOKEN" in warning for warning in found.warnings)


def test_a_key_in_the_file_is_not_kept() -> None:
    call = {
        "id": "2",
        "type": "http-request",
        "title": "Send it",
        "method": "post",
        "url": "https://api.example.com/{{#1.path#}}",
        "headers": "Content-Type:application/json\nX-A: b",
        "params": "",
        "authorization": {
            "type": "api-key",
            "config": {"type": "bearer", "api_key": "sk-very-secret"},
        },
        "body": {"type": "json", "data": [{"type": "text", "value": '{"q": "{{#1.q#}}"}'}]},
    }
    found = graph(call)
    assert found.definition.blocks["2"].values() == {
        "url": "https://api.example.com/<start.path>",
        "method": "POST",
        "headers": {
            "Content-Type": "application/json",
            "X-A": "b",
            "Authorization": "Bearer {{SEND_IT_KEY}}",
        },
        "body": '{"q": "<start.q>"}',
    }
    assert "SEND_IT_KEY" in found.warnings[0]
    assert "very-secret" not in str(found.definition.wire()) + str(found.warnings)


def test_code_that_needs_more_than_the_sandbox_has_is_named() -> None:
    code = {
        "id": "2",
        "type": "code",
        "title": "C",
        "code_language": "python3",
        "code": "import yaml, pandas as pd\nfrom requests import get\ndef main(a):\n    return {}",
        "variables": [{"variable": "a", "value_selector": ["1", "x"]}],
    }
    found = graph(code)
    assert [w.partition("imports ")[2].split(",")[0] for w in found.warnings] == [
        "requests",
        "yaml",
    ]
    assert str(found.definition.blocks["2"].values()["code"]).endswith("return main(a=<start.x>)\n")
