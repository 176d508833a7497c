"""Server-sent events over a log: resumable, to the last event, independent of who reads."""

from __future__ import annotations

from collections.abc import AsyncIterator
from functools import partial

import pytest
from werkzeug.datastructures import Headers

from api.call import Call, Facts
from api.stream import last_event_id, require_given, stream_events
from core.errors import ValidationFailed
from core.events import Event
from core.services import Services


async def _nobody() -> AsyncIterator[bytes]:
    return
    yield


def _call(services: Services, last_seen: str | None = None) -> Call:
    headers = Headers({"Last-Event-ID": last_seen} if last_seen else {})
    return Call(services, Facts("GET", "/", headers, "::1", {}, _nobody()), "req_1")


async def _events(*events: Event | None) -> AsyncIterator[Event | None]:
    for event in events:
        yield event


async def _sent(events: AsyncIterator[Event | None]) -> bytes:
    stream = stream_events(events).stream
    assert stream is not None
    return b"".join([piece async for piece in stream])


async def test_events_are_numbered_frames_and_silence_is_a_comment() -> None:
    sent = await _sent(
        _events(Event(1, {"type": "text", "n": "é"}), None, Event(2, {"type": "end"}))
    )
    assert sent.decode() == (
        'id: 1\ndata: {"type":"text","n":"é"}\n\n'
        ": keepalive\n\n"
        'id: 2\ndata: {"type":"end"}\n\n'
        "data: [DONE]\n\n"
    )


async def test_an_event_that_holds_line_ends_stays_one_frame() -> None:
    sent = await _sent(_events(Event(1, {"delta": "a\n\ndata: [DONE]\n\n"})))
    assert sent.count(b"\n\n") == 2


@pytest.mark.parametrize("made_up", ["x", "-1", "1.5", "9" * 20, "²"])
async def test_a_last_event_id_is_a_number(services: Services, made_up: str) -> None:
    with pytest.raises(ValidationFailed):
        last_event_id(_call(services, made_up))


async def test_only_numbers_that_a_log_gave_are_taken(services: Services) -> None:
    for _ in range(3):
        await services.events.append("turn:m", {"type": "text"})
    check = partial(require_given, _call(services), "turn:m")
    await check(0)
    await check(3)
    with pytest.raises(ValidationFailed):
        await check(4)
    await require_given(_call(services), "turn:gone", 7)  # the row still knows the whole
