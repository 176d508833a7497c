"""A file is known by what is in it; what is none of the formats, or an attack, is refused."""

from __future__ import annotations

import json
from typing import Any

import pytest

from core.errors import NuxaError, ValidationFailed
from pipelines.imports import MOST_BYTES, read
from tests.pipelines.shapes import block, definition

HELLO = definition([block("t", template="Hi <start.name>")], "s>t")
SIM = {
    "version": "1.0",
    "state": {
        "blocks": {
            "a": {"id": "a", "type": "starter", "name": "Start", "subBlocks": {}},
            "b": {"id": "b", "type": "exa", "name": "Search", "subBlocks": {"q": {"value": "x"}}},
        },
        "edges": [{"id": "e", "source": "a", "target": "b"}],
        "metadata": {"name": "From Sim"},
    },
}
DIFY = """
app: {name: From Dify, mode: workflow, description: does much}
workflow:
  graph:
    nodes:
      - {id: '1', data: {type: start, title: 开始, variables: [{variable: q, type: text-input}]}}
      - {id: '2', data: {type: telepathy, title: Guess}}
    edges: [{source: '1', target: '2', sourceHandle: source}]
"""


def test_our_own_comes_back_as_it_went() -> None:
    found = read(json.dumps({"format": "nuxa", "formatVersion": 1, "name": "W", **HELLO}))
    assert (found.name, found.warnings) == ("W", [])
    assert found.definition.blocks["t"].values() == {"template": "Hi <start.name>"}


@pytest.mark.parametrize(
    ("content", "name", "left"), [(json.dumps(SIM), "From Sim", "b"), (DIFY, "From Dify", "2")]
)
def test_what_has_no_counterpart_is_left_disabled_and_named(
    content: str, name: str, left: str
) -> None:
    found = read(content)
    assert found.name == name
    block_ = found.definition.blocks[left]
    assert not block_.enabled
    assert any(f'"{block_.name}"' in warning for warning in found.warnings)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        "null",
        "{",
        "{}",
        "just a text",
        "a: b: c:",
        "a: &x [1]\nb: *x",
        "!!python/object/apply:os.system ['id']",
        "workflow: {graph: !!python/name:os.system }",
        "[" * 3000,
        "{" * 3000,
        "- " * 3000 + "x",
        '{"a":' * 3000,
        '{"format": "nuxa", "blocks": {"a": 7}}',
        "app: {mode: chat}\nmodel_config: {pre_prompt: x}",
        "workflow: {graph: {nodes: [{id: 1, data: {type: start, variables: 7}}]}}",
        "workflow: {graph: {nodes: 7}}",
        "workflow: {graph: {nodes: [], edges: [{}]}}",
        '{"state": {"blocks": {"a": {"subBlocks": {"b": 1}, "type": 7}}, "edges": [{}]}}',
        '{"state": {"blocks": {"a": {"data": 7}}}}',
    ],
)
def test_what_is_no_workflow_is_refused(content: str) -> None:
    with pytest.raises(ValidationFailed):
        read(content)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(NuxaError):
        read("x" * (MOST_BYTES + 1))


def test_what_makes_no_sense_is_set_aside_and_said() -> None:
    state: dict[str, Any] = {
        "blocks": {
            "a": {"id": "a", "type": "starter", "name": "Start", "subBlocks": {}},
            "b": {
                "id": "b",
                "type": "function",
                "name": "Code",
                "subBlocks": {"code": {"value": "return <ghost.text>"}},
            },
        },
        "edges": [
            {"id": "x", "source": "a", "target": "b"},
            {"id": "y", "source": "b", "target": "ghost"},
            {"id": "z", "source": "b", "target": "a"},
        ],
    }
    found = read(json.dumps({"state": state}))
    assert [(edge.source, edge.target) for edge in found.definition.edges] == [("a", "b")]
    assert "code" not in found.definition.blocks["b"].sub_blocks
    kept = found.definition.blocks["b"].data
    assert kept is not None
    assert (kept.model_extra or {})["imported"]["settings"]["code"] == "return <ghost.text>"
    told = "\n".join(found.warnings)
    assert "<ghost.text>" in told
    assert "'ghost'" in told
    assert "begins the run" in told
