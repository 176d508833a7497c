"""Speech on this machine: Whisper listens, Hibari speaks, each in a thread of its own.

Loaded when first used, once a process: about 300 MB that no process pays that nobody talks to.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from core.config import Settings, forbid_phoning_home, get_settings
from core.models.speech.files import whisper_directory
from core.models.speech.pcm import (
    LISTENING_RATE,
    SAMPLE_BYTES,
    UnreadableAudio,
    pcm_of,
    samples_of,
)

if TYPE_CHECKING:
    from faster_whisper import WhisperModel
    from hibari import Hibari

_T = TypeVar("_T")
_LEAST_SECONDS: Final = 0.1  # less is a click
# Of what is none, Whisper makes words up: it then doubts them, or that anything was said.
_LEAST_LOG_PROBABILITY: Final = -1.0
_MOST_NO_SPEECH: Final = 0.6


class WhisperListener:
    """Whisper base by CTranslate2, in 8-bit integers."""

    def __init__(self, directory: Path, threads: int) -> None:
        self._directory, self._threads = directory, threads
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="listen")

    async def transcribe(self, pcm: bytes, language: str) -> str:
        if len(pcm) < _LEAST_SECONDS * LISTENING_RATE * SAMPLE_BYTES:
            return ""
        return await _run(self._thread, lambda: self._transcribe(pcm, language))

    @cached_property
    def _model(self) -> WhisperModel:
        forbid_phoning_home(get_settings())
        from faster_whisper import WhisperModel

        return WhisperModel(
            str(self._directory),
            device="cpu",
            compute_type="int8",
            cpu_threads=self._threads,
            local_files_only=True,
        )

    def _transcribe(self, pcm: bytes, language: str) -> str:
        segments, _ = self._model.transcribe(
            samples_of(pcm),
            language=language.partition("-")[0],
            beam_size=1,
            temperature=0.0,
            condition_on_previous_text=False,
            without_timestamps=True,
        )
        return " ".join(segment.text.strip() for segment in segments if _is_said(segment))


class HibariSpeaker:
    """A small English voice, 24 kHz."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="speak")

    async def speak(self, text: str, voice: str | None) -> bytes:  # noqa: ARG002 - it has one
        return await _run(self._thread, lambda: pcm_of(self._voice(text)))

    @cached_property
    def _voice(self) -> Hibari:
        from hibari import Hibari

        return Hibari()


def decode(file: Path) -> bytes:
    """Return a sound file of any kind as samples at 16 kHz; raises ``UnreadableAudio``."""
    from faster_whisper import decode_audio

    try:
        pcm = pcm_of(decode_audio(str(file), sampling_rate=LISTENING_RATE))
    # The decoder's errors are many classes, for what is in files of others.
    except Exception as error:
        raise UnreadableAudio(f"{file.name} cannot be decoded as audio: {error}") from error
    if not pcm:
        raise UnreadableAudio(f"{file.name} holds no sound.")
    return pcm


def listener(settings: Settings) -> WhisperListener:
    """Return the process's listener."""
    directory = whisper_directory(settings)
    if directory is None:
        raise FileNotFoundError("Whisper is not there: require_speech says so first")
    return _listener(directory, settings.speech_threads)


@lru_cache
def speaker() -> HibariSpeaker:
    """Return the process's speaker."""
    return HibariSpeaker()


@lru_cache
def _listener(directory: Path, threads: int) -> WhisperListener:
    return WhisperListener(directory, threads)


def _is_said(segment: Any) -> bool:
    is_doubtful: bool = segment.avg_logprob < _LEAST_LOG_PROBABILITY
    return not is_doubtful and segment.no_speech_prob <= _MOST_NO_SPEECH


async def _run(thread: ThreadPoolExecutor, work: Callable[[], _T]) -> _T:
    return await asyncio.get_running_loop().run_in_executor(thread, work)
