"""Server-sent events out of an event log: resumable, kept alive, independent of the writer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Collection

from api.call import Call, Reply
from core.errors import ValidationFailed
from core.events import Event, EventLogs

_HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


async def stream_log(call: Call, log: str, last_types: Collection[str]) -> Reply:
    """Return an answer that follows a log from the request's ``Last-Event-ID``, else its start.

    It ends with ``[DONE]`` after an event whose ``type`` is one of ``last_types``. A client that
    goes away ends only this reader. Raises ``ValidationFailed`` for an id that was never given.
    """
    events = call.services.events
    after = last_event_id(call)
    if after > 0:
        seen = await events.read(log, after - 1)
        if not seen or seen[0].number != after:
            raise ValidationFailed("Last-Event-ID names no event of this stream; leave it away.")
        if seen[0].data.get("type") in last_types:
            return Reply(headers=dict(_HEADERS), stream=_done())
    return stream_events(_up_to_last(events, log, after, last_types))


def last_event_id(call: Call) -> int:
    """Return the number in ``Last-Event-ID``, 0 without one."""
    text = call.request.headers.get("Last-Event-ID", "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ValidationFailed("Last-Event-ID must be the number of an event.")
    return int(text)


def stream_events(events: AsyncIterator[Event | None]) -> Reply:
    """Return an answer of events to their end, then ``[DONE]``; ``None`` is a keep-alive."""
    return Reply(headers=dict(_HEADERS), stream=_framed(events))


async def _framed(events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    async for event in events:
        yield b": keepalive\n\n" if event is None else _frame(event)
    yield b"data: [DONE]\n\n"


async def _up_to_last(
    events: EventLogs, log: str, after: int, last_types: Collection[str]
) -> AsyncIterator[Event | None]:
    async for event in events.follow(log, after):
        yield event
        if event is not None and event.data.get("type") in last_types:
            break


async def _done() -> AsyncIterator[bytes]:
    yield b"data: [DONE]\n\n"


def _frame(event: Event) -> bytes:
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.number}\ndata: {data}\n\n".encode()
