"""Streams of samples from one rate to another, in pieces, without clicks between them."""

from __future__ import annotations

import numpy as np


class Resampler:
    """Of one stream; a piece comes out somewhat later than it went in."""

    def __init__(self, given: int, wanted: int) -> None:
        import soxr

        self._stream = soxr.ResampleStream(given, wanted, 1, dtype="int16", quality="HQ")

    def feed(self, pcm: bytes, *, is_last: bool = False) -> bytes:
        """Return what the samples so far have come to; after the last one it begins anew."""
        samples = self._stream.resample_chunk(np.frombuffer(pcm, dtype="<i2"), last=is_last)
        if is_last:
            self._stream.clear()
        return bytes(samples.astype("<i2").tobytes())
