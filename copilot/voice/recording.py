"""Recording a conversation: both sides, a piece of ten seconds at a time, into blob storage."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, Literal

import structlog

from copilot.voice.line import Line
from copilot.voice.tracks import Tracks
from core.models.speech.pcm import LISTENING_RATE, SPEAKING_RATE, STEREO_BYTES
from core.models.speech.rates import Resampler
from core.services import Services
from core.store.voice_recordings import VoiceRecordingPiece
from core.store.voice_sessions import VoiceSession

PIECE_SECONDS: Final = 10.0
_LATE: Final = 2 * LISTENING_RATE  # samples; a chunk of a second may still be on its way
_MOST_WAITING: Final = 120 * LISTENING_RATE  # 8 MB; storage that is away longer ends a recording
_LAST_TRIES: Final = 3

log = structlog.get_logger(__name__)


class Recorder:
    """Of one session that this process holds. ``finish`` writes the rest.

    At most two minutes are in memory: where storage takes nothing for so long, the recording ends
    with what is written, and says that it is not whole.
    """

    def __init__(self, services: Services, session: VoiceSession) -> None:
        self._services, self._session = services, session
        self._began = time.monotonic()
        self._tracks = Tracks()
        self._downwards = Resampler(SPEAKING_RATE, LISTENING_RATE)
        self._number = 0
        self._has_failed = False
        self._over = asyncio.Event()
        self._writing = asyncio.create_task(self._write_all())

    def hear(self, pcm: bytes) -> None:
        """Take the caller's samples at 16 kHz, as they come."""
        if not self._has_failed:
            self._tracks.hear(pcm, self._moment())

    def say(self, pcm: bytes, *, is_last: bool) -> None:
        """Take the copilot's samples at 24 kHz, as they are sent."""
        if not self._has_failed:
            self._tracks.say(self._downwards.feed(pcm, is_last=is_last), self._moment())

    def silence(self) -> None:
        """Take it that what was sent and not played yet is thrown away."""
        self._downwards.feed(b"", is_last=True)
        self._tracks.silence(self._moment())

    async def finish(self) -> None:
        """Write what is left and end the recording; returns when that is done."""
        self._over.set()
        await asyncio.shield(self._writing)

    async def _write_all(self) -> None:
        while not self._over.is_set():
            with suppress(TimeoutError):
                async with asyncio.timeout(PIECE_SECONDS):
                    await self._over.wait()
            if not self._over.is_set() and not self._has_failed:
                await self._try_to_write(self._moment() - _LATE)
                self._has_failed |= self._tracks.waiting > _MOST_WAITING
        self.silence()
        end = max(self._moment(), self._tracks.heard_until())
        for _ in range(_LAST_TRIES):
            if self._has_failed or await self._try_to_write(end):
                break
            await asyncio.sleep(1)
        else:
            self._has_failed = True
        await self._end()

    async def _end(self) -> None:
        try:
            async with self._services.store.unit(self._session.workspace_id) as unit:
                await unit.voice_recordings.end(self._session.id, is_whole=not self._has_failed)
        # Logged whole; upkeep ends what is left open.
        except Exception:
            log.exception("recording not ended", session_id=self._session.id)

    async def _try_to_write(self, moment: int) -> bool:
        try:
            await self._write(moment)
        # Logged whole; what is not written stays here and is tried again.
        except Exception:
            log.exception("recording not written", session_id=self._session.id)
            return False
        return True

    async def _write(self, moment: int) -> None:
        frames = self._tracks.until(moment)
        if not frames:
            return
        blobs = self._services.blobs
        stored = await blobs.put(_one(frames), len(frames))
        piece = VoiceRecordingPiece(
            session_id=self._session.id,
            number=self._number,
            blob_key=stored.key,
            frames=len(frames) // STEREO_BYTES,
        )
        async with self._services.store.unit(self._session.workspace_id) as unit:
            is_added = await unit.voice_recordings.add(piece)
        if is_added:
            self._number += 1
            self._tracks.drop(moment)
        else:  # upkeep took this process for dead, and ended the recording
            self._has_failed = True
            await blobs.delete(stored.key)

    def _moment(self) -> int:
        return round((time.monotonic() - self._began) * LISTENING_RATE)


class RecordedLine:
    """A line whose sound is recorded."""

    def __init__(self, line: Line, recorder: Recorder) -> None:
        self._line, self._recorder = line, recorder

    async def transcript(self, role: Literal["user", "assistant"], text: str, final: bool) -> None:
        await self._line.transcript(role, text, final)

    async def play(self, pcm: bytes, seq: int, final: bool) -> None:
        self._recorder.say(pcm, is_last=final)
        await self._line.play(pcm, seq, final)

    async def interrupted(self) -> None:
        self._recorder.silence()
        await self._line.interrupted()

    async def failed(self, code: str, message: str) -> None:
        await self._line.failed(code, message)

    async def ended(self, reason: str) -> None:
        await self._line.ended(reason)


async def _one(data: bytes) -> AsyncIterator[bytes]:
    yield data
