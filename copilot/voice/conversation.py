"""One conversation: what is heard is answered sentence by sentence, and may be interrupted."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from typing import Any, Final

import structlog

from copilot.voice.answering import Answering
from copilot.voice.ears import Began, Ears, Ended, Heard, Paused, Resumed
from copilot.voice.line import Line
from copilot.voice.mouth import Mouth
from copilot.voice.wording import Sentences
from core.errors import NuxaError
from core.models.speech.door import Speech
from core.models.speech.pcm import LISTENING_RATE, SAMPLE_BYTES
from core.services import Services
from core.store.base import now
from core.store.voice_sessions import VoiceSession
from pipelines.journal import storable

_MOST_UNHEARD: Final = 60 * LISTENING_RATE * SAMPLE_BYTES
_FAILED: Final = "Something went wrong while answering; say it again."

log = structlog.get_logger(__name__)


class Conversation:
    """Of one session that this process holds; fed by one reader, in order.

    While the caller pauses, what was said is transcribed already: it may have been all.
    """

    def __init__(
        self, services: Services, session: VoiceSession, speech: Speech, ears: Ears, line: Line
    ) -> None:
        self._services, self._session = services, session
        self._speech, self._ears, self._line = speech, ears, line
        self._mouth = Mouth(speech.speaker, session.settings["voice_id"], line)
        self._answering = Answering(services, session)
        self._guess: asyncio.Task[str] | None = None
        self._unheard = b""  # said before a pause that was none, and not transcribed by then
        self._reply: asyncio.Task[None] | None = None
        self._loading: asyncio.Future[Any] | None = None

    def open(self) -> None:
        """Load the models, and say the workspace's greeting, if it has one."""
        loads = (self._speech.listener.load(), self._speech.speaker.load())
        self._loading = asyncio.gather(*loads, return_exceptions=True)  # first use says what fails
        greeting = self._session.settings["greeting"]
        if greeting:
            self._reply = asyncio.create_task(self._guarded(self._greeting(greeting)))

    async def feed(self, pcm: bytes) -> None:
        """Take the next samples at 16 kHz; quick, whatever they lead to."""
        for heard in self._ears.feed(pcm):
            await self._take(heard)

    async def flush(self) -> None:
        """Take it that the caller has said all."""
        for heard in self._ears.flush():
            await self._take(heard)

    async def stop(self) -> None:
        """Say and listen no more."""
        self._drop_guess()
        if self._loading is not None:
            self._loading.cancel()
        if self._reply is not None:
            self._reply.cancel()
            await asyncio.gather(self._reply, return_exceptions=True)

    async def _take(self, heard: Heard) -> None:
        if isinstance(heard, Began):
            await self._interrupt()
        elif isinstance(heard, Paused):
            self._guess = asyncio.create_task(self._transcribe(self._unheard + heard.pcm))
        elif isinstance(heard, Resumed):
            self._drop_guess()
        elif isinstance(heard, Ended):
            guess, self._guess = self._guess, None
            self._unheard = (self._unheard + heard.pcm)[-_MOST_UNHEARD:]
            listening = guess or asyncio.create_task(self._transcribe(self._unheard))
            await self._interrupt()
            self._reply = asyncio.create_task(self._guarded(self._respond(listening)))

    async def _transcribe(self, pcm: bytes) -> str:
        return await self._speech.listener.transcribe(pcm, self._session.settings["language"])

    def _drop_guess(self) -> None:
        if self._guess is not None:
            self._guess.cancel()
            self._guess = None

    async def _interrupt(self) -> None:
        """Stop the answer that is being made or said."""
        reply, self._reply = self._reply, None
        is_answering = reply is not None and not reply.done()
        if reply is not None and is_answering:
            reply.cancel()
        if self._mouth.is_speaking:
            self._mouth.silence()
            await self._line.interrupted()
        if reply is not None and is_answering:
            await asyncio.gather(reply, return_exceptions=True)

    async def _greeting(self, greeting: str) -> None:
        is_whole = False
        await self._line.transcript("assistant", greeting, False)
        try:
            await self._say_all(greeting)
            is_whole = True
        finally:
            # Also when interrupted: what was said was said.
            await asyncio.shield(self._note("assistant", greeting, {"interrupted": not is_whole}))
        await self._line.transcript("assistant", greeting, True)

    async def _say_all(self, text: str) -> None:
        sentences = Sentences()
        for sentence in [*sentences.feed(text), *sentences.rest()]:
            await self._mouth.say(sentence)
        await self._mouth.finish()

    async def _respond(self, listening: asyncio.Task[str]) -> None:
        ended = time.monotonic()
        try:
            text = await listening
        finally:
            listening.cancel()
        self._unheard = b""
        if not text:
            return
        latency = {"transcription": _ms_since(ended)}
        await self._line.transcript("user", text, True)
        await self._note("user", text)
        said: list[str] = []
        is_whole = False
        try:
            await self._answer(text, said, latency, ended)
            is_whole = True
        finally:
            if said:
                if self._mouth.began is not None:
                    latency["firstAudio"] = _ms_between(ended, self._mouth.began)
                # Also when interrupted: what was said was said.
                more = {"interrupted": not is_whole, "latencyMs": latency}
                await asyncio.shield(self._note("assistant", " ".join(said), more))

    async def _answer(
        self, text: str, said: list[str], latency: dict[str, int], ended: float
    ) -> None:
        sentences = Sentences()
        self._mouth.begin()

        async def say(complete: list[str]) -> None:
            for sentence in complete:
                said.append(sentence)
                await self._line.transcript("assistant", " ".join(said), False)
                await self._mouth.say(sentence)

        async with aclosing(self._answering.answer(text)) as deltas:
            async for delta in deltas:
                latency.setdefault("firstText", _ms_since(ended))
                await say(sentences.feed(delta))
        await say(sentences.rest())
        await self._mouth.finish()
        await self._line.transcript("assistant", " ".join(said), True)

    async def _note(self, role: str, text: str, more: dict[str, Any] | None = None) -> None:
        at = now().isoformat().replace("+00:00", "Z")
        line = {"role": role, "text": storable(text), "at": at, **(more or {})}
        async with self._services.store.unit(self._session.workspace_id) as unit:
            await unit.voice_sessions.add_line(self._session.id, line)

    async def _guarded(self, work: Any) -> None:
        """Do what answers; what goes wrong is told, and the conversation goes on."""
        try:
            await work
        except NuxaError as error:
            await self._line.failed(error.code, error.message)
        # Logged whole; the caller waits for an answer.
        except Exception:
            log.exception("voice answer failed", session_id=self._session.id)
            await self._line.failed(NuxaError.code, _FAILED)


def _ms_since(moment: float) -> int:
    return _ms_between(moment, time.monotonic())


def _ms_between(moment: float, later: float) -> int:
    return round((later - moment) * 1000)
