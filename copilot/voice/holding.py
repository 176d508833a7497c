"""Holding a session: a lease that is renewed while its line is open, and one end for good."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from copilot.voice.conversation import Conversation
from copilot.voice.ears import Ears
from copilot.voice.line import EndReason, Line
from copilot.voice.recording import RecordedLine, Recorder
from core.errors import Conflict, RateLimited
from core.ids import new_id
from core.models.speech.activity import open_detector
from core.models.speech.door import Speech, open_speech, require_speech
from core.models.speech.providers import LOCAL
from core.services import Services
from core.store.voice_sessions import ENDED, VoiceSession
from pipelines.model_keys import own_key

HEARTBEAT_SECONDS: Final = 1.0  # how soon a session learns that it was ended elsewhere

log = structlog.get_logger(__name__)
_held: Final[set[Holding]] = set()


class Holding:
    """A session that this process holds; ``end`` may be called more than once."""

    def __init__(
        self,
        services: Services,
        session: VoiceSession,
        talk: Conversation,
        line: Line,
        recorder: Recorder | None,
    ) -> None:
        self._services, self.session = services, session
        self.talk, self._line, self._recorder = talk, line, recorder
        self._ending: asyncio.Task[None] | None = None
        self._beating = asyncio.create_task(self._beat())
        _held.add(self)

    @property
    def is_over(self) -> bool:
        return self._ending is not None

    async def feed(self, pcm: bytes) -> None:
        """Take the caller's next samples at 16 kHz."""
        if self._recorder is not None:
            self._recorder.hear(pcm)
        await self.talk.feed(pcm)

    async def end(self, reason: EndReason) -> None:
        """Stop talking and end the session; returns when it has ended."""
        if self._ending is None:
            self._ending = asyncio.create_task(self._end(reason))
        await asyncio.shield(self._ending)

    async def _end(self, reason: EndReason) -> None:
        self._beating.cancel()
        try:
            await self.talk.stop()
            async with self._services.store.unit(self.session.workspace_id) as unit:
                await unit.voice_sessions.end(self.session.id, reason)
                row = await unit.voice_sessions.get(self.session.id)
            await self._line.ended(row.end_reason or reason if row else reason)
        finally:
            if self._recorder is not None:
                await self._recorder.finish()
            _held.discard(self)

    async def _beat(self) -> None:
        lease = timedelta(seconds=self._services.settings.lease_seconds)
        owner = self.session.lease_owner or ""
        while True:
            await asyncio.sleep(HEARTBEAT_SECONDS)
            try:
                async with self._services.store.unit(self.session.workspace_id) as unit:
                    is_ours = await unit.voice_sessions.renew(self.session.id, owner, lease)
            # Logged; a server that is away for a moment ends no conversation.
            except Exception:
                log.exception("voice session not renewed", session_id=self.session.id)
                continue
            if not is_ours:
                # Ended elsewhere, which is written already, or past its limit.
                self._ending = self._ending or asyncio.create_task(self._end("limit"))
                return


async def hold(services: Services, session: VoiceSession, line: Line) -> Holding:
    """Begin to talk on a line; raises ``Conflict`` for a session that is held or over,
    ``RateLimited`` when this process has its hands full, ``NoVoice`` without models."""
    settings = session.settings
    require_speech(services.settings, settings["provider"])
    if len(_held) >= services.settings.voice_sessions:
        raise RateLimited("Too many conversations at once here; try again soon.", "concurrency", 5)
    speech = await _speech(services, session)
    detection = settings["turn_detection"]
    is_automatic = detection["type"] == "vad"
    ears = Ears(
        await open_detector(),
        detection["threshold"],
        detection["silence_duration_ms"] / 1000 if is_automatic else None,
    )
    owner = new_id("voice")
    lease = timedelta(seconds=services.settings.lease_seconds)
    async with services.store.unit(session.workspace_id) as unit:
        row = await unit.voice_sessions.claim(session.id, owner, lease)
        recording = session.settings.get("recording", {})  # sessions of an older version have none
        if row is not None and recording.get("enabled"):
            await unit.voice_recordings.begin(session.id, recording["retention_days"])
    if row is None:
        raise _held_or_over(session)
    recorder = Recorder(services, row) if recording.get("enabled") else None
    if recorder is not None:
        line = RecordedLine(line, recorder)
    talk = Conversation(services, row, speech, ears, line)
    holding = Holding(services, row, talk, line, recorder)
    talk.open()
    return holding


def _held_or_over(session: VoiceSession) -> Conflict:
    if session.status == ENDED:
        return Conflict("This session has ended; begin a new one.")
    return Conflict("This session is being talked on already, or has just ended.")


async def stop_all() -> None:
    """End this process's sessions, before its services close."""
    await asyncio.gather(*(holding.end("lost") for holding in list(_held)))


async def _speech(services: Services, session: VoiceSession) -> Speech:
    provider = session.settings["provider"]
    if provider == LOCAL:
        return open_speech(services.settings, provider, None)
    key = await own_key(services, session.workspace_id, f"{provider}/speech")
    if key is None:  # never the operator's
        raise Conflict(f"The workspace has no key of {provider} any more; save one again.")
    return open_speech(services.settings, provider, key)
