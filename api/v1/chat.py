"""``/api/v1/chat/completions`` and ``/api/v1/models`` in OpenAI's format."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from api.access import READ
from api.call import Call, Reply
from api.endpoint import Media, endpoint
from api.stream import HEADERS
from api.v1.completion_request import CompletionRequest
from api.v1.model_parameters import select_parameters
from api.v1.schemas import (
    AnswerMessage,
    CalledFunction,
    ChatChunk,
    ChatCompletion,
    Choice,
    ChunkChoice,
    ChunkDelta,
    ClientToolCall,
    Mark,
    Model,
    Models,
    TokenUsage,
    ToolCallDelta,
)
from copilot.completion import Conversation, answer, hiding, searched
from copilot.masking import secrets_of
from copilot.models import all_choices, require_model
from core.errors import NuxaError, UpstreamError
from core.ids import new_id
from core.models.messages import TextDelta, ToolCall
from pipelines.agent import Done, Task
from pipelines.citations import Citation

_KEEPALIVE_SECONDS: Final = 10
_END: Final = object()


@endpoint("GET", "/api/v1/models", access=READ.key_only())
async def list_openai_models(call: Call) -> Models:
    """List the models a completion may name."""
    own = await call.unit.model_providers.names()
    models = await all_choices(call.services.settings, own)
    return Models(data=[Model(id=choice.id) for choice in models])


@endpoint(
    "POST",
    "/api/v1/chat/completions",
    access=READ.key_only(),
    answers={200: (ChatCompletion, Media("text/event-stream", ChatChunk))},
    errors=(UpstreamError,),
)
async def complete_chat(call: Call, body: CompletionRequest) -> Reply:
    """Answer the last message from knowledge bases, with checked citations.

    OpenAI's clients work with this by base URL and key. ``stream`` sends chunks. What is said is
    kept nowhere.
    """
    model = require_model(body.model, call.services.settings)
    parameters = await select_parameters(body, model)
    conversation = Conversation(
        messages=parameters.messages,
        model=model,
        base_ids=body.knowledge_base_ids,
        temperature=parameters.temperature,
        max_tokens=parameters.max_tokens,
        response_format=parameters.response_format,
        own_url=call.services.settings.base_url,
        tools=parameters.tools,
        parameters=parameters.further,
    )
    task, secrets = await asyncio.gather(
        searched(call.services.store, call.workspace_id, conversation),
        secrets_of(call.services, call.workspace_id),
    )
    task = hiding(task, secrets)
    headers = parameters.headers
    if body.stream:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        stream = _streamed(task, model, with_usage)
        return Reply(headers={**HEADERS, **headers}, stream=stream)
    return Reply(await call.wait_while_allowed(_complete(task)), headers=headers)


async def _complete(task: Task) -> ChatCompletion:
    calls: list[ClientToolCall] = []
    async with aclosing(answer(task)) as events:
        async for event in events:
            if isinstance(event, ToolCall):
                calls.append(_client_call(event))
            elif isinstance(event, Done):
                return _whole(event, calls)
    raise UpstreamError("The model ended without an answer; ask again.")


def _client_call(call: ToolCall) -> ClientToolCall:
    function = CalledFunction(name=call.name, arguments=call.arguments or "{}")
    return ClientToolCall(id=call.id, type="function", function=function)


def _whole(done: Done, calls: list[ClientToolCall]) -> ChatCompletion:
    marks = [Mark.model_validate(citation) for citation in done.citations]
    content = None if calls and not done.content else done.content
    message = AnswerMessage(content=content, tool_calls=calls or None, citations=marks)
    reason = "tool_calls" if calls else done.reason
    return ChatCompletion(
        id=new_id("chatcmpl"),
        created=int(time.time()),
        model=done.model,
        choices=[Choice(message=message, finish_reason=reason)],
        usage=_usage(done),
    )


async def _streamed(task: Task, model: str, with_usage: bool) -> AsyncIterator[bytes]:
    """Yield the frames of a stream; one that breaks off says so in its last."""
    head = {"id": new_id("chatcmpl"), "created": int(time.time()), "model": model}

    def frame(delta: ChunkDelta, reason: str | None = None) -> bytes:
        choice = ChunkChoice(delta=delta, finish_reason=reason)
        return _data(ChatChunk(**head, choices=[choice]))

    count = 0  # of tool calls
    yield frame(ChunkDelta(role="assistant", content=""))
    try:
        async with aclosing(_kept_alive(task)) as events:
            async for event in events:
                if event is None:
                    yield b": keepalive\n\n"
                elif isinstance(event, TextDelta):
                    yield frame(ChunkDelta(content=event.text))
                elif isinstance(event, Citation):
                    yield frame(ChunkDelta(citations=[Mark.model_validate(event)]))
                elif isinstance(event, ToolCall):
                    whole = _client_call(event).model_dump()
                    yield frame(ChunkDelta(tool_calls=[ToolCallDelta(index=count, **whole)]))
                    count += 1
                elif isinstance(event, Done):
                    yield frame(ChunkDelta(), "tool_calls" if count else event.reason)
                    if with_usage:
                        yield _data(ChatChunk(**head, choices=[], usage=_usage(event)))
    except NuxaError as error:
        said = {"code": error.code, "message": error.message, "details": error.details}
        yield f"data: {json.dumps({'error': said})}\n\n".encode()
        return
    yield b"data: [DONE]\n\n"


async def _kept_alive(task: Task) -> AsyncGenerator[object, None]:
    """Yield an answer's events; ``None`` where nothing came for a while."""
    events = answer(task)
    waiting: asyncio.Task[object] | None = None
    try:
        while True:
            waiting = waiting or asyncio.ensure_future(anext(events, _END))
            done, _ = await asyncio.wait({waiting}, timeout=_KEEPALIVE_SECONDS)
            if not done:
                yield None
                continue
            event, waiting = waiting.result(), None
            if event is _END:
                return
            yield event
    finally:
        if waiting is not None:
            waiting.cancel()
            await asyncio.gather(waiting, return_exceptions=True)
        await events.aclose()


def _data(chunk: ChatChunk) -> bytes:
    return f"data: {chunk.model_dump_json(by_alias=True)}\n\n".encode()


def _usage(done: Done) -> TokenUsage:
    return TokenUsage(
        prompt_tokens=done.input_tokens,
        completion_tokens=done.output_tokens,
        total_tokens=done.input_tokens + done.output_tokens,
    )
