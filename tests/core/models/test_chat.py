from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable

import pytest
from pydantic import SecretStr

from core.config import Settings
from core.errors import UpstreamError
from core.models import chat
from core.models.messages import (
    ChatDelta,
    ChatRequest,
    Finished,
    TextDelta,
    ThinkingDelta,
    ToolCall,
    ToolSpec,
)
from core.models.providers import register_provider
from tests.stand_ins.openai import KEY, OpenAIStandIn, Reply, openai_stand_in

HELLO = ChatRequest([{"role": "user", "content": "Hello?"}])
LOOKUP = ToolSpec("look_up", "Look a word up.", {"type": "object", "properties": {}})


@pytest.fixture
async def server(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[OpenAIStandIn]:
    async with openai_stand_in() as stand_in:
        _configure(monkeypatch, stand_in.base_url)
        yield stand_in


def _configure(
    monkeypatch: pytest.MonkeyPatch,
    base_url: str,
    *,
    key: str = KEY,
    model: str = "openai/stand-in",
    timeout: float = 20,
) -> None:
    settings = Settings(
        chat_model=model,
        chat_base_url=base_url,
        chat_api_key=SecretStr(key),
        chat_timeout_seconds=timeout,
    )
    monkeypatch.setattr(chat, "get_settings", lambda: settings)


async def _all(request: ChatRequest) -> list[ChatDelta]:
    return [delta async for delta in chat.stream(request)]


def _text(deltas: list[ChatDelta]) -> str:
    return "".join(delta.text for delta in deltas if isinstance(delta, TextDelta))


async def test_text_thoughts_and_usage_come_in_order(server: OpenAIStandIn) -> None:
    server.replies = [Reply("Good morning, everyone.", thinking="They greet.")]
    deltas = await _all(HELLO)
    assert _text(deltas) == "Good morning, everyone."
    thoughts = [delta.text for delta in deltas if isinstance(delta, ThinkingDelta)]
    assert "".join(thoughts) == "They greet."
    assert deltas[-1] == Finished("openai/stand-in", "stop", 11, 7, None)
    assert sum(isinstance(delta, TextDelta) for delta in deltas) > 1


async def test_a_model_that_does_not_count_its_tokens_is_counted(server: OpenAIStandIn) -> None:
    pieces = [{"content": "Good morning"}, {"content": ", everyone."}]
    chunks = [
        {"choices": [{"index": 0, "delta": delta, "finish_reason": None}]} for delta in pieces
    ]
    chunks.append({"choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]})
    raw = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in chunks)
    server.replies = [Reply(raw=f"{raw}data: [DONE]\n\n".encode())]
    finished = (await _all(HELLO))[-1]
    assert isinstance(finished, Finished)
    assert finished.reason == "stop"
    assert 0 < finished.input_tokens < 20
    assert finished.output_tokens == 5  # Good, morning, the signs and everyone


async def test_an_error_in_the_middle_is_told(server: OpenAIStandIn) -> None:
    begun = {"choices": [{"index": 0, "delta": {"content": "Good"}, "finish_reason": None}]}
    error = {"error": {"message": "overloaded sk-secret", "type": "server_error", "code": 500}}
    raw = "".join(f"data: {json.dumps(chunk)}\n\n" for chunk in (begun, error))
    server.replies = [Reply(raw=raw.encode())]
    with pytest.raises(UpstreamError) as failure:
        await _all(HELLO)
    assert "sk-secret" not in str(failure.value) + repr(failure.value.details)


async def test_the_request_says_only_what_was_set(server: OpenAIStandIn) -> None:
    server.replies = [Reply("ok"), Reply("ok")]
    await _all(HELLO)
    schema = {"type": "json_object"}
    await _all(
        ChatRequest(HELLO.messages, [LOOKUP], None, 0.0, 5, schema)  # 0.0 is a setting too
    )
    bare, full = server.requests
    assert {"tools", "temperature", "max_tokens", "response_format"}.isdisjoint(bare)
    assert (full["temperature"], full["max_tokens"]) == (0.0, 5)
    assert full["tools"][0]["function"]["name"] == "look_up"
    assert full["response_format"] == schema


async def test_a_price_is_known_for_listed_models_only(server: OpenAIStandIn) -> None:
    server.replies = [Reply("ok")]
    request = ChatRequest(HELLO.messages, model="openai/gpt-4o-mini")
    finished = (await _all(request))[-1]
    assert isinstance(finished, Finished)
    assert finished.model == "openai/gpt-4o-mini"
    assert finished.cost is not None
    assert 0 < finished.cost < 0.001


async def test_tool_calls_are_put_together(server: OpenAIStandIn) -> None:
    calls = [("c1", "look_up", '{"word": "apple pie"}'), ("c2", "look_up", "")]
    server.replies = [Reply("Let me see.", calls=calls)]
    deltas = await _all(ChatRequest(HELLO.messages, [LOOKUP]))
    found = [delta for delta in deltas if isinstance(delta, ToolCall)]
    assert found == [ToolCall(*call) for call in calls]
    assert chat.tool_arguments(found[0]) == {"word": "apple pie"}
    assert chat.tool_arguments(found[1]) == {}
    assert isinstance(deltas[-1], Finished)
    assert deltas[-1].reason == "tool_calls"


@pytest.mark.parametrize("arguments", ['{"word": ', "[1]", '"x"'])
def test_arguments_that_are_no_object_are_told(arguments: str) -> None:
    with pytest.raises(ValueError):
        chat.tool_arguments(ToolCall("c", "look_up", arguments))


async def test_a_bad_key_is_named_but_never_shown(
    server: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    _configure(monkeypatch, server.base_url, key="sk-very-secret")
    with pytest.raises(UpstreamError, match="NUXA_CHAT_API_KEY") as failure:
        await _all(HELLO)
    assert failure.value.details["status"] == 401
    assert "very-secret" not in str(failure.value) + repr(failure.value.details)


async def test_a_missing_key_is_named(
    server: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    settings = Settings(chat_model="openai/stand-in", chat_base_url=server.base_url)
    monkeypatch.setattr(chat, "get_settings", lambda: settings)
    with pytest.raises(UpstreamError, match="NUXA_CHAT_API_KEY"):
        await _all(HELLO)


@pytest.mark.parametrize(
    ("model", "sentence"),
    [("openai/unheard-of", "does not exist"), ("unheard-of", "reads provider/model")],
)
async def test_an_unknown_model_says_what_to_set(
    server: OpenAIStandIn, model: str, sentence: str
) -> None:
    with pytest.raises(UpstreamError, match=sentence):
        await _all(ChatRequest(HELLO.messages, model=model))


async def test_too_many_requests_say_when_to_come_back(server: OpenAIStandIn) -> None:
    server.replies = [Reply(status=429, headers={"Retry-After": "17"}), Reply("never asked")]
    with pytest.raises(UpstreamError, match="later") as failure:
        await _all(HELLO)
    assert failure.value.details["status"] == 429
    assert failure.value.details["retryAfter"] == "17"
    assert len(server.requests) == 1


@pytest.mark.parametrize("raw", [b"data: {not json\n\n", b"data: {}\n\ndata: [DONE]\n\n", b""])
async def test_a_malformed_stream_is_an_error(server: OpenAIStandIn, raw: bytes) -> None:
    server.replies = [Reply(raw=raw)]
    with pytest.raises(UpstreamError):
        await _all(HELLO)


async def test_an_answer_cut_short_is_an_error(server: OpenAIStandIn) -> None:
    server.replies = [Reply("A long answer, of which half is missing.", cut_after=3)]
    with pytest.raises(UpstreamError, match="broke off"):
        await _all(HELLO)


async def test_a_model_that_falls_silent_is_left(
    server: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    _configure(monkeypatch, server.base_url, timeout=0.5)
    server.replies = [Reply("A long answer that never comes to its end.", stall_after=3)]
    with pytest.raises(UpstreamError, match="said nothing"):
        await _all(HELLO)
    await _until(lambda: server.disconnects == 1)


async def test_closing_the_stream_ends_the_call(server: OpenAIStandIn) -> None:
    server.replies = [Reply("A long answer that nobody waits for.", stall_after=4)]
    deltas = chat.stream(HELLO)
    assert isinstance(await anext(deltas), TextDelta)
    await deltas.aclose()
    await _until(lambda: server.disconnects == 1)


async def test_cancelling_the_task_ends_the_call(server: OpenAIStandIn) -> None:
    server.replies = [Reply("A long answer that nobody waits for.", stall_after=4)]
    task = asyncio.create_task(_all(HELLO))
    await _until(lambda: len(server.requests) == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await _until(lambda: server.disconnects == 1)


async def test_a_refused_connection_is_tried_again(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    monkeypatch.setattr(chat, "_CONNECT_WAIT_SECONDS", 0.01)
    _configure(monkeypatch, f"http://127.0.0.1:{port}/v1")
    with pytest.raises(UpstreamError, match="NUXA_CHAT_BASE_URL"):
        await _all(HELLO)
    stand_in = OpenAIStandIn("", [Reply("Back again.")])
    servers: list[asyncio.Server] = []

    async def start_it(_: float) -> None:
        servers.append(await asyncio.start_server(stand_in.serve, "127.0.0.1", port))

    monkeypatch.setattr(chat, "_pause", start_it)
    try:
        assert _text(await _all(HELLO)) == "Back again."
    finally:
        servers[0].close()


async def test_a_provider_of_our_own_answers_through_the_same_door(
    server: OpenAIStandIn,
) -> None:
    asked: list[ChatRequest] = []

    async def echo(request: ChatRequest) -> AsyncIterator[str]:
        asked.append(request)
        for word in ("You ", "said ", "hello."):
            yield word

    register_provider("echo", echo)
    deltas = await _all(ChatRequest(HELLO.messages, model="echo/loud"))
    assert _text(deltas) == "You said hello."
    assert asked[0].messages == HELLO.messages
    assert isinstance(deltas[-1], Finished)
    assert deltas[-1].cost is None
    assert not server.requests


async def test_a_failure_of_our_own_provider_keeps_its_sentence(server: OpenAIStandIn) -> None:
    async def broken(request: ChatRequest) -> AsyncIterator[str]:
        yield "I "
        raise UpstreamError("The passages could not be read; ask again.")

    register_provider("broken", broken)
    with pytest.raises(UpstreamError):
        await _all(ChatRequest(HELLO.messages, model="broken/x"))


async def test_another_providers_model_gets_neither_address_nor_key(
    server: OpenAIStandIn, monkeypatch: pytest.MonkeyPatch
) -> None:
    request = ChatRequest(HELLO.messages, model="anthropic/claude-x")
    arguments = chat._arguments(request, "anthropic/claude-x", chat.get_settings())
    assert {"api_base", "api_key"}.isdisjoint(arguments)


async def _until(condition: Callable[[], bool]) -> None:
    while not condition():
        await asyncio.sleep(0.01)


@pytest.fixture
def waits(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The waits between tries, none of which is waited for."""
    seconds: list[float] = []

    async def note(wait: float) -> None:
        seconds.append(wait)

    monkeypatch.setattr(chat, "_pause", note)
    return seconds


@pytest.mark.parametrize("status", [408, 409, 429, 500, 503])
async def test_stream_with_a_temporary_failure_asks_again_with_back_off(
    server: OpenAIStandIn, waits: list[float], status: int
) -> None:
    server.replies = [Reply(status=status), Reply(status=status), Reply("There.")]
    assert _text(await _all(HELLO)) == "There."
    assert waits == [0.5, 1.0]


async def test_stream_with_retry_after_waits_as_long(
    server: OpenAIStandIn, waits: list[float]
) -> None:
    server.replies = [Reply(status=429, headers={"Retry-After": "7"}), Reply("There.")]
    assert _text(await _all(HELLO)) == "There."
    assert waits == [7.0]


async def test_stream_with_a_long_retry_after_does_not_wait(
    server: OpenAIStandIn, waits: list[float]
) -> None:
    server.replies = [Reply(status=429, headers={"Retry-After": "3600"}), Reply("There.")]
    with pytest.raises(UpstreamError, match="takes no more requests"):
        await _all(HELLO)
    assert (waits, len(server.requests)) == ([], 1)


@pytest.mark.parametrize("status", [400, 401, 403, 404, 422])
async def test_stream_with_a_lasting_failure_asks_once(
    server: OpenAIStandIn, waits: list[float], status: int
) -> None:
    server.replies = [Reply(status=status), Reply("There.")]
    with pytest.raises(UpstreamError):
        await _all(HELLO)
    assert (waits, len(server.requests)) == ([], 1)


async def test_stream_with_fallbacks_is_answered_by_the_next_model(
    server: OpenAIStandIn, waits: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = chat.get_settings().model_copy(update={"chat_fallbacks": "openai/gpt-4o-mini"})
    monkeypatch.setattr(chat, "get_settings", lambda: settings)
    server.replies = [*(Reply(status=503) for _ in range(3)), Reply("From another.")]
    deltas = await _all(HELLO)
    assert _text(deltas) == "From another."
    assert [request["model"] for request in server.requests] == ["stand-in"] * 3 + ["gpt-4o-mini"]
    assert isinstance(deltas[-1], Finished)
    assert deltas[-1].model == "openai/gpt-4o-mini"
    server.replies = [Reply(status=503)] * 3
    with pytest.raises(UpstreamError):  # the workspace's own key pays for its own model alone
        await _all(ChatRequest(HELLO.messages, api_key=SecretStr(KEY)))
