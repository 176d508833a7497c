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
    return Reply(headers=dict(_HEADERS), stream=_frames(events, log, after, last_types))


def stream_events(events: AsyncIterator[Event | None]) -> Reply:
    """Return an answer that sends events to the end of the iterator, then ``[DONE]``."""
    return Reply(headers=dict(_HEADERS), stream=_sent(events))


async def require_given(call: Call, log: str, after: int) -> None:
    """Raise ``ValidationFailed`` for a ``Last-Event-ID`` that a log, while kept, never gave."""
    events = call.services.events
    if after > 0 and await events.exists(log):
        seen = await events.read(log, after - 1)
        if not seen or seen[0].number != after:
            raise ValidationFailed("Last-Event-ID names no event of this stream; leave it away.")


def last_event_id(call: Call) -> int:
    """Return the number in ``Last-Event-ID``, 0 without one."""
    text = call.request.headers.get("Last-Event-ID", "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ValidationFailed("Last-Event-ID must be the number of an event.")
    return int(text)


async def _frames(
    events: EventLogs, log: str, after: int, last_types: Collection[str]
) -> AsyncIterator[bytes]:
    async for event in events.follow(log, after):
        if event is None:
            yield b": keepalive\n\n"
            continue
        yield _frame(event)
        if event.data.get("type") in last_types:
            break
    async for frame in _done():
        yield frame


async def _sent(events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    async for event in events:
        yield b": keepalive\n\n" if event is None else _frame(event)
    async for frame in _done():
        yield frame


async def _done() -> AsyncIterator[bytes]:
    yield b"data: [DONE]\n\n"


def _frame(event: Event) -> bytes:
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.number}\ndata: {data}\n\n".encode()
