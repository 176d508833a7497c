"""Asking the copilot, and reading what it answers."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from functools import partial

from api.access import READ
from api.call import Call, Reply
from api.copilot.events import CopilotEvent
from api.copilot.schemas import (
    AbortAnswer,
    AskBody,
    ChatAnswer,
    Feedback,
    FeedbackBody,
    MessageAnswer,
    SteerBody,
)
from api.endpoint import Media, endpoint
from api.errors import found
from api.stream import last_event_id, require_given, stream_events
from copilot.begin import Ask, begin
from copilot.events import follow, log_name
from copilot.steering import steer
from copilot.turn import launch
from core.errors import NuxaError, RateLimited, ServiceUnavailable, UpstreamError, ValidationFailed
from core.events import Event
from core.store.messages import TERMINAL, Message

EVENTS = Media("text/event-stream", CopilotEvent)


@endpoint("POST", "/api/copilot/chat", access=READ, errors=(UpstreamError,))
async def ask_copilot(call: Call, body: AskBody) -> ChatAnswer:
    """Answer when the whole answer is there; the turn goes on if the caller hangs up."""
    async with call.services.store.unit(call.workspace_id) as unit:
        turn = await begin(unit, call.services, call.user_id, _ask(call, body))
        if turn.is_new:
            unit.after_commit(partial(launch, call.services, turn))
    await call.wait_while_allowed(_end_of(call, turn.message))
    return _answer(found(await _reload(call, turn.message.id), "message"))


@endpoint(
    "POST",
    "/api/copilot/stream",
    access=READ,
    answers={200: EVENTS},
    headers=("Last-Event-ID",),
)
async def stream_copilot(call: Call, body: AskBody) -> Reply:
    """Answer as it is written, as server-sent events."""
    after = last_event_id(call)
    turn = await begin(call.unit, call.services, call.user_id, _ask(call, body))
    if turn.is_new:
        call.unit.after_commit(partial(launch, call.services, turn))
    else:
        await require_given(call, log_name(turn.message), after)
    return stream_events(_follow(call, turn.message, 0 if turn.is_new else after))


@endpoint(
    "GET",
    "/api/copilot/streams/<message_id>",
    access=READ,
    answers={200: EVENTS},
    headers=("Last-Event-ID",),
)
async def resume_copilot(call: Call, message_id: str) -> Reply:
    """Follow a turn from ``Last-Event-ID`` on, or from its start, whether it is over or not."""
    message = found(await call.unit.messages.get(message_id, call.user_id), "message")
    after = last_event_id(call)
    await require_given(call, log_name(message), after)
    return stream_events(_follow(call, message, after))


@endpoint("POST", "/api/copilot/streams/<message_id>/abort", access=READ)
async def abort_copilot(call: Call, message_id: str) -> AbortAnswer:
    """End a turn within a second or two, keeping what was written; again changes nothing."""
    message = found(await call.unit.messages.get(message_id, call.user_id), "message")
    await call.unit.messages.request_cancel(message)
    status = message.status if message.status in TERMINAL else "aborting"
    return AbortAnswer(message_id=message.id, status=status)


@endpoint("POST", "/api/copilot/streams/<message_id>/steer", access=READ, status=202)
async def steer_copilot(call: Call, message_id: str, body: SteerBody) -> MessageAnswer:
    """Say something to an answer that is being written: heard before the model is asked again."""
    message = found(await call.unit.messages.get(message_id, call.user_id), "message")
    return MessageAnswer.model_validate(await steer(call.unit, message, body.message))


@endpoint("POST", "/api/copilot/feedback", access=READ)
async def rate_answer(call: Call, body: FeedbackBody) -> Feedback:
    """Say whether an answer was good; a later word replaces an earlier one."""
    message = found(await call.unit.messages.get(body.message_id, call.user_id), "message")
    if message.role != "assistant":
        raise ValidationFailed("Only answers are rated; name the message of one.")
    told = {"rating": body.rating, "comment": body.comment}
    message.feedback = told if body.rating or body.comment else None
    return Feedback(message_id=message.id, rating=body.rating, comment=body.comment)


def _ask(call: Call, body: AskBody) -> Ask:
    """Return the question; repeats of an Idempotency-Key are one turn."""
    ask = replace(body.ask(), rights=call.caller.rights)
    if ask.user_message_id is None and call.once_id is not None:
        return replace(ask, user_message_id=f"once_{call.once_id}")
    return ask


def _follow(call: Call, message: Message, after: int) -> AsyncIterator[Event | None]:
    return follow(call.services.events, message, partial(_reload, call, message.id), after)


def _failure(message: Message, code: str, sentence: str) -> NuxaError:
    """Return what a turn failed with; no slot was free for the run of a published workflow."""
    place = {"chatId": message.chat_id, "messageId": message.id}
    if code == RateLimited.code:
        limited = RateLimited(sentence, "concurrency", 2)
        limited.details |= place
        return limited
    kind = UpstreamError if code == UpstreamError.code else ServiceUnavailable
    return kind(sentence, {**place, "reason": code})


async def _end_of(call: Call, message: Message) -> None:
    async for _ in _follow(call, message, 0):
        pass


async def _reload(call: Call, message_id: str) -> Message | None:
    async with call.services.store.unit(call.workspace_id) as unit:
        return await unit.messages.get(message_id, call.user_id)


def _answer(message: Message) -> ChatAnswer:
    if message.error:
        raise _failure(message, message.error["code"], message.error["message"])
    return ChatAnswer(
        chat_id=message.chat_id,
        message_id=message.id,
        content=message.content,
        citations=message.citations,
        tool_calls=message.tool_calls,
        artifacts=message.artifacts,
        usage=message.usage,
        model=message.model,
    )
