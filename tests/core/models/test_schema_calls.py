"""A model without tool calls is asked by a schema, and answers as if it had them."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from core.config import Settings
from core.errors import UpstreamError
from core.models import chat
from core.models.messages import (
    ChatDelta,
    ChatRequest,
    Finished,
    Message,
    Source,
    TextDelta,
    ToolCall,
    ToolSpec,
)
from core.models.schema_answer import SchemaAnswer
from core.models.schema_calls import in_schema, plain
from tests.stand_ins.openai import KEY, OpenAIStandIn, Reply, openai_stand_in

SYSTEM: Message = {"role": "system", "content": "You are the help desk."}
ASKED: Message = {"role": "user", "content": "Will it rain in Rome?"}
WEATHER = ToolSpec(
    "weather.get",
    "Tell the weather.",
    {
        "type": "object",
        "properties": {
            "city": {"type": "string", "description": "A city's name.", "format": "city"},
            "days": {"anyOf": [{"type": "integer", "minimum": 1}, {"type": "null"}]},
            "unit": {"$ref": "#/$defs/Unit"},
        },
        "required": ["city"],
        "$defs": {"Unit": {"enum": ["C", "F"], "title": "Unit"}},
    },
)


def test_of_other_tools_it_is_spoken_where_there_are_some() -> None:
    for tools, speaks in (((WEATHER,), False), ((WEATHER, replace(WEATHER, name="x")), True)):
        told = in_schema(ChatRequest([SYSTEM, ASKED], tools=tools)).messages[0]["content"]
        assert ("another tool" in str(told)) is speaks
        assert "{after}" not in str(told)


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIStandIn]:
    async with openai_stand_in() as stand_in:
        settings = Settings(
            chat_model="local/stand-in",
            chat_base_url=stand_in.base_url,
            chat_api_key=SecretStr(KEY),
        )
        monkeypatch.setattr(chat, "get_settings", lambda: settings)
        yield stand_in


async def _all(request: ChatRequest) -> list[ChatDelta]:
    return [delta async for delta in chat.stream(request)]


def _schema(sent: dict[str, Any]) -> dict[str, Any]:
    schema: dict[str, Any] = sent["response_format"]["json_schema"]["schema"]
    return schema


async def test_a_call_is_asked_for_by_a_schema_and_read_back(server: OpenAIStandIn) -> None:
    server.replies = [Reply('{"tool": "weather.get", "arguments": {"city": "Rome {1}"}}')]
    deltas = await _all(ChatRequest([SYSTEM, ASKED], [WEATHER], asker="ws_1"))
    (call,) = (delta for delta in deltas if isinstance(delta, ToolCall))
    assert call.name == "weather.get"
    assert chat.tool_arguments(call) == {"city": "Rome {1}"}
    assert isinstance(deltas[-1], Finished)
    assert (deltas[-1].reason, deltas[-1].model) == ("tool_calls", "local/stand-in")
    (sent,) = server.requests
    assert "tools" not in sent
    assert sent["user"] == "ws_1"
    fitting = {"tool": "weather.get", "arguments": {"city": "Rome", "days": None, "unit": "C"}}
    jsonschema.validate(fitting, _schema(sent))
    jsonschema.validate({"tool": "reply", "text": "No."}, _schema(sent))
    for wrong in ({"tool": "other", "arguments": {}}, {"tool": "weather.get", "arguments": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, _schema(sent))


def test_a_tools_examples_are_told_as_they_are_to_be_written() -> None:
    asked = ("Rain in Oslo?", {"city": "Oslo", "unit": "C"})
    request = ChatRequest([SYSTEM, ASKED], tools=[replace(WEATHER, examples=[asked])])
    told = str(in_schema(request).messages[0]["content"]).splitlines()
    call = '{"tool": "weather.get", "arguments": {"city": "Oslo", "unit": "C"}}'
    assert f'  "Rain in Oslo?" is {call}' in told


async def test_a_reply_streams_as_text(server: OpenAIStandIn) -> None:
    text = 'It "rains" – \n\U0001f327 often.'
    server.replies = [Reply(json.dumps({"tool": "reply", "text": text}))]
    deltas = await _all(ChatRequest([ASKED], [WEATHER]))
    pieces = [delta.text for delta in deltas if isinstance(delta, TextDelta)]
    assert "".join(pieces) == text
    assert len(pieces) > 2
    assert isinstance(deltas[-1], Finished)
    assert deltas[-1].reason == "stop"


async def test_the_number_of_a_passage_comes_before_the_text_that_rests_on_it(
    server: OpenAIStandIn,
) -> None:
    points = [{"from": 2, "text": "It rains."}, {"from": 0, "text": "Take a hat."}]
    server.replies = [Reply(json.dumps({"tool": "reply", "points": points}))]
    deltas = await _all(ChatRequest([ASKED], sources=[1, 2]))
    told = [d for d in deltas if isinstance(d, Source)]
    assert told == [Source(2), Source(0)]
    text = "".join(d.text for d in deltas if isinstance(d, TextDelta))
    assert text == "It rains.Take a hat."
    schema = _schema(server.requests[0])
    jsonschema.validate({"tool": "reply", "points": points}, schema)
    for wrong in ([], [{"from": 3, "text": "."}], [{"text": "."}], points * 2):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate({"tool": "reply", "points": wrong}, schema)


async def test_who_may_not_call_cannot(server: OpenAIStandIn) -> None:
    server.replies = [Reply('{"tool": "reply", "text": "Yes."}')] * 2
    await _all(ChatRequest([SYSTEM, ASKED], [WEATHER]))
    await _all(ChatRequest([SYSTEM, ASKED], [WEATHER], may_call_tools=False))
    may, may_not = server.requests
    assert _schema(may_not)["properties"]["tool"] == {"const": "reply"}
    assert may["messages"] == may_not["messages"]  # what was read once is read no more


async def test_the_prompt_begins_with_what_never_changes(server: OpenAIStandIn) -> None:
    server.replies = [Reply('{"tool": "reply", "text": "Yes."}')] * 2
    await _all(ChatRequest([SYSTEM, ASKED], [WEATHER]))
    await _all(ChatRequest([SYSTEM, {"role": "user", "content": "Hm?"}], [WEATHER]))
    first, second = (sent["messages"][0]["content"] for sent in server.requests)
    assert first == second
    assert first.startswith("You are the help desk.\n")
    assert 'weather.get(city: string, days?: integer | null, unit?: "C" | "F")' in first


async def test_earlier_calls_are_told(server: OpenAIStandIn) -> None:
    function = {"name": "weather.get", "arguments": '{"city": "Rome"}'}
    said: list[Message] = [
        ASKED,
        {"role": "assistant", "content": None, "tool_calls": [{"id": "c1", "function": function}]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    server.replies = [Reply('{"tool": "reply", "text": "Yes."}')]
    await _all(ChatRequest(said, [WEATHER]))
    *_, called, result = server.requests[0]["messages"]
    assert json.loads(called["content"]) == {"tool": "weather.get", "arguments": {"city": "Rome"}}
    assert result == {"role": "user", "content": "Result of weather.get:\nrain"}


async def test_a_format_of_ones_own_is_kept(server: OpenAIStandIn) -> None:
    server.replies = [Reply('{"a": 1}')]
    deltas = await _all(ChatRequest([ASKED], [WEATHER], response_format={"type": "json_object"}))
    assert "".join(d.text for d in deltas if isinstance(d, TextDelta)) == '{"a": 1}'
    assert server.requests[0]["response_format"] == {"type": "json_object"}


async def test_a_call_that_was_cut_off_is_for_the_loop_to_refuse(server: OpenAIStandIn) -> None:
    server.replies = [Reply('{"tool": "weather.get", "arguments": {"city": "Ro')]
    (call,) = (d for d in await _all(ChatRequest([ASKED], [WEATHER])) if isinstance(d, ToolCall))
    with pytest.raises(ValueError):
        chat.tool_arguments(call)


async def test_a_model_that_nobody_started_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chat, "get_settings", lambda: Settings(chat_model="local/some"))
    with pytest.raises(UpstreamError, match="make run"):
        await _all(ChatRequest([ASKED]))


@given(st.text(), st.integers(1, 9), st.booleans())
def test_text_is_the_same_however_it_is_cut(text: str, size: int, plain_ascii: bool) -> None:
    raw = json.dumps({"tool": "reply", "text": text}, ensure_ascii=plain_ascii)
    read, found = SchemaAnswer(), []
    for start in range(0, len(raw), size):
        found += read.feed(raw[start : start + size])
    assert "".join(each.text for each in found if isinstance(each, TextDelta)) == text
    assert read.finish() == []


@given(
    st.lists(st.tuples(st.integers(0, 99), st.text()), max_size=3), st.integers(1, 9), st.booleans()
)
def test_points_are_the_same_however_they_are_cut(
    points: list[tuple[int, str]], size: int, plain_ascii: bool
) -> None:
    told = [{"from": n, "text": text} for n, text in points]
    raw = json.dumps({"tool": "reply", "points": told}, ensure_ascii=plain_ascii)
    read = SchemaAnswer()
    found: list[tuple[int, str]] = []
    for start in range(0, len(raw), size):
        for each in read.feed(raw[start : start + size]):
            if isinstance(each, Source):
                found.append((each.n, ""))
            else:
                n, before = found[-1]
                found[-1] = n, before + each.text
    assert found == points
    assert read.finish() == []


@given(st.dictionaries(st.text(), st.text() | st.integers() | st.none()), st.integers(1, 9))
def test_arguments_are_the_same_however_they_are_cut(arguments: dict[str, Any], size: int) -> None:
    raw = json.dumps({"tool": "a.b", "arguments": arguments}, indent=1)
    read = SchemaAnswer()
    assert [x for i in range(0, len(raw), size) for x in read.feed(raw[i : i + size])] == []
    (call,) = read.finish()
    assert isinstance(call, ToolCall)
    assert (call.name, json.loads(call.arguments)) == ("a.b", arguments)


@given(st.text())
def test_whatever_is_written_is_read(raw: str) -> None:
    read = SchemaAnswer()
    assert len(read.feed(raw)) + len(read.finish()) <= 2


def test_a_schema_that_refers_to_itself_ends() -> None:
    node = {"type": "object", "properties": {"next": {"$ref": "#/$defs/Node"}}}
    found = plain({"type": "object", "properties": {"a": node}, "$defs": {"Node": node}})
    jsonschema.Draft202012Validator.check_schema(found)
    assert "$ref" not in json.dumps(found)


def test_without_tools_or_passages_nothing_is_bound() -> None:
    assert in_schema(ChatRequest([ASKED])).response_format is None


@pytest.mark.parametrize(("asked", "sent"), [(None, 0.0), (0.7, 0.7)])
def test_a_choice_is_the_likeliest_unless_the_request_says_otherwise(
    asked: float | None, sent: float
) -> None:
    request = ChatRequest([ASKED], tools=[WEATHER], temperature=asked)
    assert in_schema(request).temperature == sent


def test_free_text_is_drawn_as_the_model_does_by_itself() -> None:
    assert in_schema(ChatRequest([ASKED])).temperature is None
