"""The agent block over a scripted model: streaming, formats, tools, secrets."""

from __future__ import annotations

import json
from typing import Any

import pytest
from pydantic import JsonValue

from core.models.messages import TextDelta, ThinkingDelta, ToolCall
from pipelines.blocks.component import BlockFailed
from tests.pipelines.blocks.conftest import ScriptedModel
from tests.pipelines.shapes import Played, block, definition, play


def _agent(**settings: Any) -> dict[str, Any]:
    return definition([block("a", "agent", **settings)], "s>a")


def _streamed(played: Played) -> list[tuple[str, dict[str, JsonValue]]]:
    return [(kind, data) for kind, data in played.events if kind.startswith("stream:")]


async def test_an_answer_is_streamed_and_counted(model: ScriptedModel) -> None:
    model.rounds = [[ThinkingDelta("hm"), TextDelta("Hel"), TextDelta("lo")]]
    raw = _agent(systemPrompt="Be kind.", prompt="Greet <start.who>", model="some/model")
    played = await play(raw, {"who": "Ada"})
    assert played.result is not None
    assert played.result.output == {
        "content": "Hello",
        "model": "stub",
        "tokens": {"input": 10, "output": 5, "total": 15},
        "toolCalls": [],
        "citations": [],
        "cost": 0.25,
    }
    assert (played.result.usage, played.result.cost) == (
        {"input": 10, "output": 5, "total": 15},
        0.25,
    )
    assert [(kind, data.get("chunk")) for kind, data in _streamed(played)] == [
        ("stream:thinking", None),
        ("stream:chunk", "Hel"),
        ("stream:chunk", "lo"),
        ("stream:done", None),
    ]
    assert list(model.asked[0].messages) == [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "Greet Ada"},
    ]
    assert model.asked[0].model == "some/model"


async def test_messages_as_editors_store_them(model: ScriptedModel) -> None:
    model.rounds = [[TextDelta("ok")]]
    stored = json.dumps(
        [{"role": "system", "content": "S"}, {"role": "user", "content": "<start.q>"}]
    )
    await play(_agent(messages=stored, model="", temperature=None), {"q": 'a "quoted" q'})
    assert [m["content"] for m in model.asked[0].messages] == ["S", 'a "quoted" q']
    assert model.asked[0].model is None


async def test_an_answer_in_a_format_gives_its_fields(model: ScriptedModel) -> None:
    model.rounds = [[TextDelta('{"summary": "s", "content": "hidden"}')]]
    schema = {"name": "digest", "schema": {"type": "object"}}
    raw = definition(
        [
            block("a", "agent", prompt="p", responseFormat=json.dumps(schema)),
            block("t", template="<a.summary>"),
        ],
        "s>a a>t",
    )
    played = await play(raw)
    assert played.outputs["t"] == "s"
    asked = model.asked[0].response_format
    assert asked == {
        "type": "json_schema",
        "json_schema": {"name": "digest", "schema": {"type": "object"}},
    }


async def test_an_answer_out_of_format_fails_the_block(model: ScriptedModel) -> None:
    model.rounds = [[TextDelta("Sorry, no.")]]
    with pytest.raises(BlockFailed, match="did not answer in the asked format"):
        await play(_agent(prompt="p", responseFormat={"type": "object"}))


async def test_a_secret_in_the_answer_is_masked_though_cut_by_pieces(model: ScriptedModel) -> None:
    model.rounds = [
        [TextDelta("it is hu"), TextDelta("sh-hu"), TextDelta("sh, hu"), ThinkingDelta("hush-hush")]
    ]
    played = await play(_agent(prompt="use {{KEY}}"), secrets={"KEY": "hush-hush"})
    assert "hush-hush" not in json.dumps(_streamed(played))
    chunks = [str(data["chunk"]) for kind, data in _streamed(played) if kind == "stream:chunk"]
    assert "".join(chunks) == "it is {{KEY}}, hu"


async def test_an_unknown_tool_names_those_there_are(model: ScriptedModel) -> None:
    with pytest.raises(BlockFailed, match="http_request"):
        await play(_agent(prompt="p", tools=[{"toolName": "teleport"}]))


async def test_a_tool_is_called_with_a_key_of_its_own(
    model: ScriptedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    called: list[tuple[Any, ...]] = []

    async def call(*given: Any) -> dict[str, JsonValue]:
        called.append(given)
        return {"done": True}

    monkeypatch.setattr("pipelines.tools.call", call)
    arguments = {"url": "https://example.com/", "method": "GET"}
    model.rounds = [
        [ToolCall("c1", "http_request", json.dumps(arguments))],
        [TextDelta("fetched")],
    ]
    played = await play(_agent(prompt="p", tools=["http_request"]))
    assert played.result is not None
    output = played.result.output
    assert isinstance(output, dict)
    assert output["toolCalls"] == [
        {
            "id": "c1",
            "name": "http_request",
            "arguments": json.dumps(arguments),
            "status": "success",
            "output": {"done": True},
        }
    ]
    _, workspace_id, name, given, key = called[0]
    assert (workspace_id, name, given) == ("ws_test", "http_request", arguments)
    assert key.startswith("exec_test/a/0/")
    assert [data["phase"] for kind, data in _streamed(played) if kind == "stream:tool"] == [
        "call",
        "result",
    ]


def test_what_an_agent_needs() -> None:
    from pipelines.validity import check
    from pipelines.workflow import parse

    [found] = check(parse(_agent(systemPrompt="x")), runnable=True)
    assert 'Block "a"' in found["message"]
    assert "prompt" in found["message"]
