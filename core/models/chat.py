"""The door to chat models: one request in, a typed stream out, by litellm."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, AsyncIterable, Collection
from contextlib import aclosing
from dataclasses import replace
from typing import Any, Final, Protocol

import structlog

from core.config import Settings, get_settings
from core.errors import UpstreamError
from core.models import failures
from core.models.answer import Answer, has_reason, openai_stream
from core.models.hosted import provider_of
from core.models.messages import (
    ChatDelta,
    ChatRequest,
    Finished,
    TextDelta,
    ToolCall,
    ToolSpec,
)
from core.models.providers import litellm_module, registered_providers
from core.models.room import is_local
from core.models.schema_answer import SchemaAnswer
from core.models.schema_calls import in_schema

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
    model = request.model or get_settings().chat_model
    if is_local(model):
        async with aclosing(_read_by_schema(request, model)) as deltas:
            async for delta in deltas:
                yield delta
        return
    async with aclosing(_streamed(request, model)) as deltas:
        async for delta in deltas:
            yield delta


async def _read_by_schema(request: ChatRequest, model: str) -> AsyncGenerator[ChatDelta, None]:
    """Yield the answer of a model without tool calls of its own, as if it had them."""
    wanted = in_schema(request)
    read = SchemaAnswer() if wanted.response_format and not request.response_format else None
    has_called = False
    async with aclosing(_streamed(wanted, model)) as deltas:
        async for delta in deltas:
            if read is None or not isinstance(delta, TextDelta | Finished):
                yield delta
            elif isinstance(delta, TextDelta):
                for piece in read.feed(delta.text):
                    yield piece
            else:
                for last in read.finish():
                    has_called = has_called or isinstance(last, ToolCall)
                    yield last
                yield replace(delta, reason="tool_calls") if has_called else delta


async def _streamed(request: ChatRequest, model: str) -> AsyncGenerator[ChatDelta, None]:
    settings = get_settings()
    chunks, model = await _connect(request, model, settings)
    answer = Answer(model)
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


async def supported_parameters(model: str) -> frozenset[str]:
    """Return the names of OpenAI's parameters that a model accepts, by litellm's tables."""
    if model.partition("/")[0] in registered_providers():
        return frozenset()
    litellm = await litellm_module()
    if is_local(model):  # its server speaks OpenAI's API; tool calls are made of a schema
        names = litellm.get_supported_openai_params(model, custom_llm_provider="openai")
        return frozenset(names or ()) - {"parallel_tool_calls", "tool_choice"}
    return frozenset(litellm.get_supported_openai_params(model) or ())


async def supports_images(model: str) -> bool:
    """Whether a model reads images, by litellm's tables."""
    if is_local(model) or model.partition("/")[0] in registered_providers():
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

    Only that one: a counter that nobody asks for is 75 MB. A local model counts by itself.
    """
    litellm = await litellm_module()
    if is_local(get_settings().chat_model):
        return
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
    if is_local(model) and not settings.chat_base_url:
        raise UpstreamError(
            f"The model {model} does not run: start the service by make run, which starts it, or "
            "set NUXA_CHAT_BASE_URL to a server that has it.",
            {"model": model, "reason": "NotStarted"},
        )
    arguments: dict[str, Any] = {
        "model": f"openai/{model.partition('/')[2]}" if is_local(model) else model,
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
    if is_local(model):
        # litellm sends ``user`` to models of its list only
        arguments["extra_body"] = {"user": request.asker} if request.asker else None
        arguments["api_key"] = arguments["api_key"] or "none"  # the client wants one
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
