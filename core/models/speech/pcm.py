"""Sound as bytes: 16-bit little-endian samples of one channel, and the telephone's 8 bits.

The telephone's are mu-law of ITU-T G.711.
"""

from __future__ import annotations

import io
import struct
import wave
from typing import Final

import numpy as np
from numpy.typing import NDArray

from core.errors import UnsupportedMediaType

LISTENING_RATE: Final = 16_000  # Hz, of what is heard
SPEAKING_RATE: Final = 24_000  # Hz, of what is said
TELEPHONE_RATE: Final = 8_000
SAMPLE_BYTES: Final = 2
STEREO_BYTES: Final = 2 * SAMPLE_BYTES  # of a frame: a sample of each side
WAV_HEADER_BYTES: Final = 44
_BIAS: Final = 0x84
_CLIP: Final = 32_635


class UnreadableAudio(UnsupportedMediaType):
    """A file is no audio, or none that can be decoded."""


def seconds_of(pcm: bytes, rate: int) -> float:
    return len(pcm) / SAMPLE_BYTES / rate


def samples_of(pcm: bytes) -> NDArray[np.float32]:
    """Return the samples as numbers from -1 to 1."""
    return np.frombuffer(pcm, dtype="<i2").astype(np.float32) / 32_768.0


def pcm_of(samples: NDArray[np.float32]) -> bytes:
    """Return numbers from -1 to 1, clipped, as bytes."""
    return (np.clip(samples, -1.0, 1.0) * 32_767.0).astype("<i2").tobytes()


def wav_of(pcm: bytes, rate: int) -> bytes:
    """Return the samples as a WAV file."""
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(SAMPLE_BYTES)
        out.setframerate(rate)
        out.writeframes(pcm)
    return file.getvalue()


def stereo_header(frames: int, rate: int) -> bytes:
    """Return what a WAV file of so many frames of two 16-bit samples begins with.

    RIFF's own layout, with the 16 bytes of a `fmt ` of kind 1 (PCM).
    """
    size = frames * STEREO_BYTES
    shape = (1, 2, rate, rate * STEREO_BYTES, STEREO_BYTES, 8 * SAMPLE_BYTES)
    beginning = struct.pack("<4sI4s", b"RIFF", WAV_HEADER_BYTES - 8 + size, b"WAVE")
    layout = struct.pack("<4sIHHIIHH", b"fmt ", 16, *shape)
    return beginning + layout + struct.pack("<4sI", b"data", size)


def both_sides(left: bytes, right: bytes) -> bytes:
    """Return frames of two sides that are equally long, the left one's sample first."""
    sides = [np.frombuffer(side, dtype="<i2") for side in (left, right)]
    return np.stack(sides, axis=1).tobytes()


def from_mulaw(data: bytes) -> bytes:
    """Return mu-law's samples as 16-bit ones of the same rate."""
    return _DECODED[np.frombuffer(data, dtype=np.uint8)].tobytes()


def to_mulaw(pcm: bytes) -> bytes:
    """Return 16-bit samples as mu-law's of the same rate."""
    samples = np.frombuffer(pcm, dtype="<i2").astype(np.int32)
    sign = np.where(samples < 0, 0x80, 0)
    size = np.minimum(np.abs(samples), _CLIP) + _BIAS
    exponent = np.floor(np.log2(size)).astype(np.int32) - 7
    mantissa = (size >> (exponent + 3)) & 0x0F
    coded: NDArray[np.int32] = ~(sign | (exponent << 4) | mantissa) & 0xFF
    return coded.astype(np.uint8).tobytes()


def _decoded() -> NDArray[np.int16]:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    size = ((((code & 0x0F) << 3) + _BIAS) << ((code >> 4) & 0x07)) - _BIAS
    return np.where(code & 0x80, -size, size).astype("<i2")


_DECODED: Final = _decoded()
