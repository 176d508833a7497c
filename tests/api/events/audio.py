"""The events of talking."""

from __future__ import annotations

import base64
from typing import Any, Final

from tests.api.events.case import LEFT_OUT, Case, refusal
from tests.voices import tone

_FORMAT: Final = {"encoding": "pcm16", "sampleRate": 16_000, "channels": 1}
_STARTED: Final = (("audio:start", {"sessionId": "$session"}),)
_UNHEARD: Final = (
    refusal("apart", "CONFLICT"),
    refusal("outsider", "CONFLICT"),
    refusal("reader", "CONFLICT"),
    refusal("writer", "CONFLICT", sessionId="vs_none"),
)
_TEXT: Final = base64.b64encode(tone(0.1)).decode()
_ODD_SAMPLES: Final[tuple[dict[str, Any], ...]] = (
    {"data": LEFT_OUT},
    {"data": None},
    {"data": 5},
    {"data": [0, 0]},
    {"data": b"odd"},
    {"data": "not base64!"},
    {"data": _TEXT[:-1]},
    {"seq": -1},
    {"seq": "first"},
    {"seq": 1.5},
)

AUDIO: Final = {
    "audio:start": Case(
        sent={"sessionId": "$session", "format": _FORMAT},
        answer=frozenset({"sessionId", "format"}),
        refused=(
            refusal("outsider", "NOT_FOUND"),
            refusal("outsider", "NOT_FOUND", workspaceId="$workspace"),
            refusal("reader", "NOT_FOUND"),  # a colleague, but the session is another's
            refusal("narrow", "FORBIDDEN"),
            refusal("ended", "UNAUTHORIZED"),
            refusal("writer", "NOT_FOUND", sessionId="vs_none"),
        ),
        malformed=(
            {"format": "pcm16"},
            {"format": {**_FORMAT, "encoding": "mp3"}},
            {"format": {**_FORMAT, "sampleRate": 44_100}},
            {"format": {**_FORMAT, "channels": 2}},
            {"workspaceId": 3},
        ),
        oversize=(({"sessionId": "s" * 101}, "VALIDATION_ERROR"),),
        own=frozenset({"audio:transcript", "audio:response"}),  # the greeting
    ),
    "audio:chunk": Case(
        sent={"sessionId": "$session", "data": tone(0.5), "seq": 1},
        answer=frozenset(),
        refused=_UNHEARD,
        malformed=_ODD_SAMPLES,
        oversize=(
            ({"data": bytes(32_002)}, "PAYLOAD_TOO_LARGE"),
            ({"data": base64.b64encode(bytes(32_002)).decode()}, "PAYLOAD_TOO_LARGE"),
            ({"sessionId": "s" * 101}, "VALIDATION_ERROR"),
        ),
        first=_STARTED,
        settled=frozenset({"audio:transcript", "audio:response"}),
        own=frozenset({"audio:interrupted"}),  # the greeting is being said
    ),
    "audio:end": Case(
        sent={"sessionId": "$session"},
        answer=frozenset(),
        refused=_UNHEARD,
        malformed=({"final": True},),
        oversize=(({"sessionId": "s" * 101}, "VALIDATION_ERROR"),),
        first=(*_STARTED, ("audio:chunk", {"sessionId": "$session", "data": tone(0.5)})),
        settled=frozenset({"audio:interrupted"}),
        own=frozenset({"audio:transcript", "audio:response"}),
        everywhere=frozenset({"message:new", "message:update"}),  # it is a turn of a chat
    ),
}
