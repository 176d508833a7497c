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
from api.v1.schemas import (
    AnswerMessage,
    ChatChunk,
    ChatCompletion,
    Choice,
    ChunkChoice,
    ChunkDelta,
    CompletionRequest,
    Mark,
    Model,
    Models,
    TokenUsage,
)
from copilot.completion import Conversation, answer, hiding, searched
from copilot.masking import secrets_of
from copilot.models import all_choices, require_model
from core.errors import NuxaError, UpstreamError
from core.ids import new_id
from core.models.messages import TextDelta
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
    conversation = Conversation(
        messages=[message.plain() for message in body.messages],
        model=require_model(body.model, call.services.settings),
        base_ids=body.knowledge_base_ids,
        temperature=body.temperature,
        max_tokens=body.max_completion_tokens or body.max_tokens,
        response_format=body.response_format,
        own_url=call.services.settings.base_url,
    )
    task, secrets = await asyncio.gather(
        searched(call.services.store, call.workspace_id, conversation),
        secrets_of(call.services, call.workspace_id),
    )
    task = hiding(task, secrets)
    if body.stream:
        with_usage = bool(body.stream_options and body.stream_options.include_usage)
        return Reply(headers=dict(HEADERS), stream=_streamed(task, conversation.model, with_usage))
    return Reply(_whole(await call.wait_while_allowed(_end_of(task))))


async def _end_of(task: Task) -> Done:
    async with aclosing(answer(task)) as events:
        async for event in events:
            if isinstance(event, Done):
                return event
    raise UpstreamError("The model ended without an answer; ask again.")


def _whole(done: Done) -> ChatCompletion:
    marks = [Mark.model_validate(citation) for citation in done.citations]
    message = AnswerMessage(content=done.content, citations=marks)
    return ChatCompletion(
        id=new_id("chatcmpl"),
        created=int(time.time()),
        model=done.model,
        choices=[Choice(message=message, finish_reason=done.reason)],
        usage=_usage(done),
    )


async def _streamed(task: Task, model: str, with_usage: bool) -> AsyncIterator[bytes]:
    """Yield the frames of a stream; one that breaks off says so in its last."""
    head = {"id": new_id("chatcmpl"), "created": int(time.time()), "model": model}

    def frame(delta: ChunkDelta, reason: str | None = None) -> bytes:
        choice = ChunkChoice(delta=delta, finish_reason=reason)
        return _data(ChatChunk(**head, choices=[choice]))

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
                elif isinstance(event, Done):
                    yield frame(ChunkDelta(), event.reason)
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
