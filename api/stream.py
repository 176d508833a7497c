"""Server-sent events out of an event log: resumable, kept alive, independent of the writer."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

from api.call import Call, Reply
from core.errors import ValidationFailed
from core.events import Event

HEADERS = {
    "Content-Type": "text/event-stream; charset=utf-8",
    "Cache-Control": "no-cache, no-transform",
    "X-Accel-Buffering": "no",
}


def stream_events(events: AsyncIterator[Event | None]) -> Reply:
    """Return an answer that sends events to the end of the iterator, then ``[DONE]``.

    ``None`` among them is a keep-alive. A client that goes away ends only this reader.
    """
    return Reply(headers=dict(HEADERS), stream=_sent(events))


async def require_given(call: Call, log: str, after: int) -> None:
    """Raise ``ValidationFailed`` for a ``Last-Event-ID`` that a log, while kept, never gave."""
    events = call.services.events
    if after > 0 and await events.exists(log) and await events.at(log, after) is None:
        raise ValidationFailed("Last-Event-ID names no event of this stream; leave it away.")


def last_event_id(call: Call) -> int:
    """Return the number in ``Last-Event-ID``, 0 without one."""
    text = call.request.headers.get("Last-Event-ID", "").strip()
    if not text:
        return 0
    if not text.isascii() or not text.isdigit() or len(text) > 15:
        raise ValidationFailed("Last-Event-ID must be the number of an event.")
    return int(text)


async def _sent(events: AsyncIterator[Event | None]) -> AsyncIterator[bytes]:
    async for event in events:
        yield b": keepalive\n\n" if event is None else _frame(event)
    yield b"data: [DONE]\n\n"


def _frame(event: Event) -> bytes:
    data = json.dumps(event.data, ensure_ascii=False, separators=(",", ":"))
    return f"id: {event.number}\ndata: {data}\n\n".encode()
