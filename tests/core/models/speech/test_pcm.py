"""Samples as bytes, and the telephone's."""

from __future__ import annotations

import wave
from io import BytesIO

import numpy as np

from core.models.speech.pcm import from_mulaw, pcm_of, samples_of, to_mulaw, wav_of


def test_mulaw_is_that_of_g711() -> None:
    # The ends, zero of both signs, and one from the middle, as the standard's table has them.
    codes = bytes([0x00, 0x80, 0x7F, 0xFF, 0x2A, 0xAA])
    expected = [-32124, 32124, 0, 0, -5372, 5372]
    assert np.frombuffer(from_mulaw(codes), dtype="<i2").tolist() == expected


def test_every_code_comes_back_as_itself() -> None:
    codes = bytes(range(256))
    again = to_mulaw(from_mulaw(codes))
    # Minus zero is zero.
    assert again == codes.replace(b"\x7f", b"\xff")


def test_speech_survives_the_telephone() -> None:
    samples = (10_000 * np.sin(np.arange(8000) / 9)).astype("<i2")
    heard = np.frombuffer(from_mulaw(to_mulaw(samples.tobytes())), dtype="<i2")
    noise = np.mean((heard.astype(float) - samples) ** 2)
    assert 10 * np.log10(np.mean(samples.astype(float) ** 2) / noise) > 33  # dB


def test_the_loudest_samples_do_not_wrap_round() -> None:
    loud = np.array([-32768, 32767], dtype="<i2").tobytes()
    assert np.frombuffer(from_mulaw(to_mulaw(loud)), dtype="<i2").tolist() == [-32124, 32124]
    clipped = pcm_of(np.array([-2.0, 2.0], dtype=np.float32))
    assert np.allclose(samples_of(clipped), [-1, 1], atol=1e-3)


def test_a_wav_file_says_what_is_in_it() -> None:
    with wave.open(BytesIO(wav_of(b"\x01\x00" * 160, 16_000))) as file:
        assert (file.getframerate(), file.getnchannels(), file.getnframes()) == (16_000, 1, 160)
