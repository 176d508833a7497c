"""The door to chat models: one request in, a typed stream out, by litellm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable, Collection
from contextlib import aclosing
from typing import Any, Final, Protocol

from core.config import Settings, get_settings
from core.models import failures
from core.models.answer import Answer, has_reason, openai_stream
from core.models.hosted import provider_of
from core.models.messages import ChatDelta, ChatRequest, ToolCall, ToolSpec
from core.models.providers import litellm_module, registered_providers

_CONNECT_TRIES: Final = 3
_CONNECT_WAIT_SECONDS: Final = 0.5


class ChatDoor(Protocol):
    """Anything that answers a request like ``stream``: the door itself, or a test's stand-in."""

    def __call__(self, request: ChatRequest) -> AsyncGenerator[ChatDelta, None]: ...


async def stream(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
    """Yield text, thoughts and whole tool calls as they come; ``Finished`` is always the last.

    A refused connection is tried again, an answer that has begun never. Closing the iterator, or
    cancelling its task, ends the call to the model. Raises ``UpstreamError`` with a sentence on
    what to change, also when the model falls silent for ``NUXA_CHAT_TIMEOUT_SECONDS``.
    """
    settings = get_settings()
    model = request.model or settings.chat_model
    answer = Answer(model)
    chunks = await _connect(request, model, settings)
    own = openai_stream(chunks)
    async with aclosing(_paced(chunks, own, model, settings.chat_timeout_seconds)) as pieces:
        async for chunk in pieces:
            for delta in answer.take(chunk):
                yield delta
    if not (answer.reason if own else has_reason(chunks)):
        raise failures.broken_off(model)
    for call in answer.calls():
        yield call
    litellm = await litellm_module()
    if own and not answer.is_counted:
        await asyncio.to_thread(answer.count, litellm, list(request.messages))
    yield answer.finish(litellm)


async def known_models(providers: Collection[str]) -> list[str]:
    """Return the chat models that litellm's own table has of hosted providers, in order."""
    if not providers:
        return []
    litellm = await litellm_module()
    names = {
        name if name.startswith(f"{provider}/") else f"{provider}/{name}"
        for provider in providers
        for name in litellm.models_by_provider.get(provider, ())
        if litellm.model_cost.get(name, {}).get("mode") == "chat"
    }
    return sorted(name for name in names if provider_of(name) in providers)


def configured_model() -> str:
    """Return the model that is asked where a request names none."""
    return get_settings().chat_model


async def load() -> None:
    """Import litellm and the configured model's counter of tokens; the first answer need not wait.

    Only that one: a counter that nobody asks for is 75 MB.
    """
    litellm = await litellm_module()
    await asyncio.to_thread(litellm.token_counter, model=get_settings().chat_model, text="warm")


async def _connect(request: ChatRequest, model: str, settings: Settings) -> Any:
    litellm = await litellm_module()
    arguments = _arguments(request, model, settings)
    for attempt in range(1, _CONNECT_TRIES + 1):
        try:
            async with asyncio.timeout(settings.chat_timeout_seconds):
                return await litellm.acompletion(**arguments)
        except TimeoutError:
            raise failures.silent(model, settings.chat_timeout_seconds) from None
        except failures.raised_by_litellm() as error:
            if attempt == _CONNECT_TRIES or not failures.is_refused_connection(error):
                raise failures.explain(error, model) from error
        await _pause(_CONNECT_WAIT_SECONDS * attempt)
    raise AssertionError("the last attempt returns or raises")


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _paced(
    chunks: Any, own: AsyncIterable[Any] | None, model: str, seconds: float
) -> AsyncGenerator[Any, None]:
    """Yield chunks, each within ``seconds`` of the one before, with failures explained."""
    iterator = aiter(own or chunks)
    try:
        while True:
            try:
                async with asyncio.timeout(seconds):
                    chunk = await anext(iterator)
            except StopAsyncIteration:
                return
            except TimeoutError:
                raise failures.silent(model, seconds) from None
            except failures.raised_by_litellm() as error:
                raise failures.explain(error, model) from error
            yield chunk
    finally:
        await chunks.aclose()


def _arguments(request: ChatRequest, model: str, settings: Settings) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "model": model,
        "messages": list(request.messages),
        "stream": True,
        "stream_options": {"include_usage": True},
        "timeout": settings.chat_timeout_seconds + 1,  # ours comes first, with its sentence
        "max_retries": 0,
        "temperature": request.temperature,
        "max_tokens": request.max_tokens,
        "response_format": request.response_format,
    }
    if request.tools:
        arguments["tools"] = [_tool(tool) for tool in request.tools]
        arguments["tool_choice"] = None if request.may_call_tools else "none"
    if _shares_provider(model, settings.chat_model):
        arguments["api_base"] = settings.chat_base_url
        key = settings.chat_api_key
        arguments["api_key"] = key.get_secret_value() if key else None
    if request.api_key is not None:
        arguments["api_key"] = request.api_key.get_secret_value()
    return {name: value for name, value in arguments.items() if value is not None}


def _tool(tool: ToolSpec) -> dict[str, Any]:
    function = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters,
    }
    return {"type": "function", "function": function}


def _shares_provider(model: str, configured: str) -> bool:
    """Whether the configured address and key are this model's too, and nobody else's."""
    provider = model.partition("/")[0]
    return provider not in registered_providers() and provider == configured.partition("/")[0]


def tool_arguments(call: ToolCall) -> dict[str, Any]:
    """Return a call's arguments as an object. Raises ``ValueError`` when they are not one."""
    arguments = json.loads(call.arguments or "{}")
    if not isinstance(arguments, dict):
        raise ValueError("the arguments must be a JSON object")
    return arguments
