"""openai_complete against a server that answers as OpenAI's chat completions do."""

from __future__ import annotations

import pytest

from core.config import Settings
from core.errors import UpstreamError, ValidationFailed
from pipelines.tools.upstream import ServiceRefused
from tests.pipelines.tools.conftest import CallTool, Save
from tests.stand_in import Asked, Says, StandIn

KEY = "sk-right"
_KNOWN = {"model", "messages", "temperature", "max_completion_tokens"}


def _error(status: int, message: str, kind: str, code: str | None, **headers: str) -> Says:
    body = {"error": {"message": message, "type": kind, "param": None, "code": code}}
    return Says.json(body, status, **headers)


def openai(asked: Asked) -> Says:
    if (asked.method, asked.path) != ("POST", "/v1/chat/completions"):
        return _error(404, f"Invalid URL ({asked.path})", "invalid_request_error", None)
    given = asked.headers.get("authorization", "")
    if given != f"Bearer {KEY}":
        message = f"Incorrect API key provided: {given.removeprefix('Bearer ')}."
        return _error(401, message, "invalid_request_error", "invalid_api_key")
    body = asked.json()
    if unknown := body.keys() - _KNOWN:
        return _error(400, f"Unrecognized: {unknown}", "invalid_request_error", None)
    if body["model"] != "gpt-4o-mini":
        return _error(404, "The model does not exist", "invalid_request_error", "model_not_found")
    message = {"role": "assistant", "content": "Hello!", "refusal": None}
    return Says.json(
        {
            "id": "chatcmpl-1",
            "object": "chat.completion",
            "created": 1,
            "model": "gpt-4o-mini-2024-07-18",
            "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
            "usage": {"prompt_tokens": 9, "completion_tokens": 2, "total_tokens": 11},
        }
    )


@pytest.fixture(autouse=True)
async def openai_server(
    settings: Settings, server: StandIn, save: Save, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.answer = openai
    monkeypatch.setattr(settings, "openai_base_url", server.url + "/v1/")
    await save("OPENAI_API_KEY", KEY)


async def test_prompt_is_answered(call_tool: CallTool, server: StandIn) -> None:
    output = await call_tool(
        "openai_complete", model="gpt-4o-mini", prompt="Hi", temperature=0, maxTokens=5
    )
    assert output == {
        "content": "Hello!",
        "model": "gpt-4o-mini-2024-07-18",
        "finishReason": "stop",
        "tokens": {"input": 9, "output": 2, "total": 11},
    }
    assert server.asked[0].json() == {
        "model": "gpt-4o-mini",
        "messages": [{"role": "user", "content": "Hi"}],
        "temperature": 0,
        "max_completion_tokens": 5,
    }


async def test_messages_are_sent_as_given(call_tool: CallTool, server: StandIn) -> None:
    messages = [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Hi"}]
    await call_tool("openai_complete", model="gpt-4o-mini", messages=messages)
    assert server.asked[0].json() == {"model": "gpt-4o-mini", "messages": messages}


@pytest.mark.parametrize(
    "params",
    [
        {"model": "m"},
        {"model": "m", "prompt": "a", "messages": [{"role": "user", "content": "a"}]},
        {"model": "m", "messages": []},
        {"model": "m", "prompt": "a", "temperature": 3},
        {"model": "m", "prompt": "a", "maxTokens": 0},
        {"prompt": "a"},
    ],
)
async def test_bad_parameters_are_not_sent(
    params: dict[str, object], call_tool: CallTool, server: StandIn
) -> None:
    with pytest.raises(ValidationFailed):
        await call_tool("openai_complete", **params)
    assert server.asked == []


async def test_wrong_key_is_said_and_masked(call_tool: CallTool, save: Save) -> None:
    await save("OPENAI_API_KEY", "sk-wrong-1234")
    with pytest.raises(ServiceRefused, match="Incorrect API key") as caught:
        await call_tool("openai_complete", model="gpt-4o-mini", prompt="Hi")
    assert "sk-wrong-1234" not in str(caught.value)
    assert caught.value.details["reason"] == "invalid_api_key"


async def test_unknown_model_is_said(call_tool: CallTool) -> None:
    with pytest.raises(ServiceRefused, match="does not exist") as caught:
        await call_tool("openai_complete", model="gpt-0", prompt="Hi")
    assert caught.value.details["reason"] == "model_not_found"


@pytest.mark.parametrize(
    ("says", "words"),
    [
        (_error(403, "Country not supported", "request_forbidden", None), "does not allow"),
        (_error(429, "Rate limit", "requests", "rate_limit_exceeded", Retry_After="2"), "in 2 s"),
        (_error(429, "Quota", "insufficient_quota", "insufficient_quota"), "Quota"),
        (_error(500, "The server had an error", "server_error", None), "on its side"),
        (Says(502, body=b"<html>bad gateway</html>"), "on its side"),
    ],
)
async def test_refusals_say_what_to_do(
    says: Says, words: str, call_tool: CallTool, server: StandIn
) -> None:
    server.answer = lambda asked: says
    with pytest.raises(ServiceRefused, match=words):
        await call_tool("openai_complete", model="gpt-4o-mini", prompt="Hi")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "says",
    [
        Says(200, body=b"{"),
        Says.json({"model": "m", "choices": []}),
        Says.json({"model": "m", "choices": [{"text": "old"}]}),
        Says.json({"choices": [{"message": {"content": "a"}}]}),
    ],
)
async def test_broken_answers_are_upstream_errors(
    says: Says, call_tool: CallTool, server: StandIn
) -> None:
    server.answer = lambda asked: says
    with pytest.raises(UpstreamError):
        await call_tool("openai_complete", model="gpt-4o-mini", prompt="Hi")
