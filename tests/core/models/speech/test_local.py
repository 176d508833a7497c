"""The local models: what one says the other hears."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path

import numpy as np
import pytest

from core.models.speech.activity import FRAME_BYTES, open_detector
from core.models.speech.door import Speech
from core.models.speech.local import decode
from core.models.speech.pcm import UnreadableAudio, seconds_of, wav_of
from core.models.speech.rates import Resampler
from evals.word_errors import word_errors, words_of

TEXT = "The slipway is closed on Mondays and on public holidays."


async def _said(speech: Speech) -> bytes:
    """Return the sentence at the rate that is listened at."""
    spoken = await speech.speaker.speak(TEXT, None)
    assert 2 < seconds_of(spoken, 24_000) < 8
    return Resampler(24_000, 16_000).feed(spoken, is_last=True)


async def test_what_is_said_is_heard(speech: Speech) -> None:
    heard = await speech.listener.transcribe(await _said(speech), "en")
    assert word_errors(words_of(TEXT), words_of(heard)) <= 1, heard


async def test_it_is_heard_over_the_telephone(speech: Speech) -> None:
    from core.models.speech.pcm import from_mulaw, to_mulaw

    spoken = await speech.speaker.speak(TEXT, None)
    down, up = Resampler(24_000, 8_000), Resampler(8_000, 16_000)
    line = to_mulaw(down.feed(spoken, is_last=True))
    pieces = [up.feed(from_mulaw(line[at : at + 160])) for at in range(0, len(line), 160)]
    heard = await speech.listener.transcribe(b"".join(pieces), "en")
    assert word_errors(words_of(TEXT), words_of(heard)) <= 2, heard


async def test_silence_and_noise_say_nothing(speech: Speech) -> None:
    noise = (np.random.default_rng(1).normal(0, 900, 32_000)).astype("<i2").tobytes()
    for pcm in (b"", bytes(100), bytes(32_000), noise):
        assert await speech.listener.transcribe(pcm, "en") == ""


async def test_the_detector_tells_speech_from_silence(speech: Speech) -> None:
    detector = await open_detector()
    silent = [detector.probability(bytes(FRAME_BYTES)) for _ in range(20)]
    pcm = await _said(speech)
    frames = [pcm[at : at + FRAME_BYTES] for at in range(0, len(pcm) - FRAME_BYTES, FRAME_BYTES)]
    spoken = [detector.probability(frame) for frame in frames]
    assert max(silent) < 0.3
    assert sum(p > 0.5 for p in spoken) > len(spoken) / 2


async def test_the_event_loop_goes_on_while_it_listens(speech: Speech) -> None:
    pcm = await _said(speech)
    await speech.listener.transcribe(pcm, "en")  # loaded
    work = asyncio.create_task(speech.listener.transcribe(pcm, "en"))
    longest, last = 0.0, time.perf_counter()
    while not work.done():
        await asyncio.sleep(0.002)
        longest, last = max(longest, time.perf_counter() - last), time.perf_counter()
    assert longest < 2  # it listens for longer than that: the loop was not held all the while


def test_what_is_no_audio_is_refused(speech: Speech, tmp_path: Path) -> None:
    for name, data in (
        ("empty.wav", b""),
        ("text.wav", b"hello"),
        ("short.wav", wav_of(b"", 16_000)),
    ):
        (tmp_path / name).write_bytes(data)
        with pytest.raises(UnreadableAudio, match=name):
            decode(tmp_path / name)
