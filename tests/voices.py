"""Doors to speech for tests: what is loud is speech, and it says what the test has written."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import pytest

from copilot.voice import holding, sessions
from core.models.speech.door import Speech
from core.models.speech.pcm import SPEAKING_RATE

LOUD = 8_000


def tone(seconds: float, rate: int = 16_000) -> bytes:
    """Return what counts as speech here."""
    moments = np.arange(round(seconds * rate))
    return (LOUD * np.sin(moments * 2 * np.pi * 300 / rate)).astype("<i2").tobytes()


def silence(seconds: float, rate: int = 16_000) -> bytes:
    return bytes(2 * round(seconds * rate))


class LoudnessDetector:
    def probability(self, frame: bytes) -> float:
        return float(np.abs(np.frombuffer(frame, dtype="<i2").astype(int)).mean() > 500)


@dataclass
class FakeVoice:
    """Listens to ``hears`` in order, and speaks each sentence as a tone of ``seconds``."""

    hears: Sequence[str] = ()
    seconds: float = 0.2
    delay: float = 0.0
    heard: list[float] = field(default_factory=list)  # seconds of what it listened to
    said: list[str] = field(default_factory=list)

    async def transcribe(self, pcm: bytes, language: str) -> str:
        await asyncio.sleep(self.delay)
        self.heard.append(len(pcm) / 32_000)
        return self.hears[min(len(self.heard), len(self.hears)) - 1] if self.hears else ""

    async def speak(self, text: str, voice: str | None) -> bytes:
        self.said.append(text)
        return tone(self.seconds, SPEAKING_RATE)


def install(patch: pytest.MonkeyPatch) -> FakeVoice:
    """Let a fake listen and speak in every conversation of this process."""
    voice = FakeVoice()

    async def open_detector() -> LoudnessDetector:
        return LoudnessDetector()

    patch.setattr(sessions, "require_speech", lambda *_: None)
    patch.setattr(holding, "require_speech", lambda *_: None)
    patch.setattr(holding, "open_speech", lambda *_: Speech(voice, voice))
    patch.setattr(holding, "open_detector", open_detector)
    return voice
