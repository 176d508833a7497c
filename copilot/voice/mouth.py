"""Saying sentences: in small pieces, not far ahead of what is being played."""

from __future__ import annotations

import asyncio
import time
from typing import Final

from copilot.voice.line import Line
from core.models.speech.door import Speaker
from core.models.speech.pcm import SAMPLE_BYTES, SPEAKING_RATE, seconds_of

_PIECE_BYTES: Final = SPEAKING_RATE * SAMPLE_BYTES // 2  # half a second
_AHEAD_SECONDS: Final = 4.0


class Mouth:
    """``is_speaking`` is an estimate: a piece is played when those before it were."""

    def __init__(self, speaker: Speaker, voice: str | None, line: Line) -> None:
        self._speaker, self._voice, self._line = speaker, voice, line
        self._played_until = 0.0
        self._seq = 0

    @property
    def is_speaking(self) -> bool:
        return time.monotonic() < self._played_until

    async def say(self, sentence: str) -> None:
        """Return when a sentence is sent, which is at most seconds before it is played."""
        pcm = await self._speaker.speak(sentence, self._voice)
        for at in range(0, len(pcm), _PIECE_BYTES):
            await self._send(pcm[at : at + _PIECE_BYTES])

    async def finish(self) -> None:
        """Tell that the answer is complete."""
        self._seq += 1
        await self._line.play(b"", self._seq, final=True)

    def silence(self) -> None:
        """Take it that nothing is played any more."""
        self._played_until = 0.0

    async def _send(self, piece: bytes) -> None:
        ahead = self._played_until - time.monotonic()
        if ahead > _AHEAD_SECONDS:
            await asyncio.sleep(ahead - _AHEAD_SECONDS)
        self._seq += 1
        await self._line.play(piece, self._seq, final=False)
        self._played_until = max(self._played_until, time.monotonic()) + seconds_of(
            piece, SPEAKING_RATE
        )
