"""Ordinary parameters, tools and images of OpenAI's API, sent by its own client."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import openai
import pytest

from core.config import Settings
from core.models import chat
from tests.api.conftest import Member
from tests.api.copilot.asking import use_model
from tests.stand_ins.openai import OpenAIStandIn, Reply, openai_stand_in

ASKED: Any = [{"role": "user", "content": "What is the weather in Oslo?"}]
NO_BASES: Any = {"knowledgeBaseIds": []}
TOOL: Any = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Return the weather of a city.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    },
}
CALL = ("call_1", "get_weather", '{"city": "Oslo"}')
PIXEL = "data:image/png;base64,iVBORw0KGgo="
IGNORED = "x-nuxa-ignored-parameters"


@pytest.fixture
async def client(member: Member) -> AsyncIterator[openai.AsyncOpenAI]:
    key, url = member.program.headers["x-api-key"], f"{member.program.base_url}/api/v1"
    async with openai.AsyncOpenAI(api_key=key, base_url=url, max_retries=0) as opened:
        yield opened


@pytest.fixture
async def model(
    monkeypatch: pytest.MonkeyPatch, settings: Settings
) -> AsyncIterator[OpenAIStandIn]:
    async with openai_stand_in() as stand_in:
        use_model(monkeypatch, settings, stand_in)
        yield stand_in


async def test_completion_with_ordinary_parameters_passes_on_what_the_model_supports(
    client: openai.AsyncOpenAI, model: OpenAIStandIn
) -> None:
    model.replies.append(Reply(text="Rain."))
    raw = await client.chat.completions.with_raw_response.create(
        model="openai/stand-in",
        messages=ASKED,
        n=1,
        top_p=0.5,
        stop=["END"],
        seed=7,
        presence_penalty=0.1,
        frequency_penalty=0.2,
        logit_bias={"50256": -100},
        max_completion_tokens=50,
        metadata={"run": "7"},
        extra_body=NO_BASES,
    )
    assert raw.parse().choices[0].message.content == "Rain."
    assert raw.headers[IGNORED] == "metadata"
    (sent,) = model.requests
    expected = {
        "top_p": 0.5,
        "stop": ["END"],
        "seed": 7,
        "presence_penalty": 0.1,
        "frequency_penalty": 0.2,
        "logit_bias": {"50256": -100},
        "max_tokens": 50,
    }
    assert {name: sent.get(name) for name in expected} == expected
    assert "metadata" not in sent


async def test_completion_of_the_extractive_model_names_what_it_ignores(
    client: openai.AsyncOpenAI,
) -> None:
    raw = await client.chat.completions.with_raw_response.create(
        model="nuxa/extractive", messages=ASKED, top_p=0.5, tools=[TOOL], tool_choice="auto"
    )
    assert raw.headers[IGNORED] == "tools,top_p,tool_choice"
    assert raw.parse().choices[0].finish_reason == "stop"


async def test_completion_with_tools_answers_calls_and_reads_their_results(
    client: openai.AsyncOpenAI, model: OpenAIStandIn
) -> None:
    model.replies += [Reply(calls=[CALL]), Reply(text="It rains.")]
    named: Any = {"type": "function", "function": {"name": "get_weather"}}
    first = await client.chat.completions.create(
        model="openai/stand-in",
        messages=ASKED,
        tools=[TOOL],
        tool_choice=named,
        parallel_tool_calls=False,
    )
    (choice,) = first.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls or ()
    assert (call.id, call.function.name, call.function.arguments) == CALL  # type: ignore[union-attr]
    assert model.requests[0]["tool_choice"] == named
    assert model.requests[0]["parallel_tool_calls"] is False

    result: Any = {"role": "tool", "tool_call_id": call.id, "content": "rain, 4 °C"}
    messages = [*ASKED, choice.message, result]
    second = await client.chat.completions.create(
        model="openai/stand-in", messages=messages, tools=[TOOL]
    )
    assert second.choices[0].message.content == "It rains."
    assert [m["role"] for m in model.requests[1]["messages"]][-2:] == ["assistant", "tool"]


async def test_stream_with_tools_ends_with_a_tool_call(
    client: openai.AsyncOpenAI, model: OpenAIStandIn
) -> None:
    model.replies.append(Reply(text="Let me see.", calls=[CALL, ("call_2", *CALL[1:])]))
    async with client.chat.completions.stream(
        model="openai/stand-in", messages=ASKED, tools=[TOOL], extra_body=NO_BASES
    ) as stream:
        whole = await stream.get_final_completion()
    (choice,) = whole.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me see.")
    calls = choice.message.tool_calls or []
    assert [(c.id, c.function.arguments) for c in calls] == [
        (CALL[0], CALL[2]),
        ("call_2", CALL[2]),
    ]


@pytest.mark.parametrize(
    "messages",
    [
        [*ASKED, {"role": "tool", "tool_call_id": "call_9", "content": "rain"}],
        [{"role": "system", "content": "No user speaks."}],
        [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "file:///etc"}}]}],
    ],
)
async def test_completion_with_incoherent_messages_is_refused(
    client: openai.AsyncOpenAI, messages: Any
) -> None:
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="nuxa/extractive", messages=messages)


async def test_completion_with_an_image_passes_it_to_a_model_that_sees(
    client: openai.AsyncOpenAI,
    model: OpenAIStandIn,
    settings: Settings,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image = {"type": "image_url", "image_url": {"url": PIXEL}}
    asked: Any = [{"role": "user", "content": [{"type": "text", "text": "What is it?"}, image]}]
    model.replies += [Reply(text="A pixel."), Reply(text="I see none.")]
    for name, ignored in (("openai/gpt-4o-mini", None), ("openai/stand-in", "image_url")):
        monkeypatch.setattr(settings, "chat_model", name)
        raw = await client.chat.completions.with_raw_response.create(
            model=name, messages=asked, extra_body=NO_BASES
        )
        assert raw.headers.get(IGNORED) == ignored
    seen, unseen = (request["messages"][-1]["content"] for request in model.requests)
    assert seen == [{"type": "text", "text": "What is it?"}, image]
    assert unseen == "What is it?"


async def test_completion_with_texts_in_tools_beyond_the_limit_is_refused(
    client: openai.AsyncOpenAI,
) -> None:
    function = {**TOOL["function"], "parameters": {"type": "object", "title": "x" * 400_000}}
    tools: Any = [{"type": "function", "function": function}]
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(model="nuxa/extractive", messages=ASKED, tools=tools)


async def test_open_webui_requests_are_answered(member: Member, model: OpenAIStandIn) -> None:
    """Its requests: a list of models, then a stream with fields of its own, and a title."""
    headers = {"Authorization": f"Bearer {member.program.headers['x-api-key']}"}
    models = await member.program.get("/api/v1/models", headers=headers)
    assert "nuxa/extractive" in [each["id"] for each in models.json()["data"]]
    model.replies += [Reply(text="Rain."), Reply(text='{"title": "Weather"}')]
    body = {
        "model": "openai/stand-in",
        "messages": ASKED,
        "stream": True,
        "stream_options": {"include_usage": True},
        "user": "ada@example.com",
        "top_k": 40,
        "chat_id": "5f0c",
        "session_id": "s1",
        "features": {"web_search": False},
        "background_tasks": {"title_generation": True},
    }
    streamed = await member.program.post("/api/v1/chat/completions", headers=headers, json=body)
    assert streamed.status_code == 200
    assert streamed.text.endswith("data: [DONE]\n\n")
    assert streamed.headers[IGNORED] == "user,top_k,chat_id,session_id,features,background_tasks"
    titled = {**body, "stream": False, "max_completion_tokens": 1000}
    del titled["stream_options"]
    answer = await member.program.post("/api/v1/chat/completions", headers=headers, json=titled)
    assert answer.json()["choices"][0]["message"]["content"] == '{"title": "Weather"}'


async def test_count_unfinished_with_an_image_downloads_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from core.models.messages import ChatRequest

    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("an image was downloaded")

    monkeypatch.setattr("httpx.Client.send", refuse)
    monkeypatch.setattr("httpx.AsyncClient.send", refuse)
    image = {"type": "image_url", "image_url": {"url": "http://169.254.169.254/a.png"}}
    request = ChatRequest([{"role": "user", "content": [image]}], model="openai/gpt-4o-mini")
    assert (await chat.count_unfinished(request, "A pixel.")).input_tokens > 0


@pytest.mark.parametrize(
    "unknown", [{"knowledgeBaseId": "kb_1"}, {"a\r\nb": 1}, {f"p{n}": n for n in range(31)}]
)
async def test_completion_with_parameters_that_nobody_has_is_refused(
    client: openai.AsyncOpenAI, unknown: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError):
        await client.chat.completions.create(
            model="nuxa/extractive", messages=ASKED, extra_body=unknown
        )
