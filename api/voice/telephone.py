"""The way to the caller's ear in a Media Stream."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any, Literal

import structlog

from core.models.speech.pcm import SPEAKING_RATE, TELEPHONE_RATE, to_mulaw
from core.models.speech.rates import Resampler

log = structlog.get_logger(__name__)


class TelephoneLine:
    """Sends audio, a mark behind each answer, and clears what was sent when interrupted.

    ``over`` is set once nothing more is to be sent.
    """

    def __init__(self, send: Any, stream_sid: str) -> None:
        self._send_event, self._stream_sid = send, stream_sid
        self._downwards = Resampler(SPEAKING_RATE, TELEPHONE_RATE)
        self.over = asyncio.Event()

    async def transcript(self, role: Literal["user", "assistant"], text: str, final: bool) -> None:
        """Nobody reads on a telephone; the session keeps what was said."""

    async def play(self, pcm: bytes, seq: int, final: bool) -> None:
        coded = to_mulaw(self._downwards.feed(pcm, is_last=final))
        if coded:
            payload = base64.b64encode(coded).decode()
            await self._send({"event": "media", "media": {"payload": payload}})
        if final:
            await self._send({"event": "mark", "mark": {"name": str(seq)}})

    async def interrupted(self) -> None:
        self._downwards.feed(b"", is_last=True)
        await self._send({"event": "clear"})

    async def failed(self, code: str, message: str) -> None:
        log.warning("voice answer failed", stream=self._stream_sid, code=code, reason=message)

    async def ended(self, reason: str) -> None:
        log.info("call over", stream=self._stream_sid, reason=reason)
        self.over.set()

    async def _send(self, message: dict[str, Any]) -> None:
        if not self.over.is_set():
            text = json.dumps({"streamSid": self._stream_sid, **message})
            await self._send_event({"type": "websocket.send", "text": text})
