"""Twilio's Media Streams: a call's audio over a WebSocket, 8 kHz mu-law both ways.

https://www.twilio.com/docs/voice/media-streams/websocket-messages
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any, Final

import structlog

from api.voice.budget import AudioBudget
from api.voice.telephone import TelephoneLine
from api.voice.twilio import STREAM_PATH
from copilot.voice.holding import Holding, hold
from core.errors import NuxaError
from core.models.speech.pcm import LISTENING_RATE, TELEPHONE_RATE, from_mulaw
from core.models.speech.rates import Resampler
from core.security import hash_token
from core.services import Services

_START_SECONDS: Final = 10.0
_SILENT_SECONDS: Final = 60.0  # Twilio sends audio all the time
_LARGEST: Final = 64 * 1024  # characters of a message; Twilio's are some 300
_PAYLOAD: Final = 8 * 1024  # bytes of audio in one: a second
_REFUSED: Final = 1008  # RFC 6455: policy
_DONE: Final = 1000
_END_KEY: Final = "#"

log = structlog.get_logger(__name__)


class BadStream(Exception):
    """This is no Media Stream, or not of a session that waits for one."""


class _HungUp(Exception):
    """The other side has closed."""


def takes(scope: Mapping[str, Any]) -> bool:
    """Whether a connection is a Media Stream."""
    return bool(scope["type"] == "websocket" and scope["path"] == STREAM_PATH)


async def serve(services: Services, receive: Any, send: Any) -> None:
    """Talk on one call until it is over: it hung up, or its session ended."""
    await receive()  # websocket.connect
    await send({"type": "websocket.accept"})
    code = _DONE
    try:
        async with asyncio.timeout(_START_SECONDS):
            start = await _start(receive)
        await _talk(services, start, receive, send)
    except (BadStream, TimeoutError) as error:
        log.info("media stream refused", reason=str(error))
        code = _REFUSED
    except NuxaError as error:
        log.warning("media stream refused", code=error.code, reason=error.message)
        code = _REFUSED
    except _HungUp:
        return
    await send({"type": "websocket.close", "code": code})


async def _message(receive: Any) -> dict[str, Any]:
    """Return the next message; raises ``BadStream`` for what is none of Twilio's."""
    event = await receive()
    if event["type"] == "websocket.disconnect":
        raise _HungUp
    text = event.get("text")
    if not isinstance(text, str) or len(text) > _LARGEST:
        raise BadStream("messages are texts of a few hundred characters")
    try:
        message = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadStream("a message is no JSON") from error
    if not isinstance(message, dict):
        raise BadStream("a message is no object")
    return message


async def _start(receive: Any) -> dict[str, Any]:
    while True:
        message = await _message(receive)
        if message.get("event") == "start":
            start = message.get("start")
            return start if isinstance(start, dict) else {}
        if message.get("event") != "connected":
            raise BadStream("the stream does not begin with connected and start")


async def _talk(services: Services, start: dict[str, Any], receive: Any, send: Any) -> None:
    given = start.get("customParameters")
    token = given.get("token") if isinstance(given, dict) else None
    stream_sid, call_sid = start.get("streamSid"), start.get("callSid")
    if not isinstance(token, str) or not isinstance(stream_sid, str):
        raise BadStream("the stream has no parameter token")
    async with services.store.system() as system:
        session = await system.voice_sessions.by_token(hash_token(token))
    if session is None or session.channel != "twilio":
        raise BadStream("the token is of no session that goes on")
    if session.external_id not in (None, call_sid):
        raise BadStream("the token is of another call")
    line = TelephoneLine(send, stream_sid)
    holding = await hold(services, session, line)
    listening = asyncio.create_task(_listen(holding, receive))
    ending = asyncio.create_task(line.over.wait())
    try:
        await asyncio.wait((listening, ending), return_when=asyncio.FIRST_COMPLETED)
        if listening.done():
            listening.result()
    finally:
        listening.cancel()
        ending.cancel()
        line.over.set()
        await holding.end("hangup")


async def _listen(holding: Holding, receive: Any) -> None:
    """Feed the call's audio until it stops; raises ``_HungUp`` when the connection goes."""
    upwards, budget = Resampler(TELEPHONE_RATE, LISTENING_RATE), AudioBudget()
    while True:
        async with asyncio.timeout(_SILENT_SECONDS):
            message = await _message(receive)
        event = message.get("event")
        if event == "stop":
            return
        if event == "media":
            coded = _audio(message.get("media"))
            budget.spend(len(coded) / TELEPHONE_RATE)
            await holding.feed(upwards.feed(from_mulaw(coded)))
        elif event == "dtmf" and _digit(message) == _END_KEY:
            await holding.talk.flush()


def _audio(media: object) -> bytes:
    payload = media.get("payload") if isinstance(media, dict) else None
    if not isinstance(payload, str):
        raise BadStream("media without a payload")
    try:
        coded = base64.b64decode(payload, validate=True)
    except (ValueError, binascii.Error) as error:
        raise BadStream("a payload is no base64") from error
    if len(coded) > _PAYLOAD:
        raise BadStream("a payload is longer than a second")
    return coded


def _digit(message: dict[str, Any]) -> object:
    dtmf = message.get("dtmf")
    return dtmf.get("digit") if isinstance(dtmf, dict) else None
