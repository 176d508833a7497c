"""When somebody begins to speak, and when the turn is over."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final, TypeAlias

from core.models.speech.activity import FRAME_BYTES, FRAME_SECONDS, Detector

_BEFORE_SECONDS: Final = 0.3  # kept of what came before speech was sure: a word's beginning
_SURE_FRAMES: Final = 3
_PAUSE_SECONDS: Final = 0.2  # after which it may be over, so that listening begins
_LONGEST_SECONDS: Final = 30.0
_EASIER: Final = 0.15  # who speaks already need not be as loud


@dataclass(frozen=True)
class Began:
    """Somebody speaks."""


@dataclass(frozen=True)
class Paused:
    """It may be over: what was said so far."""

    pcm: bytes


@dataclass(frozen=True)
class Resumed:
    """It was not."""


@dataclass(frozen=True)
class Ended:
    """It is over: all that was said."""

    pcm: bytes


Heard: TypeAlias = Began | Paused | Resumed | Ended


class Ears:
    """Takes samples at 16 kHz as they come.

    ``silence_seconds`` of quiet end a turn; None leaves that to ``flush``. After 30 s a turn ends
    by itself.
    """

    def __init__(self, detector: Detector, threshold: float, silence_seconds: float | None) -> None:
        self._detector, self._threshold = detector, threshold
        self._silence_seconds = silence_seconds
        self._rest = bytearray()
        self._before: deque[bytes] = deque(maxlen=round(_BEFORE_SECONDS / FRAME_SECONDS))
        self._said = bytearray()
        self._is_speaking = self._is_paused = False
        self._run = 0  # frames of speech while none was heard, of quiet while some is

    def feed(self, pcm: bytes) -> list[Heard]:
        """Return what the next samples have made clear."""
        self._rest += pcm
        heard: list[Heard] = []
        while len(self._rest) >= FRAME_BYTES:
            frame = bytes(self._rest[:FRAME_BYTES])
            del self._rest[:FRAME_BYTES]
            heard += self._speaking(frame) if self._is_speaking else self._quiet(frame)
        return heard

    def flush(self) -> list[Heard]:
        """End the turn here, if there is one."""
        return [self._end()] if self._is_speaking else []

    def _quiet(self, frame: bytes) -> list[Heard]:
        self._before.append(frame)
        is_speech = self._detector.probability(frame) >= self._threshold
        self._run = self._run + 1 if is_speech else 0
        if self._run < _SURE_FRAMES:
            return []
        self._is_speaking, self._run = True, 0
        self._said += b"".join(self._before)
        return [Began()]

    def _speaking(self, frame: bytes) -> list[Heard]:
        self._said += frame
        if self._detector.probability(frame) >= self._threshold - _EASIER:
            self._run = 0
            if self._is_paused:
                self._is_paused = False
                return [Resumed()]
            return [self._end()] if self._is_too_long() else []
        self._run += 1
        quiet = self._run * FRAME_SECONDS
        if self._silence_seconds is not None and quiet >= self._silence_seconds:
            return [self._end()]
        if not self._is_paused and quiet >= _PAUSE_SECONDS:
            self._is_paused = True
            return [Paused(bytes(self._said))]
        return [self._end()] if self._is_too_long() else []

    def _is_too_long(self) -> bool:
        return len(self._said) >= _LONGEST_SECONDS / FRAME_SECONDS * FRAME_BYTES

    def _end(self) -> Ended:
        said = bytes(self._said)
        self._said.clear()
        self._before.clear()
        self._is_speaking = self._is_paused = False
        self._run = 0
        return Ended(said)
