"""The door to chat models: one request in, a typed stream out, by litellm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Collection
from contextlib import aclosing
from typing import Any, Final, Protocol

import structlog

from core.config import LOCAL_CHAT_MODEL, Settings, get_settings
from core.errors import UpstreamError
from core.models import failures
from core.models.answer import Answer, has_reason
from core.models.hosted import provider_of
from core.models.messages import ChatDelta, ChatRequest, Finished, ToolCall, ToolSpec
from core.models.providers import litellm_module, registered_providers

_CONNECT_TRIES: Final = 3
_CONNECT_WAIT_SECONDS: Final = 0.5
_MAX_RETRY_AFTER_SECONDS: Final = 10.0

log = structlog.get_logger(__name__)


class ChatDoor(Protocol):
    """Anything that answers a request like ``stream``: the door itself, or a test's stand-in."""

    def __call__(self, request: ChatRequest) -> AsyncGenerator[ChatDelta, None]: ...


async def stream(request: ChatRequest) -> AsyncGenerator[ChatDelta, None]:
    """Yield text, thoughts and whole tool calls as they come; ``Finished`` is always the last.

    A connection that is refused, 408, 409, 429 and 5xx are tried again with back-off, then by the
    models of ``NUXA_CHAT_FALLBACKS``; an answer that has begun never. Closing the iterator, or
    cancelling its task, ends the call to the model. Raises ``UpstreamError`` with a sentence on
    what to change, also when the model falls silent for ``NUXA_CHAT_TIMEOUT_SECONDS``.
    """
    settings = get_settings()
    litellm = await litellm_module()
    chunks, model = await _connect(request, request.model or settings.chat_model, settings)
    answer = Answer(model)
    async with aclosing(_paced(chunks, model, settings.chat_timeout_seconds)) as pieces:
        async for chunk in pieces:
            for delta in answer.take(chunk):
                yield delta
    if not has_reason(chunks):
        raise failures.broken_off(model)
    for call in answer.calls():
        yield call
    yield answer.finish(litellm)


async def supported_parameters(model: str) -> frozenset[str]:
    """Return the names of OpenAI's parameters that a model accepts, by litellm's tables."""
    if model.partition("/")[0] in registered_providers():
        return frozenset()
    litellm = await litellm_module()
    return frozenset(litellm.get_supported_openai_params(model) or ())


async def supports_images(model: str) -> bool:
    """Whether a model reads images, by litellm's tables."""
    if model.partition("/")[0] in registered_providers():
        return False
    return bool((await litellm_module()).supports_vision(model))


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


async def _connect(request: ChatRequest, model: str, settings: Settings) -> tuple[Any, str]:
    """Return a stream that has begun, and the model that gives it: the one asked, or a fallback."""
    models = [model, *_fallbacks(request, model, settings)]
    for tried in models[:-1]:
        try:
            return await _connect_to(tried, request, settings), tried
        except UpstreamError as error:
            if not failures.is_temporary(error):
                raise
            log.warning("chat_model_fallback", details=error.details)
    return await _connect_to(models[-1], request, settings), models[-1]


def _fallbacks(request: ChatRequest, model: str, settings: Settings) -> list[str]:
    """Return the models to ask in another's place: the operator's, for the operator's own."""
    if model != settings.chat_model or request.api_key is not None:
        return []
    names = [name.strip() for name in settings.chat_fallbacks.split(",")]
    return [name for name in names if name and name != model]


async def _connect_to(model: str, request: ChatRequest, settings: Settings) -> Any:
    litellm = await litellm_module()
    arguments = _arguments(request, model, settings)
    for attempt in range(1, _CONNECT_TRIES + 1):
        try:
            async with asyncio.timeout(settings.chat_timeout_seconds):
                return await litellm.acompletion(**arguments)
        except TimeoutError:
            raise failures.silent(model, settings.chat_timeout_seconds) from None
        except failures.raised_by_litellm() as error:
            wait = failures.retry_after(error) or _CONNECT_WAIT_SECONDS * 2 ** (attempt - 1)
            is_last = attempt == _CONNECT_TRIES or wait > _MAX_RETRY_AFTER_SECONDS
            if is_last or not failures.is_temporary(error):
                raise failures.explain(error, model) from error
        await _pause(wait)
    raise AssertionError("the last attempt returns or raises")


async def count_unfinished(request: ChatRequest, text: str) -> Finished:
    """Return what a call has used that was broken off after ``text``, counted as litellm would."""
    litellm = await litellm_module()
    answer = Answer(request.model or get_settings().chat_model, "aborted")
    answer.add_text(text)
    await asyncio.to_thread(answer.count, litellm, list(request.messages))
    return answer.finish(litellm)


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def _paced(chunks: Any, model: str, seconds: float) -> AsyncGenerator[Any, None]:
    """Yield chunks, each within ``seconds`` of the one before, with failures explained."""
    iterator = aiter(chunks)
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
    if request.parameters:
        unusable = () if request.tools else ("tool_choice", "parallel_tool_calls")
        arguments |= {k: v for k, v in request.parameters.items() if k not in unusable}
        arguments["drop_params"] = True  # a fallback may support fewer than the model asked for
    if request.tools:
        arguments["tools"] = [_tool(tool) for tool in request.tools]
        if not request.may_call_tools:
            arguments["tool_choice"] = "none"
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
    if configured == LOCAL_CHAT_MODEL:
        return model == configured
    provider = model.partition("/")[0]
    return provider not in registered_providers() and provider == configured.partition("/")[0]


def tool_arguments(call: ToolCall) -> dict[str, Any]:
    """Return a call's arguments as an object. Raises ``ValueError`` when they are not one."""
    arguments = json.loads(call.arguments or "{}")
    if not isinstance(arguments, dict):
        raise ValueError("the arguments must be a JSON object")
    return arguments
